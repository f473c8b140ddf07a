"""Leave out extensions of Scrapy that are switched off, because Scrapy imports them anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

_SWITCHES = {
    "scrapy.extensions.remote_control.RemoteControl": "REMOTE_CONTROL_ENABLED",
    "scrapy.extensions.telnet.TelnetConsole": "TELNETCONSOLE_ENABLED",
}


class UnusedExtensions:
    """Scrapy add-on that removes extensions from EXTENSIONS_BASE whose setting is False.

    The first one imports an HTTP server, which takes a fiftieth of the start of a crawl.
    """

    def update_settings(self, settings: BaseSettings) -> None:
        switched_off = {path for path, switch in _SWITCHES.items() if not settings.getbool(switch)}
        kept = {
            extension: order
            for extension, order in settings.getdict("EXTENSIONS_BASE").items()
            if extension not in switched_off
        }
        settings.set("EXTENSIONS_BASE", kept, priority="addon")
