"""A machine to run the commands of docs/operations.md and deploy/ on: folders and stub programs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.command import PROJECT, TIMEOUT_S
from wallpapers.demo.standin import StandIn

PAGE = PROJECT / "docs" / "operations.md"
# What the commands name on a machine, and a test has below a folder of its own.
_PLACES = ("/opt/wallpapers", "/etc/", "/var/lib/")
# Crawls of the page reach the stand-in, and nothing else.
_WALLPAPERS = """#!/bin/sh
[ "$1" != crawl ] || set -- "$@" -a endpoint="$ENDPOINT"
exec "{python}" -m wallpapers "$@"
"""
_PYTHON = """#!/bin/sh
exec "{python}" "$@" -a endpoint="$ENDPOINT"
"""


def blocks(heading: str, language: str = "sh") -> list[str]:
    """Return the blocks in *language* of the section *heading*, down to the next heading."""
    _, found, rest = PAGE.read_text().partition(f"\n{heading}\n")
    assert found, heading
    section = re.split(r"^##+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    found_blocks = re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return [text for kind, text in found_blocks if kind == language]


class Machine:
    """Folders and programs in place of those of a whole machine.

    ``python`` and ``wallpapers`` are those of this environment; a crawl is one of *standin*.
    """

    def __init__(self, folder: Path, standin: StandIn | None = None) -> None:
        self.folder = folder / "machine"
        self.home = self.folder / "var/lib/wallpapers"
        for place in (self.home, self.folder / "bin", self.folder / "etc/logrotate.d"):
            place.mkdir(parents=True)
        self._endpoint = standin.endpoint if standin else ""
        self.add_program("wallpapers", _WALLPAPERS)
        self.add_program("python", _PYTHON)

    def add_program(self, name: str, text: str, folder: str = "bin") -> None:
        """Add a shell script; ``{python}`` in *text* is the interpreter of the tests."""
        path = self.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{python}", sys.executable))
        path.chmod(0o755)

    def install(self) -> None:
        """Put the program where the units and the crontab expect it."""
        self.add_program("wallpapers", _WALLPAPERS, "opt/wallpapers/bin")

    def moved(self, text: str) -> str:
        """Return *text* with the folders of a machine below that of this one."""
        for place in _PLACES:
            text = re.sub(rf"(?<![\w/]){place}", f"{self.folder}{place}", text)
        return text

    def run(self, commands: str, *, cwd: Path | None = None, **variables: str) -> str:
        """Run *commands*, each of which has to succeed; return what they print."""
        done = self.try_to_run(f"set -eu\n{commands}", cwd=cwd, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_to_run(
        self, commands: str, *, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run *commands* as a shell does."""
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "PYTHONUTF8": "1",
            "ENDPOINT": self._endpoint,
            **variables,
        }
        return subprocess.run(
            ["sh", "-c", self.moved(commands)],
            cwd=cwd or self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=5 * TIMEOUT_S,  # one installs all requirements
            check=False,
        )
