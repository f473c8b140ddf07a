"""Serve the gallery to browsers, and record decisions in the catalogue.

The address contains a random token; requests without it are refused. The headers Host and Origin
are checked, so that no other website can read the gallery or make decisions through a browser.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import mimetypes
import re
import secrets
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from aiohttp import web

from wallpapers.errors import InspectionStoppedError, PictureRefusedError, StoreError
from wallpapers.gallery.build import FIRST_ROWS, index_page, page_parts
from wallpapers.gallery.rows import STORED_AT, read_groups, read_rows, script, to_json
from wallpapers.gallery.thumbnails import Thumbnails, thumbnail_path
from wallpapers.storage.names import GALLERY

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.inspection.messages import ImageRequirements
    from wallpapers.items import Key
    from wallpapers.storage.local import LocalStorage

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ACTIONS = ("star", "unstar", "hide", "unhide")
# A row has the time before its commit. PostgreSQL may commit later ones first, and the clocks of
# several machines differ.
_COMMIT_TIME = timedelta(seconds=60)
_MAX_BODY_BYTES = 1024 * 1024
_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_SERVED = b"Gallery.config.served = true;\n"
_THUMBNAIL = re.compile(r"[0-9a-f]{2}/([0-9a-f]{64})\.jpg")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class GalleryServer:
    """Serve the gallery of one store until it is stopped. *port* 0 selects a free one."""

    def __init__(
        self,
        catalogue: AbstractContextManager[Catalogue],
        store: LocalStorage,
        requirements: ImageRequirements,
        host: str,
        port: int,
    ) -> None:
        self._opened = catalogue
        self._store = store
        self._requirements = replace(requirements, look=False)
        self._host = host
        self._port = port
        self._token = secrets.token_urlsafe(24)
        # SQLite's connections belong to the thread that opened them.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wallpapers-catalogue")

    async def run(self, started: Callable[[str], None]) -> None:
        """Serve until this task is cancelled; *started* is called with the address.

        Raises OSError if the address cannot be used, StoreError and UserError.
        """
        loop = asyncio.get_running_loop()
        opened = ExitStack()
        opening = partial(opened.enter_context, self._opened)
        try:
            self._catalogue = await loop.run_in_executor(self._thread, opening)
            await self._serve(started)
        finally:
            await loop.run_in_executor(self._thread, opened.close)
            self._thread.shutdown()

    async def _serve(self, started: Callable[[str], None]) -> None:
        self._thumbnails = Thumbnails(self._catalogue, self._store, self._requirements)
        runner = web.AppRunner(self._application(), access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self._port)
            await site.start()
            self._port = runner.addresses[0][1]
            started(self.address)
            await asyncio.Event().wait()
        finally:
            self._thumbnails.close()
            await runner.cleanup()

    @property
    def address(self) -> str:
        """The address of the page, with the token."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/{self._token}/{GALLERY}/"

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guarded], client_max_size=_MAX_BODY_BYTES)
        gallery = f"/{{token}}/{GALLERY}"
        application.add_routes(
            [
                web.get(f"{gallery}/", self._index),
                web.get(f"{gallery}/data.js", self._data),
                web.get(f"{gallery}/rows", self._rows),
                web.post(f"{gallery}/decisions", self._decide),
                web.get(f"{gallery}/thumbs/{{name:.+}}", self._thumbnail),
                web.get(f"{gallery}/{{name}}", self._part),
                web.get("/{token}/{path:.+}", self._image),
            ]
        )
        return application

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 403 to other websites, to other names of this machine, and without the token."""
        origin = request.headers.get("Origin")
        token = request.match_info.get("token", "")
        try:
            if not self._is_own(request.host):
                raise web.HTTPForbidden(text="unexpected Host header\n")
            if origin not in (None, f"http://{request.host}"):
                raise web.HTTPForbidden(text="unexpected Origin header\n")
            if not secrets.compare_digest(token.encode(), self._token.encode()):
                raise web.HTTPForbidden(text="the token in the address is missing or wrong\n")
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        except StoreError as error:
            return web.Response(status=503, text=f"{error}\n", headers=_HEADERS)
        response.headers.update(_HEADERS)
        return response

    def _is_own(self, host: str) -> bool:
        """Return whether *host* is a name of this server, to block DNS rebinding."""
        name, _, port = host.rpartition(":")
        if port != str(self._port):
            return False
        if name in ("localhost", self._host):
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return self._is_open and name.lower() == socket.gethostname().lower()
        return True

    @property
    def _is_open(self) -> bool:
        """Whether other machines can reach the server."""
        return not is_loopback(self._host)

    async def _index(self, request: web.Request) -> web.Response:
        border = await self._with_catalogue(
            lambda: self._catalogue.run(lambda entries: entries.shown.newest_since(FIRST_ROWS))
        )
        data = [f"data.js?{part}={quote(border)}" for part in ("since", "before")]
        return web.Response(body=index_page(data), content_type="text/html", charset="utf-8")

    async def _part(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        content = page_parts().get(name)
        if content is None:
            raise web.HTTPNotFound
        kind = _KINDS[name.rpartition(".")[2]]
        return web.Response(body=content, content_type=kind, charset="utf-8")

    async def _data(self, request: web.Request) -> web.Response:
        """Answer with a script that adds what was stored since, or before, a time."""
        since, before = request.query.get("since", ""), request.query.get("before")
        rows = await self._with_catalogue(lambda: self._read_rows(since))
        if before is not None:
            rows = [row for row in rows if row[STORED_AT] < before]
        content = _SERVED + script(rows)
        return web.Response(body=content, content_type="text/javascript", charset="utf-8")

    async def _rows(self, request: web.Request) -> web.Response:
        """Answer with what was stored since a time; some of it may be known already."""
        since = _earlier(request.query.get("since", ""))
        rows = await self._with_catalogue(lambda: to_json(self._read_rows(since)))
        return web.Response(body=rows.encode(), content_type="application/json")

    def _read_rows(self, since: str = "") -> list[list[Any]]:
        return list(read_rows(self._catalogue, read_groups(self._catalogue), since=since))

    async def _decide(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="the body must be JSON\n")
        action, keys = _decision(await request.read())
        changed = await self._with_catalogue(
            lambda: self._catalogue.run(partial(_change, action=action, keys=keys))
        )
        return web.json_response({"changed": changed})

    async def _thumbnail(self, request: web.Request) -> web.Response:
        """Answer with a thumbnail, and make it if the image is new."""
        match = _THUMBNAIL.fullmatch(request.match_info["name"])
        if match is None:
            raise web.HTTPNotFound
        checksum = match[1]
        content = await asyncio.to_thread(self._store.find, thumbnail_path(checksum))
        if content is None:
            image = await self._with_catalogue(
                lambda: self._catalogue.run(lambda entries: entries.shown.image(checksum))
            )
            if image is None:
                raise web.HTTPNotFound
            try:
                content = await self._thumbnails.make(image)
            except PictureRefusedError:
                raise web.HTTPNotFound from None
            except InspectionStoppedError:
                raise web.HTTPServiceUnavailable(text="the server is stopping\n") from None
        return web.Response(body=content, content_type="image/jpeg")

    async def _image(self, request: web.Request) -> web.Response:
        """Answer with an image of the catalogue; other files cannot be read."""
        path = request.match_info["path"]
        has_image = await self._with_catalogue(
            lambda: self._catalogue.run(lambda entries: entries.shown.has_image(path))
        )
        content = await asyncio.to_thread(self._store.find, path) if has_image else None
        if content is None:
            raise web.HTTPNotFound
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        return web.Response(body=content, content_type=kind)

    async def _with_catalogue(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that is bound to *host*."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _earlier(time: str) -> str:
    """Return *time* less the longest time to commit a row. Raises HTTPBadRequest."""
    try:
        return (datetime.fromisoformat(time) - _COMMIT_TIME).isoformat() if time else ""
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest(text="since must be a time in ISO 8601\n") from None


def _decision(body: bytes) -> tuple[str, list[Key]]:
    """Return action and keys of a request. Raises HTTPBadRequest."""
    try:
        given = json.loads(body)
        action, names = given["action"], given["keys"]
        keys = [tuple(name.split("/", 1)) for name in names]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise web.HTTPBadRequest(text="expected an object with action and keys\n") from None
    if action not in _ACTIONS or any(len(key) != 2 for key in keys):
        raise web.HTTPBadRequest(text=f"action must be one of {', '.join(_ACTIONS)}\n")
    return action, keys


def _change(entries: Entries, action: str, keys: list[Key]) -> int:
    changed: int = getattr(entries.decisions, action)(keys)
    return changed
