"""Check at the start that the optional libraries of a run are installed."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

from wallpapers.errors import MissingLibraryError

# URI scheme -> module to import, distribution to install
_FOR_STORE = {
    "s3": ("botocore", "botocore"),
    "gs": ("google.cloud.storage", "google-cloud-storage"),
}
_FOR_FEED = {**_FOR_STORE, "s3": ("boto3", "boto3")}


def require_for_store(scheme: str) -> None:
    """Raise MissingLibraryError if the library for an IMAGES_STORE of *scheme* is missing."""
    _require(f"an IMAGES_STORE at {scheme}://", _FOR_STORE.get(scheme))


def require_for_feed(scheme: str) -> None:
    """Raise MissingLibraryError if the library for a feed to *scheme* is missing."""
    _require(f"a feed to {scheme}://", _FOR_FEED.get(scheme))


def require_for_collection(feature: str, module: str) -> None:
    """Raise MissingLibraryError if *module*, of the extra ``collection``, is missing."""
    if not is_installed(module):
        raise MissingLibraryError(
            f"{feature} needs {module}, which is not installed: {extra_command('collection')}"
        )


def install_command(*requirement: str) -> str:
    """Return the command that installs *requirement* for the interpreter that runs this."""
    return shlex.join([sys.executable or "python3", "-m", "pip", "install", *requirement])


def extra_command(extra: str) -> str:
    """Return the command that installs the optional libraries of this project named *extra*.

    A clone is named by its path: the environment of requirements.txt does not have the project
    itself, so pip would look for its name on the package index.
    """
    clone = Path(__file__).parents[2]
    if not (clone / "pyproject.toml").is_file():
        return install_command(f"wallpapers[{extra}]")
    return install_command("--editable", f"{clone}[{extra}]")


def _require(feature: str, library: tuple[str, str] | None) -> None:
    if library is None:
        return
    module, distribution = library
    if not is_installed(module):
        raise MissingLibraryError(
            f"{feature} needs {distribution}, which is not installed: "
            f"{install_command(distribution)}"
        )


def is_installed(module: str) -> bool:
    """Return whether *module* can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the parent package is missing
        return False
