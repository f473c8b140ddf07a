"""What only a folder can have in a picture's place: links, FIFOs, folders, permissions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.storages import Folder, New
from wallpapers.errors import StoreError
from wallpapers.storage.local import LocalStorage


@pytest.fixture
def folder(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[Folder]:
    """A folder alone, for what a bucket has none of."""
    made = Folder(tmp_path / "store")
    made.storage.open()
    yield made
    made.storage.close()


def test_no_file_counts_as_missing_from_an_unmounted_store(folder: Folder) -> None:
    folder.root.rename(folder.root.parent / "unmounted")
    folder.root.mkdir()
    assert not folder.storage.is_missing("a/c.jpg")


def link(path: Path) -> None:
    victim = path.parents[2] / "victim"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder_there(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("plant", [link, fifo, folder_there])
def test_links_fifos_and_folders_are_neither_read_nor_followed(
    folder: Folder, new: New, loop: asyncio.AbstractEventLoop, plant: Any
) -> None:
    storage, path = folder.storage, folder.root / "a" / "c.jpg"
    path.parent.mkdir()
    plant(path)
    assert storage.find("a/c.jpg") is None
    assert not storage.holds("a/c.jpg")
    assert not storage.holds("a/c.jpg", 8)
    file = new(storage, "a/c.jpg", b"content")
    assert not loop.run_until_complete(storage.put(file))
    assert not storage.matches(file)
    assert storage.replace(file) == (plant is not folder_there)
    if plant is not folder_there:
        assert folder.files()["a/c.jpg"] == b"content"
        assert not path.is_symlink()
    if plant is link:
        assert (folder.root.parent / "victim").read_bytes() == b"precious"


def test_a_link_to_a_folder_is_not_followed(folder: Folder, new: New) -> None:
    elsewhere = folder.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "d.jpg").write_bytes(b"precious")
    (folder.root / "a").symlink_to(elsewhere)
    with pytest.raises(StoreError, match=r"/a: a symbolic link below IMAGES_STORE is not followed"):
        new.put(folder.storage, "a/c.jpg", b"content")
    with pytest.raises(StoreError, match=r"/a: a symbolic link below IMAGES_STORE is not followed"):
        folder.storage.remove(["a/d.jpg"])
    assert [path.name for path in elsewhere.iterdir()] == ["d.jpg"]


def test_the_folder_itself_may_be_a_link(tmp_path: Path, new: New) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "real")
    storage = LocalStorage(str(tmp_path / "store"))
    storage.open()
    assert new.put(storage, "a/c.jpg", b"content")
    storage.close()
    assert (tmp_path / "real" / "a" / "c.jpg").read_bytes() == b"content"


def test_a_file_has_the_permissions_of_the_umask(folder: Folder, new: New) -> None:
    previous = os.umask(0o027)
    try:
        new.put(folder.storage, "c.jpg", b"content")
    finally:
        os.umask(previous)
    assert (folder.root / "c.jpg").stat().st_mode & 0o777 == 0o640
