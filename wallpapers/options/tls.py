"""Build the TLS context of a crawl from Scrapy's settings."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from wallpapers.errors import SettingError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

_VERSIONS = {
    "TLSv1.0": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def tls_context(settings: BaseSettings) -> ssl.SSLContext:
    """Return a client context. Raises SettingError.

    Settings: DOWNLOAD_VERIFY_CERTIFICATES, DOWNLOAD_TLS_MIN_VERSION, DOWNLOAD_TLS_MAX_VERSION,
    DOWNLOADER_CLIENT_TLS_CIPHERS.
    """
    context = ssl.create_default_context()
    if not settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if minimum := _version(settings, "DOWNLOAD_TLS_MIN_VERSION"):
        context.minimum_version = minimum
    if maximum := _version(settings, "DOWNLOAD_TLS_MAX_VERSION"):
        context.maximum_version = maximum
    if ciphers := settings["DOWNLOADER_CLIENT_TLS_CIPHERS"]:
        context.set_ciphers(ciphers)
    return context


def _version(settings: BaseSettings, name: str) -> ssl.TLSVersion | None:
    value = settings[name]
    if value and value not in _VERSIONS:
        raise SettingError(f"{name} must be one of {', '.join(_VERSIONS)}, got {value!r}")
    return _VERSIONS[value] if value else None
