"""Pictures that are none, that are cut, or that want to hurt; the first of a listing is good."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from tests.pictures import encoded, noise
from tests.unit.test_decoding import png_header
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class FaultyPictures(StandIn):
    """Serves its first picture well, and every other with what ``fault`` gives."""

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit is self.exhibits[0]:
            return await super().picture(request, exhibit)
        return await self.fault(request)

    async def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self.content, content_type="image/jpeg")

    content: bytes = b""


class MissingPicture(FaultyPictures):
    async def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPNotFound


class LongErrorPage(FaultyPictures):
    """Answers 404 with a page that is longer than what is looked at."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, text="<html>" + "not here " * 50_000)


class ForbiddenPicture(FaultyPictures):
    async def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPForbidden


class HtmlPicture(FaultyPictures):
    content = b"<!DOCTYPE html><html><body>" + b"hotlinking is forbidden " * 40


class PictureCutByLength(FaultyPictures):
    """Announces more bytes than it sends."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        whole = encoded(noise(99))
        response = web.StreamResponse(headers={"Content-Length": str(len(whole))})
        response.content_type = "image/jpeg"
        await response.prepare(request)
        await response.write(whole[: len(whole) // 2])
        assert request.transport is not None
        request.transport.close()
        return response


class PictureCutInItself(FaultyPictures):
    """Sends half a picture with a length that fits."""

    content = encoded(noise(99))[:900]


class EmptyPicture(FaultyPictures):
    content = b""


class PictureOfTooManyPixels(FaultyPictures):
    content = png_header(60_000, 60_000)


class SvgPicture(FaultyPictures):
    content = b"<svg xmlns='http://www.w3.org/2000/svg' width='1600' height='900'/>"


class TinyPicture(FaultyPictures):
    content = encoded(noise(99, 1, 1), "GIF")


class BrokenPicture(FaultyPictures):
    content = encoded(noise(99), "PNG").replace(b"IDAT", b"IDAT\0", 1)


class CirclingPicture(FaultyPictures):
    async def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.url)


class RedirectToFile(FaultyPictures):
    async def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("file:///etc/passwd")


class MovedPicture(FaultyPictures):
    """Redirects three times, and serves the picture to requests with the right Referer."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        hops = int(request.query.get("hops", "0"))
        if hops < 3:
            raise web.HTTPFound(request.url.update_query(hops=hops + 1))
        if request.headers.get("Referer") != f"{self.origin}/":
            raise web.HTTPForbidden
        return web.Response(body=encoded(noise(99)), content_type="image/jpeg")


class GzipBomb(FaultyPictures):
    """Inflates to 300 MB of a picture's beginning."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(
            body=_bomb(), content_type="image/jpeg", headers={"Content-Encoding": "gzip"}
        )


class EndlessPicture(FaultyPictures):
    """Sends a picture's beginning, and then zeros as long as somebody listens."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "image/jpeg"
        await response.prepare(request)
        chunk = encoded(noise(99))[:600] + bytes(1 << 20)
        try:
            while True:
                await response.write(chunk)
        except ConnectionError:
            return response


class GzippedPicture(FaultyPictures):
    """Compresses a picture though it was asked for none."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(
            body=gzip.compress(encoded(noise(99))),
            content_type="image/jpeg",
            headers={"Content-Encoding": "gzip"},
        )


class HangingUpPicture(FaultyPictures):
    async def fault(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


class OtherAddresses(StandIn):
    """Lists ``addresses`` as the candidates of its second wallpaper."""

    addresses: tuple[Any, Any, Any] = ("", "", "")

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        entry = super().entry(exhibit)
        if exhibit is not self.exhibits[0]:
            entry |= dict(zip(("downloadUrl", "imageUrl", "objUrl"), self.addresses, strict=True))
        return entry


class HeldPictures(StandIn):
    """Serves five pictures, and the others only after ``release`` was called."""

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        super().__init__(exhibits)
        self.held = threading.Event()
        self._released = asyncio.Event()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit in self.exhibits[5:]:
            self.held.set()
            await self._released.wait()
        return await super().picture(request, exhibit)

    def release(self) -> None:
        """Serve what was held back."""
        self.call(self._released.set)

    def release_after(self, seconds: float) -> None:
        """Serve what was held back when *seconds* have gone by."""
        self.call(lambda: asyncio.get_running_loop().call_later(seconds, self._released.set))


def _bomb() -> bytes:
    begin = encoded(noise(99))[:600]
    return gzip.compress(begin) + gzip.compress(bytes(10_000_000)) * 30
