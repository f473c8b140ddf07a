"""What a program is, and what it is asked to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import PROJECT


@dataclass(frozen=True)
class Job:
    """What a program is to do in one run."""

    endpoint: str  # of the listing
    addresses: Path  # the same pictures, one address a line
    store: Path
    scratch: Path  # for what a program needs beside it
    count: int
    connections: int
    full: bool = False  # with thumbnails, decoded, and the reactor watched

    @property
    def gaps(self) -> Path:
        """The file of the longest gaps between two turns of a watched reactor."""
        return self.scratch / "gaps.json"


@dataclass(frozen=True)
class Program:
    """One program. *python* is its interpreter, None where it has none."""

    name: str
    what: str
    command: Callable[[Job], list[str]]
    python: Path | None = Path(sys.executable)
    package: str = ""
    connections: int | None = None  # a fixed number, whatever is wanted
    keeps_bytes: bool = True

    @property
    def serial(self) -> bool:
        """Whether it fetches one picture after the other."""
        return self.connections == 1

    def missing(self) -> str:
        """Say why it cannot be measured, or nothing."""
        if self.python is None:
            return "" if shutil.which(self.name) else f"{self.name} is not installed"
        if not self.python.exists():
            return f"not installed in {self.python.parents[1].relative_to(PROJECT)}: make bench"
        if self.package and not self.version():
            return f"{self.package} could not be installed"
        return ""

    def version(self) -> str:
        """Return what was measured, such as ``Scrapy 2.19.0``; empty where it is not there."""
        if self.python is None:
            words = [self.name, "--version"]
        elif not self.package:
            return "Python " + sys.version.split()[0]
        else:
            name = self.package
            ask = f"from importlib.metadata import version as v; print({name!r}, v({name!r}))"
            words = [str(self.python), "-c", ask]
        answer = subprocess.run(words, capture_output=True, text=True, check=False)
        line = answer.stdout.partition("\n")[0]
        return " ".join(line.split()[:2]) if answer.returncode == 0 else ""
