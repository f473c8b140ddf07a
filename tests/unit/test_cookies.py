"""Whose a cookie may be is known without asking anybody."""

from __future__ import annotations

import socket

import pytest
from scrapy.downloadermiddlewares.cookies import CookiesMiddleware, _is_public_domain

from wallpapers.middlewares.cookies import OfflineCookiesMiddleware


@pytest.mark.parametrize(
    ("domain", "public"),
    [("com.cn", True), ("com", True), ("baidu.com", False), ("image.baidu.com", False)],
)
def test_a_public_suffix_is_known_without_the_network(
    monkeypatch: pytest.MonkeyPatch, domain: str, *, public: bool
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert issubclass(OfflineCookiesMiddleware, CookiesMiddleware)
    assert _is_public_domain(domain) is public
