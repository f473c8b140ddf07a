"""The program ``wallpapers``: in any folder, by its own name, with this project's settings."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import FAST, Result, finish, start, start_python
from tests.pictures import exhibits
from tests.standin.listing_faults import HtmlListing
from wallpapers import __version__
from wallpapers.demo.standin import StandIn

MODULE = (sys.executable, "-W", "error", "-m", "wallpapers")
# Stops where Scrapy would be imported, until a signal comes.
IMPORT_OF_SCRAPY_TAKES_LONG = """
import sys, threading
class Finder:
    def find_spec(self, name, *words):
        if name == "scrapy":
            print("importing", flush=True)
            threading.Event().wait()
sys.meta_path.insert(0, Finder())
from wallpapers.__main__ import main
main()
"""


def wallpapers(*words: str, cwd: Path) -> Result:
    """Run ``wallpapers`` with *words*, in a folder that names no settings."""
    return finish(start(*words, module="wallpapers", settings_module="", cwd=cwd))


def python(*words: str, cwd: Path, **options: Any) -> Result:
    """Run ``python -m wallpapers`` with *words*, in a folder that names no settings."""
    return finish(start_python(*words, instead=MODULE, settings_module="", cwd=cwd, **options))


def test_a_crawl_in_any_folder_stores_below_it(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        endpoint = ("-a", f"endpoint={standin.endpoint}")
        result = python("crawl", "baidu_wallpaper", *endpoint, *FAST, "-O", "a.json", cwd=tmp_path)
    assert result.status == 0
    assert "outcome: complete (exit status 0)" in result.log
    assert len(json.loads((tmp_path / "a.json").read_text())) == 3
    assert len(list((tmp_path / "downloads/baidu_wallpaper").rglob("*.jpg"))) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "downloads"]


def test_the_settings_are_this_projects_even_in_another_project(tmp_path: Path) -> None:
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = theirs.settings\n")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/settings.py").write_text("BOT_NAME = 'theirs'\nLOG_LEVEL = 'ERROR'\n")
    theirs = {**os.environ, "SCRAPY_SETTINGS_MODULE": "theirs.settings"}
    theirs["PYTHONPATH"] = str(Path(__file__).parents[2])
    for environment in ({}, {"env": theirs}):
        got = python("settings", "--get", "BOT_NAME", cwd=tmp_path, **environment)
        assert got.output == "wallpapers\n"
    assert wallpapers("settings", "--get", "LOG_LEVEL", cwd=tmp_path).output == "INFO\n"


def test_an_option_wins_over_the_settings(tmp_path: Path) -> None:
    words = ("settings", "-s", "BOT_NAME=mine", "--get", "BOT_NAME")
    assert wallpapers(*words, cwd=tmp_path).output == "mine\n"


@pytest.mark.parametrize("words", [(), ("--help",)])
def test_without_a_command_it_lists_the_commands(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = wallpapers(*words, cwd=tmp_path)
    assert result.status == 0
    assert result.output.startswith(f"wallpapers {__version__} (Scrapy ")
    for command in ("crawl", "demo", "doctor", "retry", "stats", "verify", "list", "shell"):
        assert f"\n  {command} " in result.output
    assert "scrapy <command>" not in result.output


def test_its_version(tmp_path: Path) -> None:
    assert wallpapers("--version", cwd=tmp_path).output == f"wallpapers {__version__}\n"


def test_an_unknown_command_is_status_2(tmp_path: Path) -> None:
    result = wallpapers("craw", cwd=tmp_path)
    assert result.status == 2
    assert result.log.startswith(
        "wallpapers: unknown command 'craw'; expected one of: bench, check, "
    )
    assert " crawl, " in result.log
    assert result.log.endswith("(did you mean 'crawl'?)\n")


@pytest.mark.parametrize(
    "command",
    ["crawl", *(pytest.param(n, marks=pytest.mark.slow) for n in ("doctor", "list", "fetch"))],
)
def test_a_usage_line_has_the_name_of_the_program(tmp_path: Path, command: str) -> None:
    for program in ("wallpapers", "scrapy"):
        result = finish(start(command, "--help", module=program, cwd=tmp_path))
        assert f"Usage\n=====\n  {program} {command} " in result.output


def test_a_message_has_the_name_of_the_program(tmp_path: Path) -> None:
    assert wallpapers("stats", cwd=tmp_path).log.startswith("wallpapers: there is no catalogue")
    wrong = wallpapers("verify", "all", cwd=tmp_path)
    assert wrong.status == 2
    assert "wallpapers verify takes no argument, got 'all'" in wrong.log


@pytest.mark.parametrize("program", ["wallpapers", "scrapy"])
def test_a_suggested_command_has_the_name_of_the_program(tmp_path: Path, program: str) -> None:
    with HtmlListing(exhibits(3)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        result = finish(start(*words, module=program, cwd=tmp_path))
    assert result.status == 4
    command = shlex.join((sys.executable, "-W", "error", "-m", program))
    assert f"or try: {command} crawl baidu_search -a 'word=" in result.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_scrapy_is_imported(tmp_path: Path, number: signal.Signals) -> None:
    code = (sys.executable, "-c", IMPORT_OF_SCRAPY_TAKES_LONG)
    process = start_python("crawl", "wallhaven", instead=code, cwd=tmp_path, settings_module="")
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(number)
    result = finish(process)
    assert result.status == 130
    assert result.log == ""


def test_ctrl_c_in_a_command_that_does_not_crawl(tmp_path: Path) -> None:
    code = (sys.executable, "-c", IMPORT_OF_SCRAPY_TAKES_LONG)
    process = start_python("list", instead=code, cwd=tmp_path, settings_module="")
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert result.status == 130
    assert result.log == ""
