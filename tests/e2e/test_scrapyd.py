"""A real scrapyd: deploy the project as an egg, schedule the spider, find the wallpapers."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.command import PROJECT, TIMEOUT_S, wait_until
from tests.feeds import read
from tests.invariants import check_no_traceback, check_stored
from tests.pictures import exhibits
from tests.standin.listing_faults import HtmlListing
from tests.standin.picture_faults import HeldPictures
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow

USER = ("crawler", "a long password")
PATIENCE_S = 60


class Scrapyd:
    """A scrapyd with a user and a password, on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        port = self.url.rpartition(":")[2].strip("/")
        (folder / "scrapyd.conf").write_text(
            f"[scrapyd]\nbind_address = 127.0.0.1\nhttp_port = {port}\n"
            f"username = {USER[0]}\npassword = {USER[1]}\nitems_dir = {folder / 'items'}\n"
            f"poll_interval = 0.2\nmax_proc = 1\n"
        )

    def get(self, call: str, **parameters: str) -> dict[str, Any]:
        """Ask scrapyd for ``<call>.json``."""
        answer = requests.get(f"{self.url}{call}.json", parameters, auth=USER, timeout=TIMEOUT_S)
        return dict(answer.json())

    def post(self, call: str, **parameters: str) -> dict[str, Any]:
        """Have scrapyd do ``<call>.json``."""
        answer = requests.post(f"{self.url}{call}.json", parameters, auth=USER, timeout=TIMEOUT_S)
        return dict(answer.json())

    def schedule(self, **parameters: str) -> str:
        """Schedule a job and return its id once it has ended."""
        job: str = self.post("schedule", **parameters)["jobid"]
        self.wait_for(job)
        return job

    def wait_for(self, job: str) -> None:
        """Wait until *job* has ended."""
        wait_until(lambda: any(j["id"] == job for j in self.get("listjobs")["finished"]))

    def answers(self) -> bool:
        """Is it up?"""
        try:
            return bool(self.get("daemonstatus")["status"] == "ok")
        except requests.ConnectionError:
            return False


@pytest.fixture(scope="module")
def scrapyd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrapyd]:
    """Start a scrapyd of its own and deploy the project to it."""
    folder = tmp_path_factory.mktemp("scrapyd")
    service = Scrapyd(folder)
    with (folder / "scrapyd.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "scrapyd"], cwd=folder, stdout=log, stderr=log
        )
    try:
        wait_until(service.answers)
        deploy(service, folder / "project")
        yield service
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def deploy(service: Scrapyd, copy: Path) -> None:
    """Deploy a copy of the project: building an egg leaves folders behind."""
    copy.mkdir()
    shutil.copytree(PROJECT / "wallpapers", copy / "wallpapers")
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, copy)
    (copy / "scrapy.cfg").write_text(
        "[settings]\ndefault = wallpapers.settings\n"
        f"[deploy]\nurl = {service.url}\nproject = wallpapers\n"
        f"username = {USER[0]}\npassword = {USER[1]}\n"
    )
    subprocess.run(
        [Path(sys.executable).with_name("scrapyd-deploy"), "-v", "1"],
        cwd=copy,
        check=True,
        capture_output=True,
    )


def test_requests_without_the_password_are_refused(scrapyd: Scrapyd) -> None:
    assert requests.get(f"{scrapyd.url}listprojects.json", timeout=TIMEOUT_S).status_code == 401


def test_a_scheduled_job_stores_the_wallpapers(scrapyd: Scrapyd, tmp_path: Path) -> None:
    assert "baidu_wallpaper" in scrapyd.get("listspiders", project="wallpapers")["spiders"]
    store = tmp_path / "store"
    with StandIn(exhibits(25)) as standin:
        job = scrapyd.schedule(
            project="wallpapers",
            spider="baidu_wallpaper",
            setting=f"IMAGES_STORE={store}",
            endpoint=standin.endpoint,
            rn="10",
            limit="15",
        )
    log = (scrapyd.folder / f"logs/wallpapers/baidu_wallpaper/{job}.log").read_text()
    assert "'wallpapers/outcome': 'complete'" in log
    assert log.rstrip().endswith("outcome: complete (exit status 0)")
    assert ".egg/wallpapers" not in log
    feed = scrapyd.folder / f"items/wallpapers/baidu_wallpaper/{job}.jl"
    items = [json.loads(line) for line in feed.read_text().splitlines()]
    assert len(items) == 15
    for item in items:
        check_stored(store, item["images"][0])


def test_the_log_of_a_job_says_why_it_failed(scrapyd: Scrapyd, tmp_path: Path) -> None:
    job = scrapyd.schedule(
        project="wallpapers",
        spider="baidu_wallpaper",
        setting=f"IMAGES_STORE={tmp_path}",
        rn="many",
    )
    log = (scrapyd.folder / f"logs/wallpapers/baidu_wallpaper/{job}.log").read_text()
    assert "rn must be a number from 1 to 100, got 'many'" in log
    check_no_traceback(log)


def test_a_job_that_is_cancelled_ends_as_ctrl_c_does(scrapyd: Scrapyd, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with HeldPictures(exhibits(60)) as standin:
        job = scrapyd.post(
            "schedule",
            project="wallpapers",
            spider="baidu_wallpaper",
            setting=f"IMAGES_STORE={store}",
            endpoint=standin.endpoint,
        )["jobid"]
        assert standin.held.wait(PATIENCE_S)
        assert scrapyd.post("cancel", project="wallpapers", job=job)["prevstate"] == "running"
        path = scrapyd.folder / f"logs/wallpapers/baidu_wallpaper/{job}.log"
        wait_until(lambda: "shutting down gracefully" in path.read_text())
        standin.release()
        scrapyd.wait_for(job)
    log = path.read_text()
    assert "outcome: interrupted (exit status 130)" in log
    assert "ERROR: Interrupted with " in log.splitlines()[-1]
    assert "Traceback" not in log
    feed = scrapyd.folder / f"items/wallpapers/baidu_wallpaper/{job}.partial.jl"
    items = [json.loads(line) for line in feed.read_text().splitlines()]
    assert len(items) == len(list(store.rglob("*.jpg")))


def test_the_items_of_a_job_that_failed_are_kept_as_partial(
    scrapyd: Scrapyd, tmp_path: Path
) -> None:
    with HtmlListing(exhibits(25)) as standin:
        standin.from_page = 10
        job = scrapyd.schedule(
            project="wallpapers",
            spider="baidu_wallpaper",
            setting=f"IMAGES_STORE={tmp_path}",
            endpoint=standin.endpoint,
            rn="10",
        )
    folder = scrapyd.folder / "items/wallpapers/baidu_wallpaper"
    assert not (folder / f"{job}.jl").exists()
    assert len(read(folder / f"{job}.partial.jl", "jl")) == 10
