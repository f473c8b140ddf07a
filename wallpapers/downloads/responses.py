"""The response to the request for a picture, whose body is in a part file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.http import Headers, Response

if TYPE_CHECKING:
    from wallpapers.storage.parts import Part


class PictureResponse(Response):
    """A response whose body is read from *part* only where a middleware asks for it.

    ``replace()`` returns a response with a body of its own.
    """

    __slots__ = ("_part",)

    def __init__(self, url: str, *args: Any, part: Part | None = None, **kwargs: Any) -> None:
        self._part = part
        super().__init__(url, *args, **kwargs)

    @classmethod
    def of(
        cls, part: Part, url: str, status: int, headers: Headers, flags: list[str]
    ) -> PictureResponse:
        """Return the response to a download that flowed into *part*."""
        response = cls(url, status, flags=flags, part=part)
        response.headers = headers  # which a Response would copy
        return response

    def is_in(self, part: Part) -> bool:
        """Return whether *part* holds the body, as it came."""
        return self._part is part

    @property
    def body(self) -> bytes:
        """The body; a middleware that reads it keeps the whole picture in memory."""
        return super().body if self._part is None else self._part.content()

    @property
    def body_size(self) -> int:
        """The length of the body in bytes, without reading it."""
        return len(super().body) if self._part is None else self._part.size
