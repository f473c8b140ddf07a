"""What is measured: which pictures, how they are served, and who takes part."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.pictures import LARGE, LIGHT, WALLPAPERS, Kind
from benchmarks.programs import PROGRAMS
from benchmarks.server import HELD_IMAGES_PER_S

OURS = "wallpapers"
WITH_POSTGRESQL = "wallpapers-postgresql"
STOCK = ("scrapy-images", "scrapy-files")


@dataclass(frozen=True)
class Scenario:
    """One question, with the pictures asked for on the command line, or *fixed* ones."""

    name: str
    what: str
    programs: tuple[str, ...]
    kind: Kind = WALLPAPERS
    way: str = "pictures"  # see benchmarks.server
    connections: int = 32
    fixed: int = 0  # its own number where 3,000 are asked for; trials with fewer shrink it
    serial_share: float = 1.0  # of the pictures, for programs with one connection
    known: bool = False  # the store is filled before
    full: bool = False
    first_request: bool = False  # the time until a request for the listing comes counts

    @property
    def throttled(self) -> bool:
        """Whether connections are held to a rate, so that their number decides."""
        return self.way in {"slow", "large"}

    def allows(self, at_once: float) -> bool:
        """Did a program with so many pictures on their way keep to the connections?

        The server logs milliseconds: of two that follow each other, one seems to be early.
        """
        return at_once <= self.connections * 1.05

    def count(self, pictures: int, *, serial: bool) -> int:
        """Return how many pictures a program gets where *pictures* are asked for in all."""
        count = pictures
        if self.fixed:
            count = min(self.fixed, max(2, pictures * self.fixed // 3000))
        return max(1, round(count * self.serial_share)) if serial else count


_WORKERS = ("worker", "workers-2")
_ALL = tuple(name for name in PROGRAMS if name not in (WITH_POSTGRESQL, *_WORKERS))
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("fast", "no throttle, 32 connections", _ALL),
        Scenario(
            "slow",
            "each connection held to 128 KB/s, 64 connections",
            tuple(name for name in _ALL if name != "threads-16"),
            way="slow",
            connections=64,
            serial_share=0.02,
        ),
        Scenario(
            "huge",
            "64 pictures of 16 MB, 32 connections, each held to 4 MB/s",
            tuple(name for name in _ALL if name != "threads-16"),
            kind=LARGE,
            way="large",
            fixed=64,
            serial_share=0.125,
        ),
        Scenario(
            "full",
            "thumbnails of two sizes, and every picture decoded",
            (OURS, STOCK[0]),
            full=True,
        ),
        Scenario(
            "known",
            "every picture is in the store already",
            (OURS, *STOCK, "gallery-dl"),
            way="counted",
            known=True,
        ),
        Scenario("memory", "20,000 pictures of 45 KB", (OURS,), kind=LIGHT, fixed=20_000),
        Scenario(
            "cluster",
            "a crawl, one with PostgreSQL, and a cluster of one worker",
            (OURS, WITH_POSTGRESQL, _WORKERS[0]),
            first_request=True,
        ),
        Scenario(
            "cluster-held",
            f"each worker held to {HELD_IMAGES_PER_S} images/s, some 20 MB/s",
            _WORKERS,
            way="held",
            first_request=True,
        ),
        Scenario(
            "start",
            "from the start of the process to its first request",
            (OURS, STOCK[1]),
            fixed=1,
            first_request=True,
        ),
    )
}
