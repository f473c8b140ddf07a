"""Run the program in a terminal emulator, and read its screen."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.command import PROJECT, TIMEOUT_S, wait_until

# The width is that of the terminal; pytest-xdist and others set it for their own output.
_NOT_OF_A_TERMINAL = ("NO_COLOR", "COLUMNS", "LINES")
_SETTINGS = """
set -g status off
set -g remain-on-exit on
set -g remain-on-exit-format ""
"""


class Terminal:
    """A terminal of so many columns, in which tmux runs one command in *folder*."""

    def __init__(self, folder: Path, columns: int = 80, **environment: str) -> None:
        self._folder = folder
        self._socket = str(folder / "tmux")
        self._columns = columns
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in _NOT_OF_A_TERMINAL},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "SCRAPY_SETTINGS_MODULE": "wallpapers.settings",
            "PYTHONUTF8": "1",
        }
        self._inner = [f"{name}={value}" for name, value in environment.items()]

    def __enter__(self) -> Self:
        size = f"set -g default-size {self._columns}x60\n"
        (self._folder / "tmux.conf").write_text(_SETTINGS + size)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        subprocess.run(self._tmux("kill-server"), capture_output=True, check=False)

    def crawl(self, endpoint: str, *words: str, through: str = "") -> None:
        """Start a crawl of *endpoint*; *through* is added to the command, as ``| cat``."""
        program = ["env", *self._inner, "scrapy", "crawl", "baidu_wallpaper"]
        command = [*program, "-a", f"endpoint={endpoint}", *words]
        size = ["-x", str(self._columns), "-y", "60"]
        self._run(
            *("new-session", "-d", *size, "-c", str(self._folder)),
            f"{shlex.join(command)} {through}; echo $? >status",
        )

    def press(self, key: str) -> None:
        """Press *key*, such as ``C-c``."""
        self._run("send-keys", key)

    def finish(self) -> int:
        """Wait until the command has ended, and return its status."""
        wait_until(lambda: self._value("pane_dead") == "1")
        # tmux 3.3 loses the status if the command ends at the wrong moment.
        return int((self._folder / "status").read_text())

    def wait_for(self, text: str) -> list[str]:
        """Wait until the screen has *text*, and return its lines."""
        wait_until(lambda: any(text in line for line in self.lines()))
        return self.lines()

    def lines(self, *, with_styles: bool = False) -> list[str]:
        """Return the lines of the screen, without the empty ones at its end."""
        styles = ["-e"] if with_styles else []
        screen = self._run("capture-pane", "-p", *styles)
        return [line.rstrip() for line in screen.rstrip().split("\n")]

    def _value(self, name: str) -> str:
        return self._run("display-message", "-p", f"#{{{name}}}").strip()

    def _run(self, *words: str) -> str:
        result = subprocess.run(
            self._tmux(*words),
            env=self._environment,
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
        )
        return result.stdout

    def _tmux(self, *words: str) -> list[str]:
        return ["tmux", "-u", "-S", self._socket, "-f", str(self._folder / "tmux.conf"), *words]
