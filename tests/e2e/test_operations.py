"""The commands of docs/operations.md, run unchanged, do what the page describes."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url

from tests.e2e.command import TIMEOUT_S, finish, start
from tests.e2e.machine import PAGE, Machine, blocks
from tests.pictures import exhibits
from tests.postgresql import postgresql
from tests.standin.picture_faults import HeldPictures
from tests.standin.sources import BingStandIn
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit

TESTED = {
    "### systemd",  # in test_deploy.py
    "## Past runs",
    "## Logs",
    "## Disk",
    "## Back up and restore",
    "## Update",  # in test_deploy.py
    "## Monitors with spidermon",
}
PICTURES = 4
of_backup = pytest.mark.system("sqlite3", "rsync", package="sqlite3 rsync")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with BingStandIn(exhibits(PICTURES)) as standin:
        yield Machine(tmp_path, standin)


def test_every_command_of_the_page_has_a_test() -> None:
    sections = re.split(r"^(##+ .*)$", PAGE.read_text(), flags=re.MULTILINE)
    with_commands = {
        heading
        for heading, text in zip(sections[1::2], sections[2::2], strict=True)
        if "```sh" in text
    }
    assert with_commands == TESTED


@pytest.mark.slow
def test_runs_and_metrics_are_printed(machine: Machine) -> None:
    machine.run("wallpapers crawl bing_wallpaper")
    check_runs(machine)
    check_metrics(machine)


def check_runs(machine: Machine) -> None:
    """Assert that runs are printed as the page shows them."""
    (command,) = blocks("## Past runs")
    (shown,) = blocks("## Past runs", "")
    title, _, header, run = machine.run(command).splitlines()
    assert title.endswith("downloads/.catalogue.db, the latest first")
    assert header == shown.splitlines()[0]
    for line in (run, *shown.splitlines()[1:]):
        assert re.fullmatch(r"\S+ \S+ +(\S+) +(\d \w+|killed)( +[\d-]+){5}  \w+ \S.*", line)


def check_metrics(machine: Machine) -> None:
    """Assert that the file of metrics is complete, and kept if there are no new ones."""
    machine.install()
    folder = machine.folder / "var/lib/prometheus/node-exporter"
    folder.mkdir(parents=True)
    (line,) = blocks("## Metrics for Prometheus", "cron")
    command = line.split(maxsplit=5)[5]
    machine.run(command)
    (file,) = folder.iterdir()
    text = file.read_text()
    assert {family.name for family in text_string_to_metric_families(text)}
    (machine.home / "downloads" / FILE_NAME).write_text("no database")
    assert machine.try_to_run(command).stderr
    assert [path.read_text() for path in folder.iterdir()] == [text]


@pytest.mark.slow
def test_the_limits_of_the_disk_are_settings(machine: Machine) -> None:
    (command,) = blocks("## Disk")
    machine.run(command.replace("=5G", "=1M"))  # of the machine that runs the tests


@pytest.mark.system("logrotate", package="logrotate")
def test_logs_are_rotated(machine: Machine) -> None:
    mine = 'cp() { sed "s/su .*/su $(id -un) $(id -gn)/; s#/var/lib#$HOMES#" $1 > $2; }\n'
    homes = str(machine.folder / "var/lib")
    cwd = PAGE.parents[1]
    (commands,) = blocks("## Logs")
    machine.run(mine + commands, cwd=cwd, HOMES=homes)
    rotate = f"chmod -R go-w {machine.folder}; logrotate --force --state {machine.folder}/state"
    for night in range(3):
        (machine.home / "bing.log").write_text(f"night {night}\n")
        machine.run(f"{rotate} /etc/logrotate.d/wallpapers")
    assert {path.name for path in machine.home.iterdir()} == {
        "bing.log.1",
        "bing.log.2.gz",
        "bing.log.3.gz",
    }


def stored(machine: Machine) -> list[Path]:
    return sorted((machine.home / "downloads").rglob("*.jpg"))


@of_backup
def test_a_backup_restores_the_whole_store(machine: Machine) -> None:
    back_up, restore, *_ = blocks("## Back up and restore")
    machine.run("wallpapers crawl bing_wallpaper")
    assert len(stored(machine)) == PICTURES
    for _ in range(2):  # the second replaces the first
        machine.run(back_up)
    shutil.rmtree(machine.home / "downloads")
    assert f"\n{PICTURES} whole, 0 damaged" in f"\n{machine.run(restore)}"
    machine.run("wallpapers crawl bing_wallpaper")
    runs = machine.run("wallpapers stats --runs").splitlines()[3:]
    counts = [re.split(r"  +", line)[3:5] for line in runs]  # stored, known
    assert counts == [["0", f"{PICTURES}"], [f"{PICTURES}", "0"]]


@of_backup
def test_a_backup_over_a_damaged_store_repairs_it(machine: Machine) -> None:
    back_up, restore, *_ = blocks("## Back up and restore")
    machine.run("wallpapers crawl bing_wallpaper")
    machine.run(back_up)
    stored(machine)[0].unlink()
    stored(machine)[0].write_bytes(b"damaged")
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        (machine.home / "downloads" / name).write_text("damaged")
    assert f"\n{PICTURES} whole, 0 damaged, 0 missing" in f"\n{machine.run(restore)}"


class HeldBing(BingStandIn, HeldPictures):
    """Serves five of Bing's pictures, and holds the others back."""

    def __init__(self, shown: list[Exhibit]) -> None:
        HeldPictures.__init__(self, shown)


