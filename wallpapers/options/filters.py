"""Filter wallpapers by their claimed size before the download and by the actual image after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wallpapers.images import decoding
from wallpapers.options.arguments import Argument, choice, decimal, subset, whole_number
from wallpapers.options.setting_values import not_negative
from wallpapers.run.reasons import FilterReason

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.settings import BaseSettings

REASONS = tuple(reason for reason in FilterReason if reason is not FilterReason.DROPPED)
_RATIO_TOLERANCE = 0.02
_FORMATS = tuple(decoding.EXTENSIONS)


def _ratio(text: str) -> float:
    width, _, height = text.partition(":")
    if not float(height):
        raise ValueError
    ratio = float(width) / float(height)
    if not 0.01 <= ratio <= 100:
        raise ValueError
    return ratio


ARGUMENTS: dict[str, Argument] = {
    "min_width": whole_number(0, 0).means("least width in pixels; 0 = any"),
    "max_width": whole_number(0, 0).means("greatest width in pixels; 0 = any"),
    "min_height": whole_number(0, 0).means("least height in pixels; 0 = any"),
    "max_height": whole_number(0, 0).means("greatest height in pixels; 0 = any"),
    "ratio": Argument(0.0, _ratio, "like 16:9").means("aspect ratio, within 2 %"),
    "orientation": choice("", "landscape", "portrait").means("orientation; empty = any"),
    "min_megapixels": decimal(0.0).means("least number of million pixels; 0 = any"),
    "max_bytes": whole_number(0, 0).means("greatest file size in bytes; 0 = any"),
    "formats": subset(*_FORMATS).means("formats to keep; empty = all"),
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

        The stricter condition applies. Raises SettingError.
        """
        values = {name: getattr(spider, name, default) for name, default in _DEFAULTS.items()}
        for side in ("width", "height"):
            least = not_negative(settings, f"IMAGES_MIN_{side.upper()}")
            values[f"min_{side}"] = max(values[f"min_{side}"], least)
        return cls(**values)

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


_DEFAULTS = {name: argument.default for name, argument in ARGUMENTS.items()}
