"""Pictures that arrive slowly, in pieces, compressed, or repeatedly."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import random
import sys
import zlib
from collections.abc import Sequence
from typing import Any

import brotli  # type: ignore[import-untyped]
from aiohttp import web
from PIL import Image

from tests.pictures import encoded, noise
from tests.standin.picture_faults import FaultyPictures
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

PICTURE = encoded(noise(98, 1200, 800), quality=95)


def large_jpeg(megabytes: int) -> bytes:
    """Return a picture of white noise, of about that size."""
    height = 265 * megabytes
    pixels = random.Random(megabytes).randbytes(1024 * height * 3)
    image = Image.frombytes("RGB", (1024, height), pixels)
    return encoded(image, quality=99, subsampling=0)


async def _stream(request: web.Request, **headers: str) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    response.content_type = "image/jpeg"
    await response.prepare(request)
    return response


class SilentServer(FaultyPictures):
    """Accepts the request, and never responds."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError


class StallingPicture(FaultyPictures):
    """Sends half a picture, and then nothing."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        response = await _stream(request, **{"Content-Length": str(len(PICTURE))})
        await response.write(PICTURE[: len(PICTURE) // 2])
        await asyncio.Event().wait()
        return response


class DrippingPicture(FaultyPictures):
    """Sends ten bytes a time, ten times a second."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        response = await _stream(request)
        for start in range(0, len(PICTURE), 10):
            await response.write(PICTURE[start : start + 10])
            await asyncio.sleep(0.1)
        return response


class SteadyPicture(FaultyPictures):
    """Sends a picture slowly but steadily: longer than the idle time in all."""

    content = large_jpeg(1)

    async def fault(self, request: web.Request) -> web.StreamResponse:
        response = await _stream(request, **{"Content-Length": str(len(self.content))})
        for start in range(0, len(self.content), 40_000):
            await response.write(self.content[start : start + 40_000])
            await asyncio.sleep(0.05)
        return response


class BreakingPicture(FaultyPictures):
    """Breaks off every response after 3 MB, and serves the rest on request."""

    content = large_jpeg(8)
    etag = '"one"'
    serves_ranges = True

    async def fault(self, request: web.Request) -> web.StreamResponse:
        rest = request.http_range.start or 0
        unchanged = request.headers.get("If-Range") == self.etag
        headers = {"ETag": self.etag}
        if rest and unchanged and self.serves_ranges:
            end = len(self.content) - 1
            headers["Content-Range"] = f"bytes {rest}-{end}/{len(self.content)}"
        else:
            rest = 0
        headers["Content-Length"] = str(len(self.content) - rest)
        response = web.StreamResponse(status=206 if rest else 200, headers=headers)
        await response.prepare(request)
        await response.write(self.content[rest : rest + 3_000_000])
        if rest + 3_000_000 < len(self.content):
            assert request.transport is not None
            request.transport.close()
        return response


class BreakingOnce(BreakingPicture):
    """Breaks off once, and does not support Range."""

    serves_ranges = False

    async def fault(self, request: web.Request) -> web.StreamResponse:
        if len([path for path in self.asked if path == request.path]) > 1:
            return web.Response(body=self.content)
        return await super().fault(request)


class ChangingPicture(BreakingPicture):
    """Is another picture by the time that its rest is asked for."""

    async def fault(self, request: web.Request) -> web.StreamResponse:
        if "Range" in request.headers:
            self.content, self.etag = PICTURE, '"two"'
        return await super().fault(request)


