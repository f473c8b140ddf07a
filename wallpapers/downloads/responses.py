"""Define the response to a request for an image, whose body is in a part file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scrapy.http import Headers, Response

if TYPE_CHECKING:
    from wallpapers.storage.parts import Part


_NO_AI = re.compile(rb"(?:^|[\s,:])no(?:image)?ai(?:[\s,]|$)", re.IGNORECASE)


def forbids_ai(response: Response) -> bool:
    """Return whether ``X-Robots-Tag`` has ``noai`` or ``noimageai``, for whatever user agent."""
    return any(map(_NO_AI.search, response.headers.getlist("X-Robots-Tag")))


class PictureResponse(Response):
    """A response that reads its body from *part* when a middleware accesses it.

    ``replace()`` returns a response with its own body.
    """

    __slots__ = ("_part",)

    def __init__(self, url: str, *args: Any, part: Part | None = None, **kwargs: Any) -> None:
        self._part = part
        super().__init__(url, *args, **kwargs)

    @classmethod
    def of(
        cls, part: Part, url: str, status: int, headers: Headers, flags: list[str]
    ) -> PictureResponse:
        """Return the response to a download into *part*."""
        response = cls(url, status, flags=flags, part=part)
        response.headers = headers  # __init__ would copy them
        return response

    def has_body_in(self, part: Part) -> bool:
        """Return whether the body is the unchanged content of *part*."""
        return self._part is part

    @property
    def body(self) -> bytes:
        """The body; reading it loads the whole image into memory."""
        return super().body if self._part is None else self._part.content()

    @property
    def body_size(self) -> int:
        """The length of the body in bytes, without reading it."""
        return len(super().body) if self._part is None else self._part.size
