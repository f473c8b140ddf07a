"""The programs that are compared."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.programs import commands
from benchmarks.programs.program import Program

_OWN = Path(sys.executable)
_IMAGES = "Scrapy's ImagesPipeline, as it comes"
PROGRAMS: dict[str, Program] = {
    program.name: program
    for program in (
        Program("wallpapers", "this project", commands.wallpapers, package="Scrapy"),
        Program(
            "wallpapers-postgresql",
            "this project, its catalogue in PostgreSQL",
            commands.workers(0),
            package="procrastinate",
        ),
        Program(
            "worker", "this project, a cluster of one", commands.workers(1), package="procrastinate"
        ),
        Program("workers-2", "a cluster of two", commands.workers(2), package="procrastinate"),
        Program(
            "scrapy-images", _IMAGES, commands.stock_images, package="Scrapy", keeps_bytes=False
        ),
        Program(
            "scrapy-files",
            "Scrapy's FilesPipeline, as it comes",
            commands.stock_files,
            package="Scrapy",
        ),
        Program(
            "loop", "urllib, one after the other", commands.script("loop.py", _OWN), connections=1
        ),
        Program(
            "threads-16",
            "producer, 16 consumers and a Condition",
            commands.script("threads.py", _OWN),
            connections=16,
        ),
        Program(
            "threads",
            "the same, a consumer for each connection",
            commands.script("threads.py", _OWN),
        ),
        Program(
            "gevent",
            "urllib in a pool of greenlets",
            commands.script("greenlets.py", commands.venv("gevent")),
            python=commands.venv("gevent"),
            package="gevent",
        ),
        Program(
            "icrawler",
            "UrlListCrawler, a list of addresses",
            commands.icrawler,
            python=commands.venv("icrawler"),
            package="icrawler",
        ),
        Program(
            "gallery-dl",
            "direct links, one after the other",
            commands.gallery_dl,
            python=commands.venv("gallery-dl"),
            package="gallery-dl",
            connections=1,
        ),
        Program(
            "img2dataset",
            "a list of addresses, no re-encoding",
            commands.img2dataset,
            python=commands.venv("img2dataset"),
            package="img2dataset",
        ),
        Program("curl", "curl --parallel, a list of addresses", commands.curl, python=None),
    )
}
