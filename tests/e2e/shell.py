"""Run a printed command as if it were pasted into a shell."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.e2e.command import TIMEOUT_S, Result

# A store whose name has to be quoted.
STORE = ("-s", "IMAGES_STORE=my pictures")


def shell(command: str, folder: Path, environment: dict[str, str]) -> Result:
    """Run *command* unchanged in a shell."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def printed(text: str, after: str) -> str:
    """Return the command that follows *after*, to the end of each line that has it."""
    (command,) = set(re.findall(f"{re.escape(after)} (.*)", text))
    return str(command)
