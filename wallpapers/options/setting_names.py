"""Find misspelled names among the settings of the command line (-s)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from wallpapers.errors import SettingError

# Settings that Scrapy or this project reads and that have no default.
_WITHOUT_DEFAULT = {
    *("FILES_EXPIRES", "FILES_RESULT_FIELD", "FILES_URLS_FIELD"),
    *("IMAGES_EXPIRES", "IMAGES_MIN_HEIGHT", "IMAGES_MIN_WIDTH", "IMAGES_RESULT_FIELD"),
    *("IMAGES_THUMBS", "IMAGES_URLS_FIELD", "MEDIA_ALLOW_REDIRECTS"),
    *("CONCURRENT_REQUESTS_PER_IP", "META_COPY_WARN_SKIP_KEYS"),
}
_OURS = "WALLPAPERS_"
_OF_IMAGES = "IMAGES_"
_REMEDY = "if it is your own, give it a default in settings.py or in custom_settings"
_SIMILARITY = 0.85  # of difflib: one wrong letter in seven


def find_misspelled(given: Iterable[str], defined: Iterable[str]) -> list[str]:
    """Return a warning for each of the names *given* that is probably misspelled.

    Names that are *defined* (by Scrapy, a project or a spider) are known, and other names may
    belong to a component of the user. Raises SettingError for a name that starts with WALLPAPERS_
    or resembles a setting of the images, because it would decide what is stored, and where; and for
    one in lower case, which is that of an argument.
    """
    known = {*defined, *_WITHOUT_DEFAULT}
    warnings = []
    for name in given:
        if name in known:
            continue
        meant = _similar(name, known)
        if name.islower() and not meant:
            raise SettingError(f"unknown setting {name}; an argument is given with -a {name}=...")
        if name.startswith(_OURS) or meant.startswith((_OURS, _OF_IMAGES)):
            remedy = f"did you mean {meant}?" if meant else _REMEDY
            raise SettingError(f"unknown setting {name}; {remedy}")
        if meant:
            warnings.append(f"Unknown setting {name}; did you mean {meant}?")
        elif name.startswith(_OF_IMAGES):
            warnings.append(f"Unknown setting {name}: neither Scrapy nor this project reads it")
    return warnings


def _similar(name: str, known: Collection[str]) -> str:
    """Return the known name that *name* is a misspelling of, or an empty string.

    A known name with a word before or after it is another name, such as those that Scrapy reads for
    subclasses of its pipelines (MYPIPELINE_IMAGES_THUMBS).
    """
    if any(name.startswith(f"{other}_") or name.endswith(f"_{other}") for other in known):
        return ""
    return next(iter(get_close_matches(name.upper(), known, n=1, cutoff=_SIMILARITY)), "")
