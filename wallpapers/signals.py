"""Define the signals of a spider with a listing, and send signals only to receivers.

The signals are sent through ``crawler.signals``; receivers may accept any of the keyword arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydispatch import dispatcher

if TYPE_CHECKING:
    from scrapy.signalmanager import SignalManager

# The spider starts to read a listing. ``listing``: str, its name; ``fingerprint``: str, of its
# arguments; ``remaining``: int, the number of listings that follow it in this run.
listing_started = object()

# The spider skips a listing that was read recently. As above, and ``read_at``: str, the time.
listing_skipped = object()

# A page was read. ``rejected``: Counter of the reasons for rejected entries; ``repeated``: int,
# ids that were listed before; ``expected``: int or None, total number of wallpapers of the run.
listing_page_read = object()

# The request for a page failed and is sent again after ``wait_s`` seconds. ``reason`` and ``host``:
# str; ``retry``: int, from 1 on, or 0 if the failure uses up no retry; ``most``: int, their limit.
page_retried = object()

# The listing that was started last was read to its end, or to the limit set by the user.
listing_ended = object()

# The spider has yielded all wallpapers of a listing that was read to its end, where other listings
# may have been started since. ``listing``: str, its name.
listing_yielded = object()

# The listing that was started last cannot be read to its end. ``message``: str, one line with the
# cause; ``command``: str, a shell command that may help, and ``purpose``: str, what it is for.
listing_failed = object()

# A listing was read to its end, and each of its wallpapers has a verdict. ``listing`` and
# ``fingerprint``: str, as above.
listing_settled = object()


def has_receivers(manager: SignalManager, signal: object) -> bool:
    """Return whether any receiver is connected to *signal*.

    Most signals of an image have none, and checking costs half as much as sending.
    """
    return next(dispatcher.getAllReceivers(manager.sender, signal), None) is not None


def send_to_receivers(manager: SignalManager, signal: object, **arguments: Any) -> None:
    """Send *signal* as Scrapy does, if it has receivers."""
    if has_receivers(manager, signal):
        manager.send_catch_log(signal, **arguments)
