"""A wrong setting ends the run before the first request, with one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Crawl
from tests.e2e.command import FAST, Result, scrapy
from tests.pictures import exhibits
from wallpapers import settings as defaults
from wallpapers.demo.standin import StandIn
from wallpapers.errors import SettingError


def crawl_with(setting: str, folder: Path, command: str = "crawl") -> Result:
    """Run a command of a source with *setting*; it must request nothing."""
    with StandIn(exhibits(1)) as standin:
        words = ("baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST, "-s", setting)
        result = scrapy(command, *words, cwd=folder)
        assert standin.asked == []
    return result


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"CONCURRENT_REQUESTS_PER_DOMAIN": "x"}, "must be a whole number, got 'x'"),
        ({"CONCURRENT_REQUESTS": "1.5"}, "must be a whole number, got '1.5'"),
        ({"DOWNLOAD_DELAY": ""}, "must be a number, got ''"),
        ({"DOWNLOAD_TIMEOUT": "30s"}, "must be a number, got '30s'"),
        ({"CLOSESPIDER_TIMEOUT": "soon"}, "must be a number, got 'soon'"),
        ({"COOKIES_ENABLED": "maybe"}, "must be True or False, got 'maybe'"),
        ({"TELNETCONSOLE_ENABLED": "no"}, "must be True or False, got 'no'"),
        ({"RETRY_HTTP_CODES": "500,5xx"}, "must be whole numbers, separated by commas, got"),
        ({"DOWNLOAD_TLS_MIN_VERSION": "1.2"}, "must be one of TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3"),
        ({"DOWNLOADER_CLIENT_TLS_CIPHERS": "x"}, "must be a list of ciphers as OpenSSL writes it"),
        ({"WALLPAPERS_FAST_PATH": "yes"}, "must be True or False, got 'yes'"),
        ({"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": "no"}, "must be True or False, got 'no'"),
        ({"WALLPAPERS_CSV_SAFE": ""}, "must be True or False, got ''"),
    ],
)
def test_a_wrong_value_is_reported_by_its_name(
    crawl: Crawl, settings: dict[str, object], line: str
) -> None:
    (name,) = settings
    with StandIn(exhibits(1)) as standin:
        with pytest.raises(SettingError, match=f"^{name} {line}"):
            crawl(standin, settings)
        assert standin.asked == []


OWN_NUMBERS = [
    name
    for name, default in vars(defaults).items()
    if name.startswith("WALLPAPERS_") and isinstance(default, int | float)
]
# Checked by the command that reads them, so by no crawl that a test starts itself.
READ_BY_COMMANDS = ("WALLPAPERS_CLUSTER_", "WALLPAPERS_SHUTDOWN_")


@pytest.mark.parametrize(
    "name", [name for name in OWN_NUMBERS if not name.startswith(READ_BY_COMMANDS)]
)
def test_every_number_and_boolean_of_this_project_is_checked(crawl: Crawl, name: str) -> None:
    with StandIn(exhibits(1)) as standin:
        with pytest.raises(SettingError, match=f"^{name} must be .*, got 'x'$"):
            crawl(standin, {name: "x"})
        assert standin.asked == []


@pytest.mark.parametrize(
    "settings",
    [
        {"TELNETCONSOLE_ENABLED": "False", "DOWNLOAD_DELAY": "0.01"},
        {"FEED_EXPORT_INDENT": None, "RETRY_HTTP_CODES": "500,503", "DOWNLOAD_TIMEOUT": 30.5},
    ],
)
def test_values_that_scrapy_accepts_are_not_wrong(
    crawl: Crawl, settings: dict[str, object]
) -> None:
    with StandIn(exhibits(1)) as standin:
        assert crawl(standin, settings).exit_status == 0


def test_a_wrong_number_on_the_command_line(tmp_path: Path) -> None:
    result = crawl_with("CONCURRENT_REQUESTS_PER_DOMAIN=x", tmp_path)
    assert result.status == 1
    (error,) = result.errors
    assert "CONCURRENT_REQUESTS_PER_DOMAIN must be a whole number, got 'x'" in error


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("LOG_LEVEL=info", "LOG_LEVEL must be one of CRITICAL, ERROR, WARNING, INFO, DEBUG"),
        ("LOG_ENABLED=maybe", "LOG_ENABLED must be True or False, got 'maybe'"),
        ("LOG_FILE=gone/a.log", "LOG_FILE must be writable: No such file or directory: gone/a.log"),
        ("LOG_FORMAT=%(message", "LOG_FORMAT must be a format of Python's logging: "),
        ("REACTOR_THREADPOOL_MAXSIZE=x", "REACTOR_THREADPOOL_MAXSIZE must be a whole number"),
    ],
)
def test_a_wrong_setting_that_scrapy_reads_before_the_crawl(
    tmp_path: Path, setting: str, line: str
) -> None:
    result = crawl_with(setting, tmp_path)
    assert (result.status, result.output) == (1, "")
    (logged,) = result.log.splitlines()
    assert logged.startswith(f"scrapy: {line}")


def test_a_wrong_log_level_of_the_doctor(tmp_path: Path) -> None:
    result = crawl_with("LOG_LEVEL=loud", tmp_path, command="doctor")
    assert result.status == 1
    assert result.log.startswith("scrapy: LOG_LEVEL must be one of ")
    assert len(result.log.splitlines()) == 1


@pytest.mark.parametrize("value", ["abc", "[1]", "{'a': 1}"])
def test_a_dictionary_that_is_not_json(tmp_path: Path, value: str) -> None:
    result = crawl_with(f"DOWNLOAD_SLOTS={value}", tmp_path)
    assert (result.status, result.output) == (1, "")
    assert result.log == f"scrapy: DOWNLOAD_SLOTS must be an object in JSON, got {value!r}\n"


@pytest.mark.parametrize(
    ("command", "store", "line"),
    [
        ("crawl", "pictures.txt", "a folder, got 'pictures.txt': pictures.txt is a file"),
        ("crawl", "pictures.txt/new/", "got 'pictures.txt/new/': pictures.txt is a file"),
        ("crawl", r"C:\Pictures", r"got 'C:\\Pictures', a Windows path"),
        ("crawl", r"\\nas\pictures", r"got '\\\\nas\\pictures', a Windows path"),
        ("crawl", "s3:bucket", "a folder, s3:// or gs://, got 's3:bucket'"),
        ("stats", "pictures.txt", "a folder, got 'pictures.txt': pictures.txt is a file"),
        ("retry", "pictures.txt", "a folder, got 'pictures.txt': pictures.txt is a file"),
        ("verify", r"C:\Pictures", r"got 'C:\\Pictures', a Windows path"),
    ],
)
def test_a_store_that_is_no_folder(tmp_path: Path, command: str, store: str, line: str) -> None:
    (tmp_path / "pictures.txt").touch()
    if command == "crawl":
        result = crawl_with(f"IMAGES_STORE={store}", tmp_path)
    else:
        result = scrapy(command, "-s", f"IMAGES_STORE={store}", cwd=tmp_path)
    assert result.status == 1
    error = result.log.splitlines()[-1]
    assert "IMAGES_STORE must be " in error
    assert line in error
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.txt"]


@pytest.mark.parametrize("store", ["./a:b", "file://{}/new/pictures"])
def test_a_folder_that_does_not_exist_is_made(tmp_path: Path, store: str) -> None:
    with StandIn(exhibits(1)) as standin:
        words = ("-a", f"endpoint={standin.endpoint}", *FAST)
        store = f"IMAGES_STORE={store.format(tmp_path)}"
        result = scrapy("crawl", "baidu_wallpaper", *words, "-s", store, cwd=tmp_path)
    assert result.status == 0
    assert len(list(tmp_path.rglob("*.jpg"))) == 1
