"""Share the options of ``find`` and ``export``, which select images."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from wallpapers.errors import SettingError
from wallpapers.options.arguments import read_arguments
from wallpapers.options.filters import ARGUMENTS, ImageFilters

if TYPE_CHECKING:
    from wallpapers.collection.search import Criteria

_FILTERS = ("ratio", "orientation", "formats")


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select images."""
    group = parser.add_argument_group("which images; all conditions must hold")
    tone = group.add_mutually_exclusive_group()
    tone.add_argument("--dark", action="store_true", help="dark images, for the night")
    tone.add_argument("--light", action="store_true", help="light images")
    group.add_argument(
        "--colour",
        "--color",
        action="append",
        default=[],
        metavar="HEX",
        help="images with about this colour, such as '#1e3a5f'; may be repeated",
    )
    group.add_argument(
        "--ratio", default="", help="aspect ratio within 2 %%, such as 16:9, 9:16 or 1.78"
    )
    group.add_argument("--orientation", default="", help="landscape or portrait")
    group.add_argument(
        "--min-size",
        default="",
        metavar="SIZE",
        help="minimum width and height, such as 2560x1440 or 4k",
    )
    group.add_argument("--formats", default="", help="formats to keep, such as JPEG,PNG")
    group.add_argument(
        "--source", action="append", default=[], help="from this source; may be repeated"
    )
    group.add_argument(
        "--word",
        action="append",
        default=[],
        help="with this text in title, tags, credit or listing; may be repeated",
    )
    group.add_argument("--starred", action="store_true", help="favourites only")
    group.add_argument(
        "--best", action="store_true", help="no images of which there is a better copy"
    )


def criteria_of(opts: argparse.Namespace) -> Criteria:
    """Return the criteria of the options. Raises ArgumentError and SettingError."""
    from wallpapers.catalogue.search import Condition
    from wallpapers.collection.search import MAX_DARK, MIN_LIGHT, Criteria

    given = {name: getattr(opts, name) for name in _FILTERS if getattr(opts, name)}
    declared = {name: ARGUMENTS[name] for name in (*_FILTERS, "min_size")}
    if opts.min_size:
        given["min_size"] = opts.min_size
    values = read_arguments(declared, given)
    least = values.pop("min_size")
    return Criteria(
        condition=Condition(
            min_lightness=MIN_LIGHT if opts.light else 0.0,
            max_lightness=MAX_DARK if opts.dark else 100.0,
            sources=tuple(opts.source),
            starred=opts.starred,
        ),
        filters=ImageFilters(min_width=least.width, min_height=least.height, **values),
        colours=tuple(_colour(text) for text in opts.colour),
        words=tuple(opts.word),
        best=opts.best,
    )


def options_text(opts: argparse.Namespace) -> str:
    """Return the options that select images as they are typed, each with a space before it."""
    flags = [name for name in ("dark", "light", "starred", "best") if getattr(opts, name)]
    texts = [f"--{name}" for name in flags]
    values = [(name, getattr(opts, name)) for name in (*_FILTERS, "min_size")]
    values += [(name, value) for name in ("colour", "source", "word") for value in vars(opts)[name]]
    for name, value in values:
        texts += [f"--{name.replace('_', '-')}={shlex.quote(value)}"] if value else []
    return "".join(f" {text}" for text in texts)


def _colour(text: str) -> tuple[float, float, float]:
    from wallpapers.images.colours import hex_to_oklab
    from wallpapers.options.extras import require_for_collection

    require_for_collection("--colour", "numpy")
    try:
        return hex_to_oklab(text)
    except ValueError:
        raise SettingError(f"--colour must be like '#1e3a5f', got {text!r}") from None
