"""Declare arguments for sizes and amounts as people write them: 1920x1080, 4k, 5M."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from wallpapers.options.arguments import Argument, whole_number


@dataclass(frozen=True)
class Size:
    """Width and height in pixels; 0 = any."""

    width: int = 0
    height: int = 0

    def __str__(self) -> str:
        return f"{self.width}x{self.height}" if self else ""

    def __bool__(self) -> bool:
        return self.width > 0 and self.height > 0


# The sizes of screens. 2k is missing, because it means 2048x1080 and 2560x1440.
_NAMED = {
    **dict.fromkeys(("720p", "hd"), Size(1280, 720)),
    **dict.fromkeys(("1080p", "fhd", "fullhd"), Size(1920, 1080)),
    **dict.fromkeys(("1440p", "qhd"), Size(2560, 1440)),
    **dict.fromkeys(("2160p", "4k", "uhd"), Size(3840, 2160)),
    "5k": Size(5120, 2880),
    **dict.fromkeys(("4320p", "8k"), Size(7680, 4320)),
}
_SIZE = re.compile(r"(\d{1,6})\s*[x×*]\s*(\d{1,6})", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size() -> Argument:
    """Declare an argument for a ``Size``: width and height, or a name such as 4k."""
    return Argument(Size(), _read_size, "like 3840x2160, or a size such as 4k")


def side(name: str, default: int, least: int, most: int | None = None, hint: str = "") -> Argument:
    """Declare an argument for a *name*, width or height, in pixels; 4k means that of 4K."""
    number = whole_number(default, least, most)

    def read(value: str) -> int:
        text = value.strip().lower()
        if text in _NAMED:
            text = str(getattr(_NAMED[text], name))
        return int(number.read(text.removesuffix("px")))

    return Argument(default, read, f"{number.allowed}, or a size such as 4k{hint}")


def amount() -> Argument:
    """Declare an argument for a whole number, 0 or more: 500k, 5M, 1.5G, 5MB, 5Mi."""

    def read(value: str) -> int:
        number = _read_amount(value)
        if number != int(number):
            raise ValueError
        return int(number)

    return Argument(0, read, "a number 0 or more, such as 5000000, 5M or 500k")


def megapixels() -> Argument:
    """Declare an argument for a number of million pixels: 8.3, 5M, 5MP."""

    def read(value: str) -> float:
        return float(_read_amount(re.sub(r"mp?$", "", value.strip().lower())))

    return Argument(0.0, read, "a number 0 or more, such as 8.3 or 5M")


def _read_size(value: str) -> Size:
    text = value.strip().lower()
    if text in _NAMED:
        return _NAMED[text]
    if not text:
        return Size()
    sides = _SIZE.fullmatch(text)
    if not sides:
        raise ValueError
    return Size(int(sides[1]), int(sides[2]))


def _read_amount(value: str) -> Decimal:
    parts = _AMOUNT.fullmatch(value.strip())
    if not parts:
        raise ValueError
    thousand = Decimal(1024 if parts[3] else 1000)
    return Decimal(parts[1]) * thousand ** _POWERS[parts[2].lower()]
