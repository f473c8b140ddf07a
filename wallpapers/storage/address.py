"""Parse IMAGES_STORE: a folder, or the address of a remote store."""

from __future__ import annotations

import os
import re
from pathlib import Path

from wallpapers.errors import SettingError
from wallpapers.options.extras import require_for_store

_REMOTE = ("s3://", "gs://")
_FILE = "file://"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_WINDOWS_PATH = re.compile(r"[A-Za-z]:|\\\\")


def folder_of(store_uri: str) -> Path | None:
    """Return the folder that IMAGES_STORE names, or None for a remote store.

    Raises SettingError. A relative folder such as ``a:b`` must be given as ``./a:b``.
    """
    if store_uri.startswith(_REMOTE):
        return None
    path = store_uri.removeprefix(_FILE)
    windows = _WINDOWS_PATH.match(path)
    if not path.strip() or windows or _SCHEME.match(path):
        raise SettingError(
            f"IMAGES_STORE must be a folder, s3:// or gs://, got {store_uri!r}"
            f"{', a Windows path' if windows else ''}"
        )
    return Path(path).expanduser()


def usable_folder_of(store_uri: str) -> Path | None:
    """Return what ``folder_of`` does. Raises SettingError if a file is in the folder's place."""
    folder = folder_of(store_uri)
    for place in (folder, *folder.parents) if folder else ():
        if os.path.isfile(place):  # noqa: PTH113 (Path.is_file raises PermissionError)
            raise SettingError(
                f"IMAGES_STORE must be a folder, got {store_uri!r}: {place} is a file"
            )
    return folder


def store_address(uri: str) -> str:
    """Return IMAGES_STORE with a final slash where a remote store needs it. Raises UserError."""
    if usable_folder_of(uri) is not None:
        return uri
    require_for_store(uri.partition("://")[0])
    return with_final_slash(uri)


def with_final_slash(uri: str) -> str:
    """Return the address with a final slash, because Scrapy joins it and a name as they are."""
    return uri if uri.endswith("/") else f"{uri}/"
