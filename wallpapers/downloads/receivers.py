"""Send Scrapy's signals where anybody listens: for most of those of a picture nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydispatch import dispatcher

if TYPE_CHECKING:
    from scrapy.signalmanager import SignalManager


def has_listener(manager: SignalManager, signal: object) -> bool:
    """Would anybody hear *signal*? To send one that nobody hears costs twice as much as to ask."""
    return next(dispatcher.getAllReceivers(manager.sender, signal), None) is not None


def tell(manager: SignalManager, signal: object, **named: Any) -> None:
    """Send *signal* as Scrapy does, if anybody listens."""
    if has_listener(manager, signal):
        manager.send_catch_log(signal, **named)
