"""Public suffixes of cookie domains are determined offline."""

from __future__ import annotations

import importlib
import socket

import pytest
import scrapy
from scrapy.downloadermiddlewares import cookies as scrapy_cookies
from scrapy.downloadermiddlewares.cookies import CookiesMiddleware, _is_public_domain

from wallpapers.middlewares import cookies
from wallpapers.middlewares.cookies import OfflineCookiesMiddleware


@pytest.mark.parametrize(
    ("domain", "public"),
    [("com.cn", True), ("com", True), ("baidu.com", False), ("image.baidu.com", False)],
)
def test_public_suffixes_are_found_without_the_network(
    monkeypatch: pytest.MonkeyPatch, domain: str, *, public: bool
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert issubclass(OfflineCookiesMiddleware, CookiesMiddleware)
    assert _is_public_domain(domain) is public


def test_a_scrapy_without_the_replaced_function_is_an_error_at_import(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(scrapy_cookies, "_split_domain")
    with pytest.raises(ImportError, match=f"Scrapy {scrapy.__version__} not supported: .*_split_"):
        importlib.reload(cookies)
