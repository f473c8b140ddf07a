"""Stored images whose files are gone: moved ones are found, others are fetched again or hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Crawl
from tests.integration.test_library import files, pictures_asked, verdicts
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.moved import MovedFiles

HIDE = {"WALLPAPERS_MISSING": "hide"}
SAME = encoded(noise(77))


def test_deleted_files_are_fetched_again_and_the_summary_says_how_to_stop_it(crawl: Crawl) -> None:
    with StandIn(exhibits(5)) as standin:
        crawl(standin)
        for path in files(crawl.store)[:2]:
            path.unlink()
        standin.asked.clear()
        run = crawl(standin)
        assert verdicts(run) == {"stored": 2, "known": 3}
        assert run.stats["wallpapers/missing"] == 2
        assert pictures_asked(standin) == 2
        (line,) = [line for line in run.log.splitlines() if line.startswith("missing files ")]
        assert line.split() == [
            *("missing", "files", "2", "fetched", "again;", "to", "stop", "it:"),
            *("scrapy", "hide,", "or", "WALLPAPERS_MISSING=hide"),
        ]
        assert "missing files" not in crawl(standin).log


def test_a_lost_store_is_fetched_again_whatever_the_setting(crawl: Crawl) -> None:
    with StandIn(exhibits(10)) as standin:
        crawl(standin)
        for path in files(crawl.store)[:6]:
            path.unlink()
        run = crawl(standin, HIDE)
    assert verdicts(run) == {"stored": 6, "known": 4}
    assert run.stats["wallpapers/missing"] == 6
    (warning,) = run.warnings()
    assert "Missing files not hidden but fetched again: 6 of 10 images are missing" in warning


def test_deleted_files_are_hidden_on_request(crawl: Crawl) -> None:
    shown = [*exhibits(8), exhibit(8, SAME), exhibit(9, SAME)]
    with StandIn(shown) as standin:
        crawl(standin)
        thrown_away = [*files(crawl.store)[:2], *holders_of(SAME, crawl.store)]
        for path in set(thrown_away):
            path.unlink()
        standin.asked.clear()
        for settings in (HIDE, {}):  # the decision stays when the setting does not
            run = crawl(standin, settings)
            assert run.exit_status is ExitStatus.COMPLETE
            assert run.stats["wallpapers/filtered/hidden"] == 10 - verdicts(run)["known"]
        assert pictures_asked(standin) == 0
    assert not any(path.exists() for path in thrown_away)


def holders_of(content: bytes, store: Path) -> list[Path]:
    return [path for path in files(store) if path.read_bytes() == content]


def test_damaged_files_are_fetched_again_whatever_the_setting(crawl: Crawl) -> None:
    with StandIn(exhibits(4)) as standin:
        crawl(standin)
        path = files(crawl.store)[0]
        path.write_bytes(path.read_bytes()[:-100])
        run = crawl(standin, HIDE)
    assert verdicts(run) == {"stored": 1, "known": 3}
    assert "wallpapers/missing" not in run.stats


@pytest.mark.parametrize("settings", [{}, HIDE])
def test_moved_files_are_found_by_their_content(crawl: Crawl, settings: dict[str, str]) -> None:
    shown = [*exhibits(5), exhibit(8, SAME), exhibit(9, SAME)]
    with StandIn(shown) as standin:
        crawl(standin)
        for number, path in enumerate(files(crawl.store)):
            target = crawl.store / "nicest" / "最美" / f"{number}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        standin.asked.clear()
        run = crawl(standin, settings)
        assert verdicts(run) == {"known": 7}
        assert run.stats["wallpapers/moved"] == 6
        assert all(image["path"].startswith("nicest/最美/") for image in run.images())
        again = crawl(standin, settings)
    assert verdicts(again) == {"known": 7}
    assert "wallpapers/moved" not in again.stats
    assert pictures_asked(standin) == 0


def test_a_file_moved_over_another_one_is_fetched_again(crawl: Crawl) -> None:
    with StandIn(exhibits(4)) as standin:
        crawl(standin)
        first, second, *_ = files(crawl.store)
        first.replace(second)
        run = crawl(standin)
    assert verdicts(run) == {"stored": 2, "known": 2}
    assert len(files(crawl.store)) == 4


def test_only_files_of_the_same_size_are_hashed_and_only_once(tmp_path: Path) -> None:
    class Counting(LocalStorage):
        hashed: list[str] = []  # noqa: RUF012

        def checksum(self, path: str) -> str | None:
            self.hashed.append(path)
            return super().checksum(path)

    storage = Counting(str(tmp_path))
    for name, content in (("a.jpg", b"12"), ("b.jpg", b"123"), ("c.jpg", b"456"), ("d.txt", b"")):
        (tmp_path / name).write_bytes(content)
    moved = MovedFiles(storage, dict(storage.images("other")))
    wanted = storage.checksum("c.jpg")
    assert wanted
    storage.hashed.clear()
    for _ in range(2):
        assert moved.find(3, wanted) == "c.jpg"
        assert moved.find(3, "another") is None
        assert moved.find(4, wanted) is None
    assert sorted(storage.hashed) == ["b.jpg", "c.jpg"]
