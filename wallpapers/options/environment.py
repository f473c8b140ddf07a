"""Warn about a proxy that the environment names and that is not used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scrapy.settings import get_settings_priority

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

_PROXIES = {"all_proxy", "http_proxy", "https_proxy"}


def ignored_proxy(settings: BaseSettings) -> list[str]:
    """Return a warning if the environment names a proxy that is not used.

    There is none if the command line turns HTTPPROXY_ENABLED off.
    """
    proxies = sorted(name for name in os.environ if name.lower() in _PROXIES and os.environ[name])
    is_default = settings.getpriority("HTTPPROXY_ENABLED") == get_settings_priority("project")
    if not proxies or not is_default or settings.getbool("HTTPPROXY_ENABLED"):
        return []
    return [f"Proxy not used: {', '.join(proxies)}; use it with -s HTTPPROXY_ENABLED=True"]
