"""Determine where the catalogue is: WALLPAPERS_CATALOGUE, or by default in the store."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from wallpapers.errors import MissingLibraryError, SettingError
from wallpapers.options.extras import install_command
from wallpapers.storage.address import folder_of

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings
    from sqlalchemy import URL

FILE_NAME = ".catalogue.db"

_ALLOWED = "sqlite:///<path> or postgresql://<user>:<password>@<host>/<database>"


def catalogue_url(settings: BaseSettings) -> URL:
    """Return the address of the catalogue according to *settings*.

    Raises SettingError, and MissingLibraryError where its driver is not installed.
    """
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    given = settings["WALLPAPERS_CATALOGUE"]
    if not given:
        folder = folder_of(str(settings["IMAGES_STORE"]))
        path = folder / FILE_NAME if folder else FILE_NAME
        return URL.create("sqlite", database=str(path))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        # The value is not shown: a part that cannot be parsed may be a password.
        raise SettingError(f"WALLPAPERS_CATALOGUE must be like {_ALLOWED}") from error
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:") and not url.query:
        return url.set(drivername="sqlite")
    if backend == "postgresql" and url.database:
        if find_spec("psycopg") is None:
            raise MissingLibraryError(
                "a catalogue in PostgreSQL needs psycopg, which is not installed: "
                f"{install_command('psycopg[binary]')}"
            )
        return url.set(drivername="postgresql+psycopg")
    shown = url.set(query={}).render_as_string(hide_password=True)
    raise SettingError(f"WALLPAPERS_CATALOGUE must be like {_ALLOWED}, got {shown!r}")
