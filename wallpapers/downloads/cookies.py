"""Keep cookies as Scrapy does, without asking another server whose they may be."""

from __future__ import annotations

from scrapy.downloadermiddlewares import cookies
from tldextract import TLDExtract

# Scrapy's fetches the list of public suffixes at the first cookie: blocking the reactor, with
# another client, past the guard of ours. The copy that tldextract brings along is good enough.
cookies._split_domain = TLDExtract(
    suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
)


class OfflineCookiesMiddleware(cookies.CookiesMiddleware):
    """Scrapy's, named here so that the settings say that it is not quite Scrapy's any more."""
