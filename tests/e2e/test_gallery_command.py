"""``scrapy gallery``: the files that it writes, and the server."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import signal
import socket
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil
import pytest

from tests.e2e.command import TIMEOUT_S, finish, scrapy, start
from tests.e2e.gallery import ask, crawl, plain, served, write
from wallpapers.catalogue.location import FILE_NAME

SHOWN = [
    plain(1, "山 at night", "#101030", "4K"),
    plain(2, "a red sea", "#c81e1e"),
    plain(3, "a phone", "#1e64c8", "phone"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    crawl(tmp_path, SHOWN)
    return tmp_path


def parts_of(folder: Path) -> set[str]:
    """Return the files that the page names, all of which have to be there."""
    gallery = folder / "store" / "gallery"
    named = set(re.findall(r'(?:src|href)="([^"]+)"', (gallery / "index.html").read_text()))
    assert all((gallery / name).is_file() for name in named)
    return named


def rows_of(folder: Path) -> list[list[Any]]:
    (data,) = (folder / "store" / "gallery").glob("data-*.js")
    return rows_in(data.read_text())


def rows_in(script: str) -> list[list[Any]]:
    """Return the rows that a script of data adds."""
    texts = re.findall(r"Gallery\.add\(JSON\.parse\('(.*)'\)\);\n", script)
    return [row for text in texts for row in json.loads(re.sub(r"\\(.)", r"\1", text))]


def test_the_page_has_all_wallpapers_and_their_thumbnails(folder: Path) -> None:
    result = write(folder)
    assert result.status == 0
    assert result.output.startswith("3 wallpapers (3 new thumbnails) in ")
    parts_of(folder)
    rows = rows_of(folder)
    assert {row[4] for row in rows} == {shown.title for shown in SHOWN}
    for row in rows:
        checksum = str(row[3])
        thumb = folder / "store" / "gallery" / "thumbs" / checksum[:2] / f"{checksum}.jpg"
        assert thumb.read_bytes().startswith(b"\xff\xd8")
    verified = scrapy("verify", "-s", f"IMAGES_STORE={folder / 'store'}")
    assert " 0 not in the catalogue" in verified.output


@pytest.mark.slow
def test_a_second_run_makes_only_new_thumbnails(folder: Path) -> None:
    assert write(folder).status == 0
    before = parts_of(folder)
    crawl(folder, [*SHOWN, plain(4, "green", "#1ea01e")])
    result = write(folder)
    assert "4 wallpapers (1 new thumbnails)" in result.output
    after = parts_of(folder)
    assert {name for name in before if "data" not in name} < after
    assert len(rows_of(folder)) == 4  # the old data file is gone


@pytest.mark.slow
def test_a_killed_run_leaves_the_old_gallery_complete(folder: Path) -> None:
    assert write(folder).status == 0
    before = parts_of(folder)
    crawl(folder, [plain(number, f"later {number}", "#806040") for number in range(10, 40)])
    process = start("gallery", "-s", f"IMAGES_STORE={folder / 'store'}")
    thumbs = folder / "store" / "gallery" / "thumbs"
    while process.poll() is None and len(list(thumbs.rglob("*.jpg"))) < 8:
        pass
    process.kill()
    assert finish(process).status == -signal.SIGKILL
    assert parts_of(folder) == before
    assert "33 wallpapers" in write(folder).output


def test_a_second_command_ends_while_another_one_writes(folder: Path) -> None:
    assert write(folder).status == 0
    gallery = folder / "store" / "gallery"
    with (gallery / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        second = write(folder)
    assert second.status == 1
    assert second.log == (
        f"scrapy: another gallery command is writing to {gallery}; run again when it has ended\n"
    )
    assert write(folder).status == 0


def test_a_damaged_image_is_reported_and_costs_nothing_else(folder: Path) -> None:
    (first, *_) = (folder / "store" / "baidu_wallpaper").rglob("*.jpg")
    content = first.read_bytes()
    first.write_bytes(content[:200] + bytes(len(content) - 200))
    result = write(folder)
    assert result.status == 3
    assert f"no thumbnail: {first.relative_to(folder / 'store')}: " in result.output
    assert "2 new thumbnails" in result.output


def test_a_store_that_takes_no_thumbnail_is_status_5(folder: Path) -> None:
    (folder / "store" / "gallery").write_text("in the way")
    result = write(folder)
    assert result.status == 5
    assert len(result.log.splitlines()) == 1


def test_a_value_cannot_end_the_script(folder: Path) -> None:
    title = "</script><script>alert(1)</script>\u2028 & \"'"
    crawl(folder, [plain(5, "hostile", "#888888")])
    with closing(sqlite3.connect(folder / "store" / FILE_NAME)) as catalogue:
        catalogue.execute(
            "UPDATE wallpapers SET item = json_set(item, '$.title', ?) WHERE item LIKE '%hostile%'",
            (title,),
        )
        catalogue.commit()
    assert write(folder).status == 0
    (data,) = (folder / "store" / "gallery").glob("data-*.js")
    assert "<" not in data.read_text()
    assert title in {row[4] for row in rows_of(folder)}


def test_decisions_of_the_page_go_into_the_catalogue(folder: Path) -> None:
    store = ("-s", f"IMAGES_STORE={folder / 'store'}")
    with served(folder) as address:
        status, data = ask(f"{address}data.js?since=")
        assert status == 200
        rows = rows_in(data.decode())
        key = f"{rows[0][0]}/{rows[0][1]}"
        for action in ("star", "hide"):
            body = {"action": action, "keys": [key]}
            assert ask(f"{address}decisions", body) == (200, b'{"changed": 1}')
        status, thumb = ask(f"{address}thumbs/{rows[0][3][:2]}/{rows[0][3]}.jpg")
        assert (status, thumb[:2]) == (200, b"\xff\xd8")  # made when it is asked for
        status, image = ask(address.removesuffix("gallery/") + quote(rows[0][2]))
        assert (status, image) == (200, (folder / "store" / rows[0][2]).read_bytes())
    assert scrapy("star", "--list", *store).output == f"{key}\n"
    assert scrapy("hide", "--list", *store).output == f"{key}\n"


def test_wallpapers_stored_while_it_serves_appear(folder: Path) -> None:
    with served(folder) as address:
        newest = max(row[14] for row in json.loads(ask(f"{address}rows")[1]))
        crawl(folder, [plain(6, "just stored", "#204060")])
        rows = json.loads(ask(f"{address}rows?since={newest.replace('+', '%2B')}")[1])
    assert "just stored" in {row[4] for row in rows}


def test_a_wallpaper_whose_row_was_committed_late_appears(folder: Path) -> None:
    with served(folder) as address:
        newest = max(row[14] for row in json.loads(ask(f"{address}rows")[1]))
        crawl(folder, [plain(6, "committed late", "#204060")])
        begun = (datetime.fromisoformat(newest) - timedelta(seconds=30)).isoformat()
        with closing(sqlite3.connect(folder / "store" / FILE_NAME)) as catalogue:
            catalogue.execute(
                "UPDATE pictures SET stored_at = ? WHERE sha256 = (SELECT sha256 FROM wallpapers "
                "WHERE item LIKE '%committed late%')",
                (begun,),
            )
            catalogue.commit()
        rows = json.loads(ask(f"{address}rows?since={quote(newest)}")[1])
        assert "committed late" in {row[4] for row in rows}
        assert ask(f"{address}rows?since=yesterday")[0] == 400


def test_ctrl_c_ends_a_server_that_is_making_a_thumbnail(folder: Path) -> None:
    server = start("gallery", "--serve", "-s", f"IMAGES_STORE={folder / 'store'}")
    assert server.stdout is not None
    address = server.stdout.readline().split()[-1]
    thumbs = []
    for image in (folder / "store").rglob("*.jpg"):
        checksum = hashlib.sha256(image.read_bytes()).hexdigest()
        thumbs.append(f"{address}thumbs/{checksum[:2]}/{checksum}.jpg")
    assert ask(thumbs[0])[0] == 200
    # Idle: one that is stopped before its execve also stops the server, in vfork.
    (inspector,) = psutil.Process(server.pid).children()
    inspector.suspend()
    url = urlsplit(thumbs[1])
    with socket.create_connection((url.hostname, url.port), TIMEOUT_S) as client:
        request = f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nExpect: 100-continue\r\n\r\n"
        client.sendall(request.encode())
        with client.makefile() as response:
            assert response.readline() == "HTTP/1.1 100 Continue\n"  # it has the request
            server.send_signal(signal.SIGINT)
            assert finish(server).status == 0
            assert "HTTP/1.1 503 Service Unavailable\n" in response.readlines()


def test_other_websites_and_missing_tokens_are_refused(folder: Path) -> None:
    (folder / "secret.txt").write_text("secret")
    with served(folder) as address:
        root, token = re.fullmatch(r"(http://[^/]+)/([^/]+)/gallery/", address).groups()  # type: ignore[union-attr]
        port = root.rpartition(":")[2]
        body = {"action": "hide", "keys": []}
        refused = [
            ask(f"{root}/gallery/"),
            ask(f"{root}/wrong/gallery/"),
            ask(f"{root}/wrong/gallery/decisions", body),
            ask(address, Host="evil.example"),
            ask(address, Host=f"evil.example:{port}"),
            ask(f"{address}decisions", body, Origin="http://evil.example"),
            ask(f"{address}decisions", body, Origin="null"),
        ]
        assert [status for status, _ in refused] == [403] * 7
        missing = [
            f"{root}/{token}/../secret.txt",
            f"{root}/{token}/%2e%2e/secret.txt",
            f"{root}/{token}/..%2fsecret.txt",
            f"{root}/{token}/{FILE_NAME}",
            f"{root}/{token}/gallery/..%2f..%2fsecret.txt",
            f"{root}/{token}/gallery/thumbs/..%2f..%2f{FILE_NAME}",
        ]
        assert all(ask(wrong)[0] in (403, 404) for wrong in missing)
        for wrong in ("[]", {"action": "drop", "keys": []}, {"action": "hide", "keys": ["x"]}):
            assert ask(f"{address}decisions", wrong)[0] == 400


def test_a_port_that_is_taken_is_reported_in_one_line(folder: Path) -> None:
    with served(folder) as address:
        port = address.split(":")[2].partition("/")[0]
        result = write(folder, "--serve", "--port", port)
    assert result.status == 1
    assert len(result.log.splitlines()) == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in result.log


def test_a_gallery_open_to_the_network_prints_a_warning(folder: Path) -> None:
    process = start(
        "gallery", "--serve", "--host", "0.0.0.0", "-s", f"IMAGES_STORE={folder / 'store'}"
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert result.status == 0
    assert "other machines can reach 0.0.0.0" in result.log
