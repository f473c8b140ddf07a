"""Run a local server that imitates ``data/imgs``, in the exact format of real responses.

Each fault of a server is a subclass that overrides one method.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from wallpapers.demo.gallery import Exhibit


class StandIn:
    """Serve a listing of *exhibits* and their images while the context manager is open.

    The server runs in its own thread on a free port of 127.0.0.1. ``asked`` has the path and query
    of every request, ``received`` its headers, both in order of arrival.
    """

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        self.exhibits = list(exhibits)
        self.asked: list[str] = []
        self.received: list[dict[str, str]] = []
        self.port = 0
        self._by_sign = {exhibit.sign: exhibit for exhibit in exhibits}

    # Overridden by faults and by the stand-ins of other sources

    path = "/data/imgs"
    content_type = "application/json"
    echoes: tuple[str, ...] = ("col", "tag", "tag3")  # parameters that the response repeats

    async def listing(self, request: web.Request) -> web.StreamResponse:
        """Respond to a request for a page of the listing."""
        first = self.offset(request)
        answer = self.answer(first, self.exhibits[first : first + self.count(request)])
        answer |= {name: request.query.get(name, "") for name in self.echoes}
        return web.Response(body=self.encode(answer), content_type=self.content_type)

    def offset(self, request: web.Request) -> int:
        """Return the index of the first requested exhibit."""
        return int(request.query.get("pn", "0"))

    def count(self, request: web.Request) -> int:
        """Return the number of requested exhibits."""
        return int(request.query.get("rn", "60"))

    def answer(self, first: int, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
        """Return the page of *exhibits*; an empty object is appended to its ``imgs``."""
        return {
            "col": "",
            "tag": "",
            "tag3": "",
            "sort": "0",
            "totalNum": len(self.exhibits),
            "startIndex": first,
            "returnNumber": len(exhibits),
            "imgs": [*(self.entry(exhibit) for exhibit in exhibits), {}],
        }

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        """Return one entry of ``imgs``, with all 59 keys of a real one."""
        return entry(exhibit, self.origin)

    def encode(self, answer: dict[str, Any]) -> bytes:
        """Encode *answer* as the real endpoint does, as JSON in UTF-8 without escapes."""
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        """Respond to ``GET /image/pic/item/<sign>.jpg``; the type is correct for JPEG only."""
        body = await asyncio.get_running_loop().run_in_executor(None, exhibit.content)
        return web.Response(body=body, content_type="image/jpeg")

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the server; other paths get status 404."""
        return [
            web.get(self.path, self.listing),
            web.get("/image/pic/item/{name}", self._picture),
        ]

    # The server

    @property
    def origin(self) -> str:
        """The origin of the server, ``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        """The address to pass as ``-a endpoint=``."""
        return f"{self.origin}{self.path}"

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self._thread.start()
        started.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.call(self._ended.set)
        self._thread.join()

    def call(self, work: Callable[[], object]) -> None:
        """Schedule *work* in the thread of the server."""
        self._loop.call_soon_threadsafe(work)

    def _serve(self, started: threading.Event) -> None:
        asyncio.run(self._run(started))

    async def _run(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        application = web.Application(middlewares=[self._record])
        application.add_routes(self.routes())
        # Requests that are still open when the crawl has ended are cancelled.
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        self._runner = runner
        await self.listen()
        started.set()
        await self._ended.wait()
        await runner.cleanup()

    async def listen(self) -> None:
        """Listen on the port; after a restart, on the same port as before."""
        self.site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await self.site.start()
        self.port = self._runner.addresses[0][1]

    @web.middleware
    async def _record(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.received.append(dict(request.headers))
        response: web.StreamResponse = await handler(request)
        return response

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        exhibit = self._by_sign.get(request.match_info["name"].partition(".")[0])
        if exhibit is None:
            raise web.HTTPNotFound
        return await self.picture(request, exhibit)


def entry(exhibit: Exhibit, origin: str) -> dict[str, Any]:
    """Return an entry with the keys of a real one, in the same order and with the same types."""
    address = f"{origin}/image/pic/item/{exhibit.sign}.jpg"
    ratio = exhibit.height / max(exhibit.width, 1)
    return _ENTRY | {
        "id": exhibit.id,
        "desc": exhibit.title,
        "tags": list(exhibit.tags),
        "owner": dict.fromkeys(_OWNER, ""),
        "fromPageTitle": exhibit.title,
        "date": exhibit.date,
        "downloadUrl": address,
        "imageUrl": address,
        "imageWidth": exhibit.width,
        "imageHeight": exhibit.height,
        "thumbnailUrl": f"{origin}/it/u=2,{exhibit.id}&fm=25&gp=0.jpg",
        "thumbnailHeight": round(230 * ratio),
        "thumbLargeHeight": round(310 * ratio),
        "thumbLargeUrl": f"{origin}/image/w%3D310/sign={exhibit.sign[:32]}/{exhibit.sign}.jpg",
        "thumbLargeTnHeight": round(400 * ratio),
        "thumbLargeTnUrl": f"{origin}/image/w%3D400/sign={exhibit.sign[:32]}/{exhibit.sign}.jpg",
        "fromUrl": f"{origin}/pins/{exhibit.id}/",
        "objUrl": address,
        "shareUrl": f"{origin}/image/s%3D550/sign={exhibit.sign[:32]}/{exhibit.sign}.jpg",
        "objTag": exhibit.tags[0] if exhibit.tags else "",
        "pictureId": exhibit.id,
        "pictureSign": exhibit.sign,
        "title": exhibit.title,
    }


# The keys of a real entry in their order; None = depends on the exhibit.
_ENTRY: dict[str, Any] = {
    "id": None,
    "desc": None,
    "tags": None,
    "owner": None,
    "fromPageTitle": None,
    "column": "壁纸",
    "parentTag": "",
    "date": None,
    "downloadUrl": None,
    "imageUrl": None,
    "imageWidth": None,
    "imageHeight": None,
    "thumbnailUrl": None,
    "thumbnailWidth": 230,
    "thumbnailHeight": None,
    "thumbLargeWidth": 310,
    "thumbLargeHeight": None,
    "thumbLargeUrl": None,
    "thumbLargeTnWidth": 400,
    "thumbLargeTnHeight": None,
    "thumbLargeTnUrl": None,
    "siteName": "",
    "siteLogo": "",
    "siteUrl": "",
    "fromUrl": None,
    "isBook": "0",
    "bookId": "0",
    "objUrl": None,
    "shareUrl": None,
    "setId": "-1",
    "albumId": "0",
    "isAlbum": 0,
    "albumName": "",
    "albumNum": 1,
    "userId": "0",
    "isVip": 0,
    "isDapei": 0,
    "dressId": "",
    "dressBuyLink": "",
    "dressPrice": 0,
    "dressDiscount": 0,
    "dressExtInfo": "",
    "dressTag": "",
    "dressNum": 0,
    "objTag": None,
    "dressImgNum": 0,
    "hostName": "127.0.0.1",
    "pictureId": None,
    "pictureSign": None,
    "dataSrc": "",
    "contentSign": "0,0",
    "albumDi": "",
    "canAlbumId": "",
    "albumObjNum": "",
    "appId": "",
    "photoId": "",
    "fromName": 0,
    "fashion": "null",
    "title": None,
}
_OWNER = (
    "userName",
    "userId",
    "userSign",
    "isSelf",
    "portrait",
    "isVip",
    "isLanv",
    "isJiaju",
    "isHunjia",
    "orgName",
    "resUrl",
    "cert",
    "budgetNum",
    "lanvName",
    "contactName",
)
