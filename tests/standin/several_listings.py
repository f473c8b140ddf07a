"""Sources that list other wallpapers for other words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from aiohttp import web

from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class SeveralListings(StandIn):
    """Lists for each word the exhibits of that word; a word without any has an empty listing."""

    parameter: ClassVar[str]
    by_word: ClassVar[Mapping[str, Sequence[Exhibit]]]

    async def listing(self, request: web.Request) -> web.StreamResponse:
        everything = self.exhibits
        self.exhibits = list(self.by_word.get(request.query[self.parameter], ()))
        try:
            return await super().listing(request)
        finally:
            self.exhibits = everything


def several(
    standin: type[StandIn], parameter: str, by_word: Mapping[str, Sequence[Exhibit]]
) -> StandIn:
    """Return a *standin* that lists *by_word*, where *parameter* of a request is the word."""
    attributes = {"parameter": parameter, "by_word": by_word}
    several: type[StandIn] = type(
        f"Several{standin.__name__}", (SeveralListings, standin), attributes
    )
    return several([exhibit for shown in by_word.values() for exhibit in shown])
