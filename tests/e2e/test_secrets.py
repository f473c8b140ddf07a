"""Secrets stay out of the log, at any level."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.command import FAST, scrapy
from tests.pictures import exhibits
from tests.standin.listing_faults import AntiFlag

CANARIES = {
    "AWS_ACCESS_KEY_ID": "CANARYKEYID",
    "AWS_SECRET_ACCESS_KEY": "canary/secret'key",
    "AWS_SESSION_TOKEN": "canary-session",
    "HTTPAUTH_DOMAIN": "127.0.0.1",
    "HTTPAUTH_USER": "somebody",
    "HTTPAUTH_PASS": "canary-http",
    "MAIL_PASS": "canary mail pass",
    "TELNETCONSOLE_PASSWORD": "canary-telnet",
    "FTP_PASSWORD": "canary-ftp",
}


def test_no_secret_is_logged(tmp_path: Path) -> None:
    words = [word for name, value in CANARIES.items() for word in ("-s", f"{name}={value}")]
    with AntiFlag(exhibits(3)) as standin:
        result = scrapy(
            *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", "-L", "DEBUG"),
            *("-s", f"IMAGES_STORE={tmp_path}", *FAST, *words),
            *("-O", "ftp://canary-user:canary%2Fpw@127.0.0.1:1/out.json"),
        )
    assert result.status == 4
    assert "'AWS_SECRET_ACCESS_KEY': " in result.log  # it is told that it is set
    assert "ftp://***127.0.0.1" in result.log.replace("***@", "***")
    assert "canary" not in (result.log + result.output).lower()
