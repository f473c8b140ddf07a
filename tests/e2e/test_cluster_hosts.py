"""Two hosts with a worker each, as network namespaces, whose links are cut.

PostgreSQL and S3 are in a third namespace, which connects the hosts with this one, where the
listing and the images are.
"""

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
from tests.e2e.command import Process, finish
from tests.e2e.test_kills import Signalling
from tests.pictures import exhibits
from tests.postgresql import postgresql
from tests.s3 import keys, s3_bucket, s3_server, settings_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.system("ip", package="iproute2"),
    pytest.mark.system("setpriv", package="util-linux"),
]

DATA = "wallpapers-data"  # the namespace of PostgreSQL and S3
SERVER = "10.78.0.1"  # their address
LISTING = "10.79.0.1"  # the address of this namespace
HOSTS = ("wallpapers-a", "wallpapers-b")
CONNECTIONS = 6  # of a worker that has one crawl open, at most
ENDED = "FATAL:  terminating connection due to administrator command"  # by another worker


def ip(*words: str) -> None:
    """Run ``ip``; skip the test where it may not do this."""
    program = system.find("ip")
    assert program is not None
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"ip {' '.join(words)}: {done.stderr.strip()}")


def inside(namespace: str) -> tuple[str, ...]:
    """Return the words before a command that is to run in *namespace*."""
    return (str(system.find("ip")), "netns", "exec", namespace)


@contextmanager
def network() -> Iterator[None]:
    """Connect two hosts and this namespace to that of the data, until the end of the block."""
    try:
        for namespace in (DATA, *HOSTS):
            ip("netns", "add", namespace)
            ip("-n", namespace, "link", "set", "lo", "up")
        ip("-n", DATA, "address", "add", f"{SERVER}/32", "dev", "lo")
        ip("netns", "exec", DATA, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        ip("link", "add", "wp", "type", "veth", "peer", "name", "wp", "netns", DATA)
        ip("address", "add", f"{LISTING}/24", "dev", "wp")
        ip("link", "set", "wp", "up")
        ip("-n", DATA, "address", "add", "10.79.0.2/24", "dev", "wp")
        ip("-n", DATA, "link", "set", "wp", "up")
        for target in (f"{SERVER}/32", "10.77.0.0/16"):
            ip("route", "add", target, "via", "10.79.0.2")
        for number, host in enumerate(HOSTS):
            here, there = f"wp{number}", f"wp{number}-there"
            peer = ("peer", "name", there, "netns", host)
            ip("-n", DATA, "link", "add", here, "type", "veth", *peer)
            ip("-n", DATA, "address", "add", f"10.77.{number}.1/24", "dev", here)
            ip("-n", DATA, "link", "set", here, "up")
            ip("-n", host, "address", "add", f"10.77.{number}.2/24", "dev", there)
            ip("-n", host, "link", "set", there, "up")
            ip("-n", host, "route", "add", "default", "via", f"10.77.{number}.1")
        yield
    finally:  # the links and routes go with their namespaces
        program = str(system.find("ip"))
        for namespace in (DATA, *HOSTS):
            words = [program, "netns", "delete", namespace]
            subprocess.run(words, capture_output=True, check=False)


class Elsewhere(Signalling):
    """Listens where both hosts reach it."""

    @property
    def origin(self) -> str:
        return f"http://{LISTING}:{self.port}"

    async def listen(self) -> None:
        self.site = web.TCPSite(self._runner, LISTING, self.port, reuse_address=True)
        await self.site.start()
        self.port = self._runner.addresses[0][1]


def start_worker_on(running: Cluster, number: int) -> Process:
    return running.start_worker(before=inside(HOSTS[number]))


def test_a_host_whose_link_is_cut_loses_nothing_and_comes_back(tmp_path: Path) -> None:
    with (
        network(),
        postgresql(listen=SERVER, before=inside(DATA)) as server,
        s3_server(SERVER, before=inside(DATA)) as s3,
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
            ip("-n", DATA, "link", "set", "wp0", "down")
            again = threading.Timer(LEASE_S * 5, ip, ["-n", DATA, "link", "set", "wp0", "up"])
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
            # Those of before the cut. Ending newer ones would keep the worker from coming back.
            assert 0 < server.log.count(ENDED) <= CONNECTIONS
