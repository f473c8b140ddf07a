"""Build file names that are readable and valid on every file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

THUMBNAILS = "thumbs"  # their folder below the store
GALLERY = "gallery"  # the folder of the page that shows them

MAX_BYTES = 100  # of one component in UTF-8; file systems allow 255, archives and copies less
_UNSAFE = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*%\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+'
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)

_HASH_DIGITS = 20  # hexadecimal: 80 bits, so that no second text with the same hash can be found
# Older versions wrote ten digits; an unchanged name must look like neither form.
_HASHED = re.compile(rf"-(?:[0-9a-f]{{10}}|[0-9a-f]{{{_HASH_DIGITS}}})$")


def thumbnail_path(name: str, path: str) -> str:
    """Return the path of the thumbnail *name* of the picture *path*."""
    return f"{THUMBNAILS}/{safe_name(name)}/{path}"


@lru_cache(maxsize=1024)  # source and listing recur in the path of each picture
def safe_name(text: str) -> str:
    """Return *text* as one component of a path, valid on Linux, macOS and Windows.

    Different texts never get the same name, but names may differ in the case of ASCII letters
    alone. A hash of *text* is appended if the name had to be changed, has other upper-case letters,
    or looks like a name with a hash.
    """
    name = clean(text)
    if name == text and folded(text) == text.casefold() and _fits(name) and not _is_ambiguous(name):
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_shorten(name)}-{digest[:_HASH_DIGITS]}"


def clean(text: str) -> str:
    """Return *text* without what a file system does not allow; different texts may become equal."""
    name = unicodedata.normalize("NFC", text)
    return _UNSAFE.sub("_", name.encode("utf-8", "replace").decode("utf-8")).strip(" .")


def cut(name: str, most_bytes: int) -> str:
    """Return the characters of *name* that take at most *most_bytes* bytes in UTF-8."""
    return name.encode()[:most_bytes].decode("utf-8", "ignore").rstrip(" .")


def without_reserved_name(name: str) -> str:
    """Return *name*, with a prefix if Windows reserves it."""
    return f"_{name}" if _RESERVED.match(name) else name


def folded(path: str) -> str:
    """Return *path* with lower-case ASCII letters, as SQLite's ``lower`` does.

    Paths with the same result may be one file on a file system that ignores case.
    """
    return path.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def is_text(path: str) -> bool:
    """Return whether a database accepts *path*; a path of a file system may have any bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in path


def _fits(name: str) -> bool:
    return 0 < len(name.encode()) <= MAX_BYTES


def _is_ambiguous(name: str) -> bool:
    return bool(_RESERVED.match(name) or _HASHED.search(name))


def _shorten(name: str) -> str:
    """Shorten *name* to leave room for a hash, and prefix names that Windows reserves."""
    kept = without_reserved_name(cut(name, MAX_BYTES - 1 - _HASH_DIGITS))
    return kept or "_"