class CarelessRanges(BreakingPicture):
    """Answers a Range with something else than the rest of the picture: ``rest_is``."""

    rest_is = "other etag"
    other = large_jpeg(7)

    async def fault(self, request: web.Request) -> web.StreamResponse:
        rest = request.http_range.start
        if not rest:
            first = len([path for path in self.asked if path == request.path]) == 1
            return await super().fault(request) if first else web.Response(body=self.content)
        if self.rest_is == "forbidden":
            raise web.HTTPForbidden
        size, body, etag = len(self.content), self.content[rest:], self.etag
        if self.rest_is == "other etag":
            body, etag = self.other[rest:], '"two"'
        elif self.rest_is == "other length":
            body, size, etag = self.other[rest:], len(self.other), ""
        elif self.rest_is == "other offset":
            rest -= 10
        headers = {"Content-Range": f"bytes {rest}-{size - 1}/{size}"}
        if etag:
            headers["ETag"] = etag
        return web.Response(status=206, body=body, headers=headers)


class ForeignHeaders(StandIn):
    """Sends headers that are not UTF-8, with the listing and with pictures."""

    async def listing(self, request: web.Request) -> web.StreamResponse:
        return self._foreign(await super().listing(request))

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        return self._foreign(await super().picture(request, exhibit))

    def _foreign(self, response: web.StreamResponse) -> web.StreamResponse:
        name = "壁纸".encode("gbk").decode("utf-8", "surrogateescape")
        response.headers["Content-Disposition"] = f"attachment; filename={name}"
        return response


class CountingServer(StandIn):
    """Counts concurrent requests for pictures; responds when ``wanted`` of them have arrived."""

    now = most = 0
    wanted = 1

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        super().__init__(exhibits)
        self._enough = asyncio.Event()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now >= self.wanted:
            self._enough.set()
        await self._enough.wait()
        await asyncio.sleep(0.02)  # those that should not have come may come now
        self.now -= 1
        return await super().picture(request, exhibit)


class CompressedPictures(StandIn):
    """Compresses pictures though it was asked not to: all but the first, in these encodings."""

    encodings: tuple[str, ...] = ()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        number = self.exhibits.index(exhibit)
        if number == 0:
            return await super().picture(request, exhibit)
        encoding = self.encodings[number - 1]
        return web.Response(
            body=self.body(exhibit.content(), encoding), headers={"Content-Encoding": encoding}
        )

    def body(self, picture: bytes, encoding: str) -> bytes:
        return compress(encoding, picture)


class InflatingPictures(CompressedPictures):
    """Inflate to 20 MB of a picture's beginning."""

    def body(self, picture: bytes, encoding: str) -> bytes:
        return compress(encoding, picture + bytes(20_000_000))


class GarbledPictures(CompressedPictures):
    """Are not compressed."""

    def body(self, picture: bytes, encoding: str) -> bytes:
        return picture


class EndlessPage(FaultyPictures):
    """Sends a web page in place of a picture, for as long as somebody listens."""

    sent_bytes = 0
    first = b"<!DOCTYPE html><html>"

    async def fault(self, request: web.Request) -> web.StreamResponse:
        response = await _stream(request)
        try:
            await response.write(self.first)
            while self.sent_bytes < 64_000_000:
                await response.write(b" " * 65_536)
                self.sent_bytes += 65_536
        except ConnectionError:
            return response
        return response


class OtherHosts(FaultyPictures):
    """Lists addresses elsewhere: ``addresses``, one for each wallpaper but the first."""

    addresses: tuple[str, ...] = ()

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        entry = super().entry(exhibit)
        number = self.exhibits.index(exhibit)
        if number:
            address = self.addresses[number - 1]
            entry |= {"downloadUrl": address, "imageUrl": address, "objUrl": ""}
        return entry


def _zstd() -> Any:
    """Return the module that Scrapy brings for it."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return importlib.import_module(name)


def compress(encoding: str, data: bytes) -> bytes:
    """Return *data* under a Content-Encoding."""
    compressors = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": lambda raw: brotli.compress(raw, quality=3),
        "zstd": _zstd().compress,
    }
    for name in encoding.lower().replace("x-gzip", "gzip").split(", "):
        if name != "identity":
            data = bytes(compressors[name](data))
    return data
