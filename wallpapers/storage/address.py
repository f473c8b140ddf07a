"""Parse IMAGES_STORE: a folder, or the address of a remote store."""

from __future__ import annotations

from pathlib import Path

from wallpapers.errors import SettingError
from wallpapers.options.extras import require_for_store


def folder_of(store_uri: str) -> Path | None:
    """Return the folder that IMAGES_STORE names, or None for a remote store."""
    scheme, found, _ = store_uri.partition("://")
    if found and scheme != "file":
        return None
    return Path(store_uri.removeprefix("file://")).expanduser()


def store_address(uri: str) -> str:
    """Return IMAGES_STORE with a final slash where a remote store needs it. Raises UserError."""
    scheme, found, _ = uri.partition("://")
    scheme = scheme if found else ""
    if not uri.strip() or scheme not in ("", "file", "s3", "gs"):
        raise SettingError(f"IMAGES_STORE must be a folder, s3:// or gs://, got {uri!r}")
    require_for_store(scheme)
    if scheme in ("s3", "gs") and not uri.endswith("/"):
        uri += "/"  # otherwise Scrapy joins prefix and name without a separator
    return uri
