"""Public suffixes of cookie domains are determined offline."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import scrapy
from scrapy.downloadermiddlewares import cookies as scrapy_cookies

from wallpapers.middlewares import cookies

PROJECT = Path(__file__).parents[2]

# In a process of its own: the list of public suffixes is fetched once, and kept.
PROGRAM = """
import socket, sys
from scrapy.utils.test import get_crawler
from scrapy.http import Request, Response
from wallpapers.middlewares.cookies import OfflineCookiesMiddleware

def refuse(host, *_, **__):
    print("asked for", host)
    raise socket.gaierror(socket.EAI_NONAME, "no network")

socket.getaddrinfo = refuse
middleware = OfflineCookiesMiddleware.from_crawler(get_crawler())
host, domain = sys.argv[1:]
first, second = Request(f"http://{host}/"), Request(f"http://{host}/again")
cookie = {"Set-Cookie": f"a=1; Domain={domain}"}
middleware.process_response(first, Response(first.url, headers=cookie))
middleware.process_request(second)
print("sent", second.headers.get("Cookie"))
"""


@pytest.mark.parametrize(
    ("domain", "sent"),
    [("baidu.com", b"a=1"), ("image.baidu.com", b"a=1"), ("com", None), ("com.cn", None)],
)
def test_public_suffixes_are_found_without_the_network(
    tmp_path: Path, domain: str, sent: bytes | None
) -> None:
    host = "image.baidu.com.cn" if domain == "com.cn" else "image.baidu.com"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, host, domain],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "TLDEXTRACT_CACHE": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"sent {sent!r}\n"


def test_a_scrapy_without_the_replaced_function_is_an_error_at_import(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(scrapy_cookies, "_split_domain")
    with pytest.raises(ImportError, match=f"Scrapy {scrapy.__version__} not supported: .*_split_"):
        importlib.reload(cookies)
