"""A folder as a store: a file under its final name is complete, whatever goes wrong."""

from __future__ import annotations

import os
import stat
from io import BytesIO
from pathlib import Path

import pytest

from wallpapers.errors import StoreError
from wallpapers.storage.files import FOLDER, new_file
from wallpapers.storage.local import LocalStorage


def names(folder: Path) -> list[str]:
    """Return all files below *folder*, hidden ones too."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_persist_file_creates_missing_folders(tmp_path: Path) -> None:
    store = LocalStorage(str(tmp_path / "new" / "store"))
    store.open()
    store.persist_file("a/b/c.jpg", BytesIO(b"content"))
    store.close()
    assert names(tmp_path) == ["new/store/a/b/c.jpg"]
    assert store.find("a/b/c.jpg") == b"content"


def test_a_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    LocalStorage(str(tmp_path)).persist_file("a.jpg", BytesIO(b"content"))
    (tmp_path / "other").write_bytes(b"")
    assert stat.S_IMODE((tmp_path / "a.jpg").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "other").stat().st_mode
    )


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"old")

    folder = os.open(tmp_path, FOLDER)

    def fail() -> None:
        with new_file("a.jpg", folder) as file:
            file.write(b"half of the new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    os.close(folder)
    assert names(tmp_path) == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == b"old"


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.jpg").symlink_to(victim)
    LocalStorage(str(tmp_path / "store")).persist_file("a.jpg", BytesIO(b"content"))
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "store" / "a.jpg").read_bytes() == b"content"


@pytest.mark.parametrize("plant", ["folder", "fifo"])
def test_folders_and_fifos_are_not_read(tmp_path: Path, plant: str) -> None:
    if plant == "folder":
        (tmp_path / "a.jpg").mkdir()
    else:
        os.mkfifo(tmp_path / "a.jpg")
    assert LocalStorage(str(tmp_path)).find("a.jpg") is None


def test_an_error_names_the_path_and_the_message_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = LocalStorage(str(tmp_path / "file"))
    with pytest.raises(StoreError, match=r"/file: File exists"):
        store.open()
    with pytest.raises(StoreError, match=r"/file/a\.jpg: (File exists|Not a directory)"):
        store.persist_file("a.jpg", BytesIO(b"content"))
