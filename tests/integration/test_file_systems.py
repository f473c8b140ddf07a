"""Stores on file systems that lack operations, and stores with unexpected files."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import re
import stat
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.conftest import Crawl
from tests.e2e.command import FAST, finish, scrapy, start_python
from tests.pictures import encoded, exhibits, noise
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.inspection.inspect_file import inspect_file
from wallpapers.inspection.messages import ImageRequirements, Task
from wallpapers.run.exit_status import ExitStatus

THUMBS = {"IMAGES_THUMBS": {"small": (32, 32)}}
Patch = pytest.MonkeyPatch


def refuse(code: int) -> Callable[..., None]:
    def refused(*words: Any, **more: Any) -> None:
        raise OSError(code, os.strerror(code))

    return refused


def without_folder_sync(patch: Patch, code: int = errno.EINVAL) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        real(descriptor)

    patch.setattr(os, "fsync", fsync)


def without_links(patch: Patch) -> None:
    patch.setattr(os, "link", refuse(errno.EPERM))


def without_locks(patch: Patch) -> None:
    real = fcntl.flock

    def flock(file: Any, how: int) -> None:
        name = Path(f"/proc/self/fd/{file.fileno()}").readlink().name
        if name == "lock.new":  # the feed is on another disk
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        real(file, how)

    patch.setattr(fcntl, "flock", flock)


def without_any(patch: Patch) -> None:
    without_folder_sync(patch, errno.ENOTSUP)
    without_links(patch)
    without_locks(patch)


def with_another_disk_below(patch: Patch) -> None:
    for name in ("link", "replace"):
        patch.setattr(os, name, partial(within_a_disk, getattr(os, name)))


def within_a_disk(real: Callable[..., None], source: Any, target: Any, **folders: Any) -> None:
    if folders and folders["src_dir_fd"] != folders["dst_dir_fd"]:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    real(source, target, **folders)


@pytest.mark.parametrize(
    "lack",
    [without_folder_sync, without_links, without_locks, without_any, with_another_disk_below],
)
def test_images_are_stored_on_file_systems_that_lack_operations(
    crawl: Crawl, monkeypatch: Patch, lack: Callable[[Patch], None]
) -> None:
    lack(monkeypatch)
    with StandIn(exhibits(6)) as standin:
        assert crawl(standin, THUMBS).stats["wallpapers/stored"] == 6
        for path in crawl.store.glob("baidu_wallpaper/*/*"):
            path.write_bytes(b"damaged")
        assert crawl(standin, THUMBS).stats["wallpapers/stored"] == 6
        run = crawl(standin, THUMBS)
    assert run.stats["wallpapers/known"] == 6
    assert len(list(crawl.store.glob("baidu_wallpaper/*/*"))) == 6
    assert not (crawl.store / ".parts").exists()


def test_a_failed_sync_of_a_folder_is_an_error(crawl: Crawl, monkeypatch: Patch) -> None:
    without_folder_sync(monkeypatch, errno.EIO)
    with StandIn(exhibits(3)) as standin:
        assert crawl(standin).exit_status is ExitStatus.STORE


def test_a_file_that_cannot_be_mapped_is_read(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(mmap, "mmap", refuse(errno.ENODEV))
    path = tmp_path / "a.part"
    path.write_bytes(encoded(noise(1)))
    found = inspect_file(
        Task(str(path), 0), ImageRequirements("structure", 10**6), lambda pixels: nullcontext()
    )
    assert found.size == path.stat().st_size


def test_a_name_that_the_file_system_encoding_lacks_ends_the_run_with_5(tmp_path: Path) -> None:
    ascii_alone = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    with StandIn(exhibits(3)) as standin:
        process = start_python(
            *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST),
            *("-s", f"IMAGES_STORE={tmp_path}"),
            env={**os.environ, **ascii_alone},
        )
        result = finish(process)
    assert result.status == 5
    (error,) = result.errors
    assert "the encoding of file names, ascii" in error


# What is found in the store


def test_a_store_locked_by_another_program_can_be_used(crawl: Crawl) -> None:
    crawl.store.mkdir()
    descriptor = os.open(crawl.store, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # as flock(1) does
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin)
    os.close(descriptor)
    assert run.stats["wallpapers/stored"] == 3


def test_a_link_as_parts_folder_is_not_followed(crawl: Crawl) -> None:
    elsewhere = crawl.store.parent / "elsewhere"
    folder = elsewhere / "123-abcdefgh"
    folder.mkdir(parents=True)
    (folder / "lock").write_bytes(b"")
    (folder / "0.1.part").write_bytes(b"precious")
    crawl.store.mkdir()
    (crawl.store / ".parts").symlink_to(elsewhere)
    with StandIn(exhibits(3)) as standin:
        stats = crawl.stats_of(standin)
    assert stats["wallpapers/outcome"] == "store"
    assert (folder / "0.1.part").read_bytes() == b"precious"


@pytest.mark.parametrize(
    "plant",
    [os.mkfifo, lambda path: path.symlink_to("nowhere")],
    ids=["FIFO", "link to nothing"],
)
def test_what_occupies_the_name_of_the_parts_folder_is_named(
    crawl: Crawl, plant: Callable[[Path], object]
) -> None:
    crawl.store.mkdir()
    plant(crawl.store / ".parts")
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.STORE
    assert re.search(r"/\.parts: (not a folder|a symbolic link).*; remove it", run.errors()[0])


class PartsReplaced(StandIn):
    """Replaces the parts folder by a link to *elsewhere* before it serves an image."""

    store: Path
    elsewhere: Path
    changed_ns: int  # when a file was last added or removed there

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        parts = self.store / ".parts"
        if not parts.is_symlink():
            for run in parts.iterdir():
                (self.elsewhere / run.name).mkdir(parents=True)
                (self.elsewhere / run.name / "precious").write_bytes(b"")
                self.changed_ns = (self.elsewhere / run.name).stat().st_mtime_ns
            parts.rename(self.store / "moved")
            parts.symlink_to(self.elsewhere)
        return await super().picture(request, exhibit)


def test_a_link_that_replaces_the_parts_folder_during_a_run_is_not_followed(crawl: Crawl) -> None:
    with PartsReplaced(exhibits(1)) as standin:
        standin.store, standin.elsewhere = crawl.store, crawl.store.parent / "elsewhere"
        crawl.stats_of(standin)
    (folder,) = standin.elsewhere.iterdir()
    assert [path.name for path in folder.iterdir()] == ["precious"]
    assert folder.stat().st_mtime_ns == standin.changed_ns
    assert not list((crawl.store / "moved").rglob("*.part"))


def test_only_folders_of_killed_runs_are_removed(crawl: Crawl) -> None:
    parts = crawl.store / ".parts"
    elsewhere = crawl.store.parent / "elsewhere"
    for folder, names in (
        (parts / "123-abcdefgh", ("lock", "0.1.part")),
        (parts / "124-abcdefgh", ("lock.new",)),  # killed before it was locked
        (parts / "125-abcdefgh", ()),
        (parts / "126-abcdefgh", ("lock", "0.1.part", "precious")),
        (parts / "127-abcdefgh", ("precious",)),
        (parts / "thing", ("lock", "precious")),
        (elsewhere, ("lock", "0.1.part")),
    ):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(b"")
    (parts / "128-abcdefgh").symlink_to(elsewhere)
    alive = parts / "129-abcdefgh"
    alive.mkdir()
    with (alive / "lock").open("wb") as lock, StandIn(exhibits(1)) as standin:
        fcntl.flock(lock, fcntl.LOCK_EX)
        crawl.stats_of(standin)
    left = {str(path.relative_to(parts)) for path in parts.rglob("*") if path.is_file()}
    assert left == {
        "126-abcdefgh/precious",
        "127-abcdefgh/precious",
        "thing/lock",
        "thing/precious",
        "129-abcdefgh/lock",
    }
    assert sorted(path.name for path in parts.iterdir()) == [
        "126-abcdefgh",
        "127-abcdefgh",
        "128-abcdefgh",
        "129-abcdefgh",
        "thing",
    ]
    assert sorted(path.name for path in elsewhere.iterdir()) == ["0.1.part", "lock"]


@pytest.mark.parametrize("plant", ["a folder", "a FIFO", "a link"])
def test_an_occupied_path_affects_only_its_wallpaper(crawl: Crawl, plant: str) -> None:
    with StandIn(exhibits(4)) as standin:
        path = crawl.store / crawl(standin).images()[1]["path"]
        path.unlink()
        if plant == "a folder":
            path.mkdir()
            (path / "precious").write_bytes(b"")
        elif plant == "a FIFO":
            os.mkfifo(path)
        else:
            path.symlink_to(crawl.store.parent / "nowhere")
        missing = scrapy("verify", "-s", f"IMAGES_STORE={crawl.store}")
        if plant == "a folder":
            run = crawl.stats_of(standin)
            assert (path / "precious").exists()
        else:
            run = crawl(standin).stats
            assert path.is_file()
    assert missing.status == 3
    assert f"missing: {path.relative_to(crawl.store)}" in missing.output
    assert (run["wallpapers/stored"], run["wallpapers/known"]) == (1, 3)
    assert not (crawl.store.parent / "nowhere").exists()
    assert scrapy("verify", "-s", f"IMAGES_STORE={crawl.store}").status == 0