@of_backup
def test_a_backup_during_a_crawl_is_consistent(tmp_path: Path) -> None:
    with HeldBing(exhibits(8)) as standin:
        machine = Machine(tmp_path, standin)
        endpoint = ("-a", f"endpoint={standin.endpoint}")
        process = start("crawl", "bing_wallpaper", *endpoint, cwd=machine.home)
        assert standin.held.wait(TIMEOUT_S)
        back_up, restore, *_ = blocks("## Back up and restore")
        machine.run(back_up)
        process.send_signal(signal.SIGKILL)
        finish(process)
        shutil.rmtree(machine.home / "downloads")
        restored = machine.run(restore)
        standin.release()
        assert " 0 damaged, 0 missing, " in restored
        with closing(sqlite3.connect(machine.home / "downloads" / FILE_NAME)) as catalogue:
            assert catalogue.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert " killed " in machine.run("wallpapers stats --runs")
        machine.run("wallpapers crawl bing_wallpaper")
        assert len(stored(machine)) == 8


@pytest.mark.system("initdb", "pg_dump", "rsync", package="postgresql rsync")
def test_a_backup_of_postgresql_restores_the_whole_store(machine: Machine) -> None:
    *_, back_up, restore = blocks("## Back up and restore")
    with postgresql(of_system=True) as server:
        catalogue = server.new_database()
        crawl = f"wallpapers crawl bing_wallpaper -s WALLPAPERS_CATALOGUE={catalogue}"
        machine.run(crawl)
        machine.run(back_up, CATALOGUE=catalogue)
        shutil.rmtree(machine.home / "downloads")
        other = server.new_database()
        for target in (catalogue, other):  # over what is there, and into an empty database
            restored = machine.run(restore, CATALOGUE=target)
            assert f"\n{PICTURES} whole, 0 damaged, 0 missing" in f"\n{restored}"
    assert make_url(catalogue).database != make_url(other).database


def test_a_spidermon_monitor_mails_what_is_wrong(machine: Machine) -> None:
    monitors, settings = blocks("## Monitors with spidermon", "python")
    (crawl,) = blocks("## Monitors with spidermon")
    (machine.home / "monitors.py").write_text(monitors)
    (machine.home / "night_settings.py").write_text(settings)
    machine.add_program("mail", '#!/bin/sh\necho "$@" > mail; cat >> mail\n')
    passing = machine.try_to_run(crawl)
    assert "2 monitors in" in passing.stderr
    assert not (machine.home / "mail").exists()
    failing = crawl.replace("\n", " -s WALLPAPERS_MAX_PIXELS=100 -s IMAGES_STORE=other\n")
    assert machine.try_to_run(failing).returncode == 3
    mail = (machine.home / "mail").read_text().splitlines()
    assert mail[0] == "-s wallpapers: a monitor failed root"
    assert any("fifth of the wallpapers failed: " in line for line in mail)
