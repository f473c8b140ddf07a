"""nginx on a free port of loopback: it serves pictures and listings, and is never what is slow."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.pictures import Kind, Picture
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import entry

HELD_IMAGES_PER_S = 100  # of one worker
PAGE = 100  # entries of a page: the most that the protocol's public clients ask for

# The rates are those of nginx for each connection; the first second's worth is not limited.
_CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/temp-body;
    proxy_temp_path {folder}/temp-proxy;
    fastcgi_temp_path {folder}/temp-fastcgi;
    uwsgi_temp_path {folder}/temp-uwsgi;
    scgi_temp_path {folder}/temp-scgi;
    types {{ image/jpeg jpg; application/json json; }}
    log_format plain '$msec $request_time $uri';
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    limit_req_zone $http_user_agent zone=worker:1m rate={held}r/s;
    map $arg_pn $page {{ default end; ~^[0-9]+$ $arg_pn; }}
    map $way $rate {{ default 0; slow 128k; large 4m; }}
    server {{
        listen 127.0.0.1:{port};
        location ~ ^/listings/(?<name>[a-z0-9-]+)/data/imgs$ {{
            access_log {folder}/listing.log plain;
            default_type application/json;
            root {folder}/pages;
            try_files /$name/$page.json /end.json =404;
        }}
        location /pictures/ {{ alias {pictures}/; }}
        location /held/ {{
            limit_req zone=worker burst=1000;
            alias {pictures}/;
        }}
        location ~ ^/(?<way>counted|slow|large)/(?<picture>[a-z]+/[0-9a-f]+[.]jpg)$ {{
            access_log {folder}/pictures.log plain;
            limit_rate $rate;
            alias {pictures}/$picture;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Listing:
    """A listing that is served: where it begins, and the addresses that it names."""

    endpoint: str
    addresses: tuple[str, ...]


class MissingNginxError(Exception):
    """nginx is not installed."""


class Server:
    """Serves the *pictures* folder (one folder for each kind) until the context is left.

    *folder* takes configuration, pages and logs. What a request asks for is decided by its first
    path segment: ``pictures`` as fast as can be, and without a log; ``counted`` as fast, and
    logged; ``slow`` and ``large`` logged, with a limited rate for each connection; ``held`` with a
    limited number of images a second for each User-Agent.
    """

    def __init__(self, folder: Path, pictures: Path) -> None:
        self._folder = folder
        self._pictures = pictures
        self._log = folder / "listing.log"
        self.port = 0

    def __enter__(self) -> Self:
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if nginx is None:
            raise MissingNginxError("nginx is missing; on Debian: apt-get install nginx-light")
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "pages").mkdir(parents=True)
        (self._folder / "pages" / "end.json").write_text('{"totalNum":0,"imgs":[]}')
        self.port = _free_port()
        configuration = self._folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                user="user root root;" if os.geteuid() == 0 else "",
                folder=self._folder,
                pictures=self._pictures,
                port=self.port,
                held=HELD_IMAGES_PER_S,
            )
        )
        self._process = subprocess.Popen(
            [nginx, "-e", self._folder / "error.log", "-c", configuration],
            stdin=subprocess.DEVNULL,
        )
        self._await_start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def serve(self, name: str, kind: Kind, way: str, pictures: Sequence[Picture]) -> Listing:
        """Serve a listing of *pictures* in the given *way*."""
        origin = f"http://127.0.0.1:{self.port}"
        pages = self._folder / "pages" / name
        shutil.rmtree(pages, ignore_errors=True)
        pages.mkdir()
        entries = []
        addresses = []
        for number, picture in enumerate(pictures):
            address = f"{origin}/{way}/{kind.name}/{picture.name}"
            addresses.append(address)
            entries.append(_entry(kind, number, origin, address))
        for first in range(0, len(entries), PAGE):
            part = entries[first : first + PAGE]
            answer = {"totalNum": len(entries), "startIndex": first, "imgs": [*part, {}]}
            page = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
            (pages / f"{first}.json").write_text(page)
        return Listing(f"{origin}/listings/{name}/data/imgs", tuple(addresses))

    def forget(self) -> None:
        """Empty the logs."""
        for name in ("listing.log", "pictures.log"):
            if (path := self._folder / name).exists():
                os.truncate(path, 0)

    def first_request(self) -> float:
        """Return the time of the first request for a listing, in seconds since 1970."""
        ended, took, _ = (self._folder / "listing.log").read_text().split("\n")[0].split()
        return float(ended) - float(took)

    def picture_requests(self) -> int:
        """Return how many requests for pictures were logged."""
        return len(self._logged_pictures())

    def most_at_once(self) -> int:
        """Return how many of the logged pictures were on their way at the same time, at most."""
        changes = []
        for line in self._logged_pictures():
            ended, took, _ = line.split()
            changes += [(float(ended), -1), (float(ended) - float(took), 1)]
        under_way = [0, *accumulate(change for _, change in sorted(changes))]
        return max(under_way)

    def _logged_pictures(self) -> list[str]:
        log = self._folder / "pictures.log"
        return log.read_text().splitlines() if log.exists() else []

    def _await_start(self) -> None:
        for _ in range(100):
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)  # nginx does not report that it listens
            else:
                return
        errors = (self._folder / "error.log").read_text()
        self._process.kill()
        raise RuntimeError(f"nginx does not answer: {errors[-500:] or 'and says nothing'}")


def _entry(kind: Kind, number: int, origin: str, address: str) -> dict[str, Any]:
    title = f"{kind.name} {number}"
    exhibit = Exhibit(title, kind.width, kind.height, bytes, id=str(10**9 + number))
    urls = dict.fromkeys(("downloadUrl", "imageUrl", "objUrl"), address)
    return {**entry(exhibit, origin), **urls}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
