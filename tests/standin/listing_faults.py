"""Listings that are none, or that lie about themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from aiohttp import web

from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class Answering(StandIn, ABC):
    """Answers every page, or those from the second on, with what ``fault`` gives."""

    from_page = 0

    async def listing(self, request: web.Request) -> web.StreamResponse:
        if self.offset(request) < self.from_page:
            return await super().listing(request)
        return self.fault(request)

    @abstractmethod
    def fault(self, request: web.Request) -> web.StreamResponse:
        """Answer what is not to be answered well."""


class HtmlListing(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(
            text="<!DOCTYPE html>\n<title>百度图片</title>", content_type="text/html"
        )


class CaptchaRedirect(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://wappass.captcha.invalid/static/captcha/?ak=1")


class AntiFlag(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"antiFlag": 1, "message": "Forbid spider access"})


class GoneListing(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPNotFound(text="no such page")


class BrokenServer(Answering):
    """Not 503: several failed tries with it would be an outage, which is waited for."""

    def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPInternalServerError(text="later")


class CutJson(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        whole = self.encode(self.answer(0, self.exhibits))
        return web.Response(body=whole[: len(whole) // 2], content_type="application/json")


class EmptyBody(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"", content_type="application/json")


class DeepJson(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"[" * 200_000, content_type="application/json")


class HugeListing(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        body = b'{"imgs":["' + b"x" * (9 * 1024 * 1024) + b'"]}'
        return web.Response(body=body, content_type="application/json")


class InflatingListing(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        response = web.Response(body=b" " * (64 * 1024 * 1024), content_type="application/json")
        response.enable_compression(web.ContentCoding.gzip)
        return response


class EmptyListing(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"totalNum": 0, "imgs": [{}]})


class HangingUp(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


class MovedListing(StandIn):
    """Redirects to another path of the same host, twice."""

    async def listing(self, request: web.Request) -> web.StreamResponse:
        moved = int(request.query.get("moved", "0"))
        if moved < 2:
            raise web.HTTPMovedPermanently(request.url.update_query(moved=moved + 1))
        return await super().listing(request)


class CirclingListing(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.url)


class ForbiddingRobots(StandIn):
    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.get("/robots.txt", self.robots)]

    async def robots(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="User-agent: *\nDisallow: /data\n")


class ForbiddenPictures(ForbiddingRobots):
    async def robots(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="User-agent: *\nDisallow: /image\n")


class BrokenRobots(ForbiddingRobots):
    async def robots(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


class MisleadingListing(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "http://["})


class RecoveringServer(StandIn):
    """Fails once for each page, then answers."""

    async def listing(self, request: web.Request) -> web.StreamResponse:
        asked = [path.partition("&t=")[0] for path in self.asked]
        if asked.count(asked[-1]) == 1:
            raise web.HTTPBadGateway
        return await super().listing(request)


class LyingTotal(StandIn):
    """Claims another number than it has."""

    total: object = 10**9

    def answer(self, first: int, exhibits: list[Exhibit]) -> dict[str, Any]:  # type: ignore[override]
        return super().answer(first, exhibits) | {"totalNum": self.total}


class RepeatingListing(StandIn):
    """Answers every request with its first page."""

    def answer(self, first: int, exhibits: Any) -> dict[str, Any]:
        return super().answer(first, self.exhibits)


class SinglesListing(StandIn):
    """Gives fewer than it is asked for: three at a time."""

    def answer(self, first: int, exhibits: Any) -> dict[str, Any]:
        return super().answer(first, exhibits[:3])


class RottenEntries(StandIn):
    """Has nine bad entries among the twenty good ones of each page."""

    rotten: tuple[Any, ...] = (
        *({}, None, "text", 5, []),
        *({"id": "7"}, {"id": "8", "downloadUrl": ""}, {"downloadUrl": None}, {"downloadUrl": 5}),
    )

    def answer(self, first: int, exhibits: Any) -> dict[str, Any]:
        begin = first // 29 * 20
        good = [self.entry(exhibit) for exhibit in self.exhibits[begin : begin + 20]]
        return {"imgs": [*self.rotten, *good, {}] if good else [{}]}


class ChineseListing(StandIn):
    """Responds in GBK, with escapes that JSON does not have."""

    def encode(self, answer: dict[str, Any]) -> bytes:
        text = super().encode(answer).decode()
        return text.replace("wallpaper", "wall\\'paper").encode("gbk")


class ControlCharacters(StandIn):
    """Puts raw control characters into its strings."""

    def encode(self, answer: dict[str, Any]) -> bytes:
        return super().encode(answer).replace(b"wallpaper", b"wall\tpaper\x01")


class CaptchaPage(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="<title>百度安全验证</title>", content_type="text/html")


def of(fault: type[StandIn], source: type[StandIn]) -> type[StandIn]:
    """Return the stand-in of *source* with a fault."""
    return type(f"{fault.__name__}Of{source.__name__}", (fault, source), {})


def renamed(standin: type[StandIn], **names: str) -> type[StandIn]:
    """Return a stand-in whose entries call some of their keys otherwise."""

    class Renamed(standin):  # type: ignore[valid-type, misc]
        def entry(self, exhibit: Exhibit) -> dict[str, Any]:
            return {names.get(key, key): value for key, value in super().entry(exhibit).items()}

    return Renamed


def mistyped(standin: type[StandIn], **values: object) -> type[StandIn]:
    """Return a stand-in whose entries have other values under some of their keys."""

    class Mistyped(standin):  # type: ignore[valid-type, misc]
        def entry(self, exhibit: Exhibit) -> dict[str, Any]:
            return {**super().entry(exhibit), **values}

    return Mistyped
