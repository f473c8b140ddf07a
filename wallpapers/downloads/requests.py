"""Build the request for an image, with the headers that image hosts expect."""

from __future__ import annotations

from scrapy import Request
from scrapy.http.request import NO_CALLBACK


def picture_request(
    url: str, referer: str, *, preview: bool = False, endpoint: str = ""
) -> Request:
    """Return the request for the candidate at *url*; an empty *referer* is not sent.

    The origin of *endpoint*, which listed it, may be in a private network.
    ``Accept-Encoding: identity`` makes servers send the file unchanged.
    """
    headers = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}
    if referer:
        headers["Referer"] = referer
    meta = {"dont_cache": True, "preview": preview, "endpoint": endpoint}
    return Request(url, headers=headers, callback=NO_CALLBACK, meta=meta)
