"""Run ``scrapy`` as a person does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
FAST = ("-s", 'DOWNLOAD_SLOTS={"listing": {"concurrency": 1, "delay": 0}}')
TIMEOUT_S = 120


@dataclass
class Result:
    """What a command left behind."""

    status: int
    output: str
    log: str
    peak_mb: float = 0

    @property
    def errors(self) -> list[str]:
        """The lines of the log at ERROR and above."""
        return [line for line in self.log.splitlines() if "] ERROR: " in line or "] CRIT" in line]


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    """Start ``scrapy`` with *words*; the project is found wherever it is started."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "PYTHONUTF8": "1",
        "SCRAPY_SETTINGS_MODULE": "wallpapers.settings",
        "NO_COLOR": "1",
    }
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "scrapy", *words],
        text=True,
        **{"cwd": PROJECT, "env": environment, **pipes, **options},
    )


def finish(process: subprocess.Popen[str]) -> Result:
    """Wait for a started command."""
    output, log = process.communicate(timeout=TIMEOUT_S)
    return Result(process.returncode, output, log)


def scrapy(*words: str, cwd: Path = PROJECT, preexec: Callable[[], None] | None = None) -> Result:
    """Run ``scrapy`` with *words* to its end."""
    return finish(start(*words, cwd=cwd, preexec_fn=preexec))


def measured(*words: str) -> Result:
    """Run ``scrapy`` with *words* to its end, and tell its peak memory."""
    with tempfile.TemporaryFile("w+") as log:
        process = start(*words, stdout=subprocess.DEVNULL, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        return Result(process.returncode, "", log.read(), peak_mb=usage.ru_maxrss / 1024)
