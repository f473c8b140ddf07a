"""``scrapy verify``: damaged, missing, moved and unknown files."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.e2e.store import crawl, pictures_of, run
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_verify_finds_damage_that_the_next_crawl_repairs(tmp_path: Path) -> None:
    with StandIn(exhibits(6)) as standin:
        assert crawl(standin, tmp_path).status == 0
        assert run("verify", tmp_path).status == 0
        flipped, gone, *whole = pictures_of(tmp_path)
        before = flipped.read_bytes()
        flip_a_bit(flipped)
        gone.unlink()
        found = run("verify", tmp_path)
        assert found.status == 3
        assert found.output.splitlines() == [
            f"damaged: {flipped.relative_to(tmp_path / 'store')}",
            f"missing: {gone.relative_to(tmp_path / 'store')}",
            "4 whole, 1 damaged, 1 missing, 0 moved, 0 not in the catalogue, "
            "0 shared by five or more wallpapers, 0 hidden, in "
            f"{tmp_path / 'store'}",
            "The next crawl of the source downloads damaged and missing images again.",
        ]
        standin.asked.clear()
        assert crawl(standin, tmp_path).status == 0
        assert sum(path.startswith("/image/") for path in standin.asked) == 2
    assert flipped.read_bytes() == before
    assert run("verify", tmp_path).status == 0
    assert len(whole) == 4


def test_verify_reports_unknown_files_and_skips_other_stores(
    tmp_path: Path,
) -> None:
    with StandIn(
        [*exhibits(3), *(exhibit(9 + n, encoded(noise(77))) for n in range(6))]
    ) as standin:
        assert crawl(standin, tmp_path).status == 3
        other = tmp_path / "store" / "other"
        assert crawl(standin, other).status == 3
    (tmp_path / "store" / "mine.jpg").write_bytes(encoded(noise(5)))
    (tmp_path / "store" / "notes.txt").write_text("no picture")
    found = run("verify", tmp_path)
    assert found.status == 0
    assert "not in the catalogue: mine.jpg\n" in found.output
    assert (
        ".jpg (5)\n4 whole, 0 damaged, 0 missing, 0 moved, 1 not in the catalogue, 1 shared"
        in found.output
    )
    assert "other" not in found.output.replace(str(tmp_path), "")


def test_verify_reads_nothing_outside_of_the_store(tmp_path: Path) -> None:
    with StandIn(exhibits(2)) as standin:
        assert crawl(standin, tmp_path).status == 0
    first, second = pictures_of(tmp_path)
    for path, outside in ((first, "../outside.jpg"), (second, f"{tmp_path}/absolute.jpg")):
        (tmp_path / "store" / outside).write_bytes(path.read_bytes())
        with closing(sqlite3.connect(tmp_path / "store" / FILE_NAME)) as catalogue:
            mine = "UPDATE pictures SET path = ? WHERE path = ?"
            row = path.relative_to(tmp_path / "store").as_posix()
            assert catalogue.execute(mine, (outside, row)).rowcount == 1
            catalogue.commit()
    found = run("verify", tmp_path)
    assert found.status == 0
    for path, outside in ((first, "../outside.jpg"), (second, f"{tmp_path}/absolute.jpg")):
        row = path.relative_to(tmp_path / "store").as_posix()
        assert f"moved: {outside} -> {row}\n" in found.output
    assert "0 whole, 0 damaged, 0 missing, 2 moved, 0 not in the catalogue" in found.output


def test_verify_finds_moved_images_by_their_content(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        assert crawl(standin, tmp_path).status == 0
        first, *_ = pictures_of(tmp_path)
        (tmp_path / "store" / "best").mkdir()
        first.rename(tmp_path / "store" / "best" / "renamed.jpg")
        found = run("verify", tmp_path)
        assert found.status == 0
        old = first.relative_to(tmp_path / "store")
        assert found.output.startswith(f"moved: {old} -> best/renamed.jpg\n2 whole, ")
        standin.asked.clear()
        assert crawl(standin, tmp_path).status == 0
    assert not any(path.startswith("/image/") for path in standin.asked)
    assert run("verify", tmp_path).output.startswith("3 whole, 0 damaged, 0 missing, 0 moved, ")


def test_verify_reports_unusual_files(tmp_path: Path) -> None:
    with StandIn(exhibits(4)) as standin:
        assert crawl(standin, tmp_path).status == 0
    fifo, loop, *_ = pictures_of(tmp_path)
    for path in (fifo, loop):
        path.unlink()
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    (tmp_path / "store" / os.fsdecode(b"\xff.jpg")).write_bytes(encoded(noise(5)))
    found = run("verify", tmp_path)
    assert found.status == 3
    assert "2 whole, 0 damaged, 2 missing, 0 moved, 1 not in the catalogue" in found.output
