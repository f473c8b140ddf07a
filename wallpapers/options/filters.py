"""Filter wallpapers by their claimed size before the download and by the actual image after it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wallpapers.errors import ArgumentError
from wallpapers.images import formats
from wallpapers.options.arguments import Argument, choice, read_arguments, subset
from wallpapers.options.setting_values import not_negative
from wallpapers.options.sizes import Size, amount, megapixels, side, size
from wallpapers.run.reasons import FilterReason

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.settings import BaseSettings

_NOT_BY_FILTERS = (FilterReason.HIDDEN, FilterReason.DROPPED)
REASONS = tuple(reason for reason in FilterReason if reason not in _NOT_BY_FILTERS)
_RATIO_TOLERANCE = 0.02
_FORMATS = tuple(formats.EXTENSIONS)


_RATIO = re.compile(r"(\d+\.?\d*)\s*(?:[:x×/]\s*(\d+\.?\d*))?", re.IGNORECASE)
_HINT = "; min_size=3840x2160 sets both sides"


def _ratio(text: str) -> float:
    """Read 16:9, 16x9, 16/9 or 1.78."""
    parts = _RATIO.fullmatch(text.strip())
    if not parts or not float(parts[2] or 1):
        raise ValueError
    ratio = float(parts[1]) / float(parts[2] or 1)
    if not 0.01 <= ratio <= 100:
        raise ValueError
    return ratio


ARGUMENTS: dict[str, Argument] = {
    "min_size": size().means("minimum width and height; empty = any"),
    "min_width": side("width", 0, 0, hint=_HINT).means("minimum width in pixels; 0 = any"),
    "max_width": side("width", 0, 0).means("maximum width in pixels; 0 = any"),
    "min_height": side("height", 0, 0, hint=_HINT).means("minimum height in pixels; 0 = any"),
    "max_height": side("height", 0, 0).means("maximum height in pixels; 0 = any"),
    "ratio": Argument(0.0, _ratio, "like 16:9 or 1.78").means("aspect ratio, within 2 %"),
    "orientation": choice("", "landscape", "portrait").means("orientation; empty = any"),
    "min_megapixels": megapixels().means("minimum number of million pixels; 0 = any"),
    "max_bytes": amount().means("maximum file size in bytes; 0 = any"),
    "formats": subset(*_FORMATS, synonyms={"JPG": "JPEG"}).means("formats to keep; empty = all"),
}


@dataclass(frozen=True)
class ImageFilters:
    """Conditions that an image must meet to be stored.

    0 and empty values mean no condition. Sizes are in pixels, as displayed.
    """

    min_width: int = 0
    max_width: int = 0
    min_height: int = 0
    max_height: int = 0
    ratio: float = 0.0  # width divided by height, within 2 %
    orientation: str = ""  # landscape, portrait
    min_megapixels: float = 0.0
    max_bytes: int = 0
    formats: frozenset[str] = frozenset()

    @classmethod
    def from_spider(cls, spider: Spider | None, settings: BaseSettings) -> ImageFilters:
        """Combine the arguments of *spider* with IMAGES_MIN_WIDTH and IMAGES_MIN_HEIGHT.

        The strictest condition applies. Raises SettingError, and ArgumentError for a minimum that
        exceeds its maximum.
        """
        values = {name: getattr(spider, name, given.default) for name, given in ARGUMENTS.items()}
        # A spider of the user's has its arguments as text.
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        values |= read_arguments({name: ARGUMENTS[name] for name in texts}, texts)
        least_size = values.pop("min_size")
        for dimension in ("width", "height"):
            setting = f"IMAGES_MIN_{dimension.upper()}"
            minimums = {
                f"min_{dimension}": values[f"min_{dimension}"],
                "min_size": getattr(least_size, dimension),
                setting: not_negative(settings, setting),
            }
            name = max(minimums, key=lambda name: minimums[name])
            least, most = minimums[name], values[f"max_{dimension}"]
            if 0 < most < least:
                raise ArgumentError(
                    f"{name} must not exceed max_{dimension}, got {least} and {most}"
                )
            values[f"min_{dimension}"] = least
        return cls(**values)

    @property
    def least_size(self) -> Size:
        """The minimum width and height, if both have one."""
        return Size(self.min_width, self.min_height)

    def exact_size(self, given: Size) -> Size:
        """Return *given*, or the only size that matches where *given* is any size."""
        fixed = self.min_width == self.max_width and self.min_height == self.max_height
        return self.least_size if fixed and given == Size() else given

    def find_mismatch(
        self, width: int, height: int, *, size_bytes: int = 0, kind: str = ""
    ) -> tuple[str, str] | None:
        """Return the reason (one of REASONS) and details for filtering an image, or None.

        0 and "" mean unknown; unknown values match.
        """
        size = f"{width}x{height}"
        if 0 < width < self.min_width or 0 < height < self.min_height:
            return "too_small", f"{size}, minimum {self.min_width}x{self.min_height}"
        if 0 < self.max_width < width or 0 < self.max_height < height:
            return "oversized", f"{size}, maximum {self.max_width}x{self.max_height}"
        if 0 < self.max_bytes < size_bytes:
            return "oversized", f"{size_bytes:,} bytes, maximum {self.max_bytes:,}"
        if kind and self.formats and kind not in self.formats:
            return "unwanted_format", f"{kind}, expected one of: {', '.join(sorted(self.formats))}"
        return self._find_shape_mismatch(width, height) if width and height else None

    def _find_shape_mismatch(self, width: int, height: int) -> tuple[str, str] | None:
        size = f"{width}x{height}"
        if width * height < self.min_megapixels * 1_000_000:
            return "too_small", f"{size}, minimum {self.min_megapixels:g} megapixels"
        if self.ratio and abs(width / height / self.ratio - 1) > _RATIO_TOLERANCE:
            return "wrong_ratio", f"{size}, expected ratio {self.ratio:.3f}"
        orientation = "landscape" if width > height else "portrait" if height > width else "square"
        if self.orientation not in ("", orientation):
            return "wrong_orientation", f"{size}, expected {self.orientation}"
        return None
