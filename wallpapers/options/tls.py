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
_SETTINGS = (
    "DOWNLOAD_TLS_MIN_VERSION",
    "DOWNLOAD_TLS_MAX_VERSION",
    "DOWNLOADER_CLIENT_TLS_CIPHERS",
)


def check_tls_settings(settings: BaseSettings) -> None:
    """Check the settings that are set. Raises SettingError."""
    if any(map(settings.getpriority, _SETTINGS)):
        _apply(settings, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def tls_context(settings: BaseSettings) -> ssl.SSLContext:
    """Return a client context; loading the certificates takes some 20 ms. Raises SettingError.

    Settings: DOWNLOAD_VERIFY_CERTIFICATES, DOWNLOAD_TLS_MIN_VERSION, DOWNLOAD_TLS_MAX_VERSION,
    DOWNLOADER_CLIENT_TLS_CIPHERS.
    """
    context = ssl.create_default_context()
    _apply(settings, context)
    return context


def _apply(settings: BaseSettings, context: ssl.SSLContext) -> None:
    if not settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if minimum := _version(settings, "DOWNLOAD_TLS_MIN_VERSION"):
        context.minimum_version = minimum
    if maximum := _version(settings, "DOWNLOAD_TLS_MAX_VERSION"):
        context.maximum_version = maximum
    if ciphers := settings["DOWNLOADER_CLIENT_TLS_CIPHERS"]:
        try:
            context.set_ciphers(ciphers)
        except ssl.SSLError:
            raise SettingError(
                "DOWNLOADER_CLIENT_TLS_CIPHERS must be a list of ciphers as OpenSSL writes it, "
                f"got {ciphers!r}"
            ) from None


def _version(settings: BaseSettings, name: str) -> ssl.TLSVersion | None:
    value = settings[name]
    if value and value not in _VERSIONS:
        raise SettingError(f"{name} must be one of {', '.join(_VERSIONS)}, got {value!r}")
    return _VERSIONS[value] if value else None
