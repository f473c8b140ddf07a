"""The request for a picture, as its host wants to see it."""

from __future__ import annotations

from scrapy import Request
from scrapy.http.request import NO_CALLBACK


def picture_request(
    url: str, referer: str, *, preview: bool = False, endpoint: str = ""
) -> Request:
    """Return the request for the candidate at *url*; an empty *referer* is not sent.

    *endpoint* listed it, and may be asked wherever it is.

    The bytes are asked for as they are, so that what is stored is what the server has.
    """
    headers = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}
    if referer:
        headers["Referer"] = referer
    meta = {"dont_cache": True, "preview": preview, "endpoint": endpoint}
    return Request(url, headers=headers, callback=NO_CALLBACK, meta=meta)
