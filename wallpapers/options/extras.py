"""Libraries that only some tasks need: said at the start when they are missing, with the remedy."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec

from wallpapers.errors import MissingLibraryError

# URI scheme -> what to import, and what to install for it
_FOR_STORE = {
    "s3": ("botocore", "botocore"),
    "gs": ("google.cloud.storage", "google-cloud-storage"),
}
_FOR_FEED = {**_FOR_STORE, "s3": ("boto3", "boto3")}


def require_for_store(scheme: str) -> None:
    """Raise MissingLibraryError where an IMAGES_STORE of *scheme* would not work."""
    _require(f"an IMAGES_STORE at {scheme}://", _FOR_STORE.get(scheme))


def require_for_feed(scheme: str) -> None:
    """Raise MissingLibraryError where a feed to *scheme* would not work."""
    _require(f"a feed to {scheme}://", _FOR_FEED.get(scheme))


def install_command(requirement: str) -> str:
    """Return the command that installs *requirement* for the interpreter that runs this."""
    return shlex.join([sys.executable or "python3", "-m", "pip", "install", requirement])


def _require(what: str, library: tuple[str, str] | None) -> None:
    if library is None:
        return
    module, distribution = library
    try:
        found = find_spec(module) is not None
    except ModuleNotFoundError:  # not even its parent package
        found = False
    if not found:
        raise MissingLibraryError(
            f"{what} needs {distribution}, which is not installed: {install_command(distribution)}"
        )
