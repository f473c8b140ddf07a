"""Ctrl-C while a command is starting: status 130 and no traceback."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.command import finish, start_python

# A program whose import of a module takes long.
IMPORT_TAKES_LONG = """
import runpy, sys, threading
module, program = sys.argv[1:3]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            print("importing", flush=True)
            threading.Event().wait()
sys.meta_path.insert(0, Finder())
sys.argv[:] = [program, *sys.argv[3:]]
runpy.run_module(program, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("program", "module"),
    [
        ("wallpapers", "scrapy"),
        ("wallpapers", "wallpapers.catalogue"),
        ("scrapy", "wallpapers.downloads"),
        ("scrapy", "wallpapers.catalogue"),
    ],
)
@pytest.mark.parametrize("command", ["crawl", "stats"])
def test_ctrl_c_during_the_imports_leaves_no_traceback(
    tmp_path: Path, program: str, module: str, command: str
) -> None:
    words = (command, *(["baidu_wallpaper"] if command == "crawl" else []))
    process = start_python(
        *(module, program, *words, "-s", f"IMAGES_STORE={tmp_path}"),
        instead=(sys.executable, "-W", "error", "-c", IMPORT_TAKES_LONG),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert (result.status, result.output, result.log) == (130, "", "")
