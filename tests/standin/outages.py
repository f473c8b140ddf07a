"""Servers that are busy, or away for a while."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic

from aiohttp import web

from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class BusyServer(StandIn):
    """Answers with ``status`` and a Retry-After from its sixth request on, until that is over.

    ``refused`` counts who asked in the meantime.
    """

    status = 429
    wait_s = 1.0
    as_date = False
    retry_after: str | None = None

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        super().__init__(exhibits)
        self._asked = 0
        self._busy_since_s: float | None = None
        self.refused = 0

    async def listing(self, request: web.Request) -> web.StreamResponse:
        return self._busy() or await super().listing(request)

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        return self._busy() or await super().picture(request, exhibit)

    def _busy(self) -> web.StreamResponse | None:
        self._asked += 1
        if self._asked <= 5:
            return None
        now = monotonic()
        self._busy_since_s = self._busy_since_s or now
        if now - self._busy_since_s >= self.wait_s:
            return None
        self.refused += 1
        return web.Response(status=self.status, headers={"Retry-After": self._retry_after()})

    def _retry_after(self) -> str:
        if self.retry_after is not None:
            return self.retry_after
        if self.as_date:  # whole seconds: up to one later than asked for
            return format_datetime(
                datetime.now(UTC) + timedelta(seconds=self.wait_s + 1), usegmt=True
            )
        return str(int(self.wait_s))


class BusyWithPictures(BusyServer):
    listing = StandIn.listing


class BusyWithPages(BusyServer):
    picture = StandIn.picture


class AwayServer(StandIn, ABC):
    """Is away from its tenth picture on, for ``away_s``, in the way that a subclass defines."""

    away_s = 1.5

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        super().__init__(exhibits)
        self._served = 0
        self._away_since_s: float | None = None

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self._served += 1
        if self._served >= 10 and self._away_since_s is None:
            self._away_since_s = monotonic()
        if self._away_since_s and monotonic() - self._away_since_s < self.away_s:
            return await self.away(request)
        return await super().picture(request, exhibit)

    @abstractmethod
    async def away(self, request: web.Request) -> web.StreamResponse:
        """Be away."""


class ResettingServer(AwayServer):
    async def away(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


class BlackHole(AwayServer):
    async def away(self, request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError


class BadGateway(AwayServer):
    async def away(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPBadGateway


class StoppedServer(AwayServer):
    """Listens no more: connections are refused."""

    async def away(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        if not self.stopped:
            self.stopped = True
            await self.site.stop()
            asyncio.get_running_loop().call_later(self.away_s, self._come_back)
        return web.Response()

    stopped = False

    def _come_back(self) -> None:
        self._back = asyncio.ensure_future(self.listen())
