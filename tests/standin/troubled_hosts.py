"""Listings with images on hosts in trouble, followed by images on a healthy host."""

from __future__ import annotations

import asyncio
import socket
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class TroubledHosts(StandIn):
    """Serves *healthy* from one port, and *troubled* from ``hosts`` other ports.

    No image is served from the port of the listing, so no host of images is known from the start.
    The troubled hosts recover as soon as every healthy image has been requested, unless
    ``recovers`` is False. ``requests`` has the exhibit of each request for an image.
    """

    hosts = 1
    recovers = True
    accepts_connections = True

    def __init__(self, troubled: Sequence[Exhibit], healthy: Sequence[Exhibit]) -> None:
        super().__init__([*troubled, *healthy])
        self.requests: list[Exhibit] = []
        self._host_of = {exhibit.sign: 1 + n % self.hosts for n, exhibit in enumerate(troubled)}
        self._missing = {exhibit.sign for exhibit in healthy}
        self._sockets: list[socket.socket] = []  # that of the healthy host comes first

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        port = self._sockets[self._host_of.get(exhibit.sign, 0)].getsockname()[1]
        address = f"http://127.0.0.1:{port}/image/pic/item/{exhibit.sign}.jpg"
        return {**super().entry(exhibit), "downloadUrl": address, "imageUrl": address, "objUrl": ""}

    async def listen(self) -> None:
        await super().listen()
        self.recovered = asyncio.Event()
        for _ in range(1 + self.hosts):
            self._sockets.append(socket.socket())
            self._sockets[-1].bind(("127.0.0.1", 0))  # without listen(), connections are refused
        await self._accept_connections(
            self._sockets if self.accepts_connections else self._sockets[:1]
        )

    async def _accept_connections(self, sockets: Sequence[socket.socket]) -> None:
        for bound in sockets:
            await web.SockSite(self._runner, bound).start()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.requests.append(exhibit)
        self._missing.discard(exhibit.sign)
        if not self._missing and self.recovers and not self.recovered.is_set():
            await self.recover()
        if exhibit.sign in self._host_of and not self.recovered.is_set():
            await self.trouble()
        return await super().picture(request, exhibit)

    @abstractmethod
    async def trouble(self) -> None:
        """Fail to serve an image, or return when the host has recovered."""

    async def recover(self) -> None:
        """End the trouble."""
        self.recovered.set()


class SilentHosts(TroubledHosts):
    """Accept requests and do not respond."""

    async def trouble(self) -> None:
        await self.recovered.wait()


class RefusingHosts(TroubledHosts):
    """Refuse connections."""

    accepts_connections = False

    async def trouble(self) -> None:
        raise AssertionError

    async def recover(self) -> None:
        await super().recover()
        await self._accept_connections(self._sockets[1:])


class UnavailableHosts(TroubledHosts):
    """Respond with 503."""

    async def trouble(self) -> None:
        raise web.HTTPServiceUnavailable


class BusyHosts(TroubledHosts):
    """Respond with 429 and a ``Retry-After`` of half a minute."""

    async def trouble(self) -> None:
        raise web.HTTPTooManyRequests(headers={"Retry-After": "30"})


class OneBadAddress(StandIn):
    """Responds with 502 to every request for its last image."""

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit is self.exhibits[-1]:
            raise web.HTTPBadGateway
        return await super().picture(request, exhibit)
