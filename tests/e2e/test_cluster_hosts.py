"""Two hosts with a worker each, as network namespaces, whose links are cut."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests import system
from tests.cluster import LEASE_S, Cluster, cluster, kill, pages_of
from tests.e2e.command import finish
from tests.e2e.test_kills import Signalling
from tests.pictures import exhibits
from tests.postgresql import postgresql
from tests.s3 import keys, s3_bucket, s3_server, settings_of

pytestmark = [pytest.mark.slow, pytest.mark.system("ip", package="iproute2")]

SERVER = "10.78.0.1"  # of PostgreSQL, S3 and the listing, as both hosts see it
HOSTS = ("wallpapers-a", "wallpapers-b")


def ip(*words: str) -> None:
    """Run ``ip``; skip the test where it may not do this."""
    program = system.find("ip")
    assert program is not None
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"ip {' '.join(words)}: {done.stderr.strip()}")


@contextmanager
def network() -> Iterator[None]:
    """Connect two namespaces to this one; everything is removed after the block."""
    try:
        ip("address", "add", f"{SERVER}/32", "dev", "lo")
        for number, host in enumerate(HOSTS):
            here, there = f"wp{number}", f"wp{number}-there"
            ip("netns", "add", host)
            ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", host)
            ip("address", "add", f"10.77.{number}.1/24", "dev", here)
            ip("link", "set", here, "up")
            inside = ("-n", host)
            ip(*inside, "link", "set", "lo", "up")
            ip(*inside, "address", "add", f"10.77.{number}.2/24", "dev", there)
            ip(*inside, "link", "set", there, "up")
            ip(*inside, "route", "add", "default", "via", f"10.77.{number}.1")
        yield
    finally:
        program = str(system.find("ip"))
        for host in HOSTS:
            subprocess.run([program, "netns", "delete", host], capture_output=True, check=False)
        subprocess.run(
            [program, "address", "delete", f"{SERVER}/32", "dev", "lo"],
            capture_output=True,
            check=False,
        )


class Elsewhere(Signalling):
    """Listens where both hosts reach it."""

    @property
    def origin(self) -> str:
        return f"http://{SERVER}:{self.port}"

    async def listen(self) -> None:
        self.site = web.TCPSite(self._runner, SERVER, self.port, reuse_address=True)
        await self.site.start()
        self.port = self._runner.addresses[0][1]


def start_worker_on(running: Cluster, number: int) -> subprocess.Popen[str]:
    program = str(system.find("ip"))
    return running.start_worker(before=(program, "netns", "exec", HOSTS[number]))


def test_a_host_whose_link_is_cut_loses_nothing_and_comes_back(tmp_path: Path) -> None:
    with (
        network(),
        postgresql(listen=SERVER) as server,
        s3_server(SERVER) as s3,
        s3_bucket(s3) as bucket,
        Elsewhere(exhibits(900)) as standin,
    ):
        url = f"{server.new_database().partition('?')[0]}".replace("@/", f"@{SERVER}/")
        with cluster(url, tmp_path) as running:
            for name, value in settings_of(s3).items():
                running.settings += ("-s", f"{name}={value}")
            running.settings += ("-s", "IMAGES_STORE=s3://wallpapers/deep/")
            running.settings += ("-s", "WALLPAPERS_UPLOAD_TIMEOUT=5")
            waiting = running.start_waiting(standin)
            start_worker_on(running, 0)
            other = start_worker_on(running, 1)
            running.wait_for_workers(2)
            assert standin.wait_for(100)
            ip("link", "set", "wp0", "down")
            again = threading.Timer(LEASE_S * 5, ip, ["link", "set", "wp0", "up"])
            again.start()
            result = finish(waiting)
            again.join()
            assert result.status == 0, result.log
            assert running.verdicts() == {"stored": 900}
            assert len(keys(bucket)) == 900
            assert sum(pages_of(standin).values()) <= len(pages_of(standin)) + 1
            kill(other)  # the host that was cut off does the next run alone
            assert running.wait_for(standin).status == 0
            assert running.verdicts(2) == {"known": 900}
