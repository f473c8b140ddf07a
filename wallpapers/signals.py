"""Signals that a spider with a listing sends, beside Scrapy's own.

All are sent with the sender ``crawler`` through ``crawler.signals``; receivers may take any of the
keyword arguments.
"""

from __future__ import annotations

# The spider begins to read its listing.
listing_started = object()

# A page was read. ``rejected``: Counter of the reasons why entries are no wallpapers;
# ``repeated``: int, ids that were listed before; ``expected``: int or None, wallpapers in all.
listing_page_read = object()

# The listing was read to its end, or to the limit that the user set.
listing_ended = object()

# The listing cannot be read to its end. ``message``: str, one line that says why.
listing_failed = object()
