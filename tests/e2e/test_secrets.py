"""Secrets stay out of the log, the stats, the feed and the catalogue, at any level."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.e2e.command import FAST, scrapy
from tests.pictures import exhibits
from tests.postgresql import PostgreSQL, postgresql
from tests.standin.listing_faults import AntiFlag
from tests.standin.picture_faults import MissingPicture
from wallpapers.demo.standin import StandIn

SETTINGS = {
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
PROXY = "http://me:canary-proxy@127.0.0.1:1"
DATABASE_PASSWORD = "canary-database"
TOKEN = "canary-token-in-the-query"
FEED = "ftp://canary-user:canary%2Fpw@127.0.0.1:1/out.json"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


def words(standin: StandIn, folder: Path, database: str) -> list[str]:
    endpoint = f"{standin.endpoint}?token={TOKEN}"
    settings = {
        **SETTINGS,
        "IMAGES_STORE": str(folder / "store"),
        "WALLPAPERS_CATALOGUE": database,
        "LOG_FORMATTER": "scrapy.logformatter.LogFormatter",
    }
    pairs = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    return ["crawl", "baidu_wallpaper", "-a", f"endpoint={endpoint}", "-L", "DEBUG", *FAST, *pairs]


@pytest.mark.parametrize("fault", [MissingPicture, AntiFlag])
def test_secrets_are_masked(
    tmp_path: Path, server: PostgreSQL, fault: type[StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", PROXY)
    database = server.new_database(DATABASE_PASSWORD)
    with fault(exhibits(3)) as standin:
        feeds = ("-o", FEED, "-o", str(tmp_path / "out.jsonl"))
        result = scrapy(*words(standin, tmp_path, database), *feeds)
        assert any(TOKEN in path for path in standin.asked)
    assert result.status == (4 if fault is AntiFlag else 5)  # nobody takes the feed
    assert "'AWS_SECRET_ACCESS_KEY': " in result.log  # masked, but not left out
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT * FROM wallpapers").fetchall()
    assert len(rows) == (0 if fault is AntiFlag else 3)
    feed = "".join(path.read_text() for path in tmp_path.glob("out*.jsonl"))
    assert "canary" not in f"{result.log}{result.output}{feed}{rows}".lower()


def test_an_unavailable_database_is_reported_without_its_password(tmp_path: Path) -> None:
    database = f"postgresql://me:{DATABASE_PASSWORD}@127.0.0.1:1/db"
    with StandIn(exhibits(3)) as standin:
        result = scrapy(*words(standin, tmp_path, database))
    assert result.status == 5
    assert "the catalogue postgresql+psycopg://***127.0.0.1:1/db" in result.log.replace(
        "me:***@", "***"
    )
    assert "canary" not in (result.log + result.output).lower()


def test_an_invalid_database_url_is_refused_without_its_password(tmp_path: Path) -> None:
    for database in (f"mysql://me:{DATABASE_PASSWORD}@h/db", f"postgresql//me:{DATABASE_PASSWORD}"):
        with StandIn(exhibits(3)) as standin:
            result = scrapy(*words(standin, tmp_path, database), tracebacks=True)  # at DEBUG
            assert standin.asked == []
        assert result.status == 1
        assert "Could not start: WALLPAPERS_CATALOGUE must be like sqlite:///" in result.log
        assert "canary" not in (result.log + result.output).lower()
