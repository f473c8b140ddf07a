"""The contract of a storage, over a folder and over S3."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.storages import ADDRESS, Bucket, Folder, New, Place
from tests.s3 import BUCKET, s3_bucket, s3_server
from wallpapers.errors import StoreError


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> Iterator[Place]:
    made: Place
    if request.param == "folder":
        made = Folder(tmp_path / "new" / "store")
        made.storage.open()
        yield made
        made.storage.close()
        return
    address: str = request.getfixturevalue("server")
    with s3_bucket(address) as client:
        made = Bucket(address, client, tmp_path)
        made.storage.open()
        yield made
        made.storage.close()


LARGE = os.urandom(600_000)


@pytest.mark.parametrize("content", [b"content", LARGE], ids=["small", "large"])
def test_put_stores_byte_for_byte(place: Place, new: New, content: bytes) -> None:
    assert new.put(place.storage, "a/国家地理/c.jpg", content)
    assert place.files() == {"a/国家地理/c.jpg": content}


def test_put_stores_thumbnails(place: Place, new: New) -> None:
    assert new.put(place.storage, "a/c.jpg", b"content", {"thumbs/a/c.jpg": b"small"})
    assert place.files() == {"a/c.jpg": b"content", "thumbs/a/c.jpg": b"small"}


def test_many_puts_at_the_same_time_are_all_stored(
    place: Place, new: New, loop: asyncio.AbstractEventLoop
) -> None:
    files = [new(place.storage, f"{n % 3}/{n}.jpg", b"%d" % n) for n in range(50)]

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(place.storage.put(file) for file in files))

    assert loop.run_until_complete(all_of_them()) == [True] * 50
    assert place.files() == {f"{n % 3}/{n}.jpg": b"%d" % n for n in range(50)}


def test_another_program_may_put_the_same_content(place: Place, new: New) -> None:
    new.put(place.storage, "c.jpg", b"content")
    other = place.another()
    other.open()
    assert new.put(other, "c.jpg", b"content")
    other.close()
    assert place.files() == {"c.jpg": b"content"}


def test_only_a_remote_put_replaces_other_content(place: Place, new: New) -> None:
    new.put(place.storage, "c.jpg", b"content", {"thumbs/c.jpg": b"small"})
    done = new.put(place.storage, "c.jpg", b"another", {"thumbs/c.jpg": b"other"})
    assert done == place.storage.is_remote
    expected = (b"another", b"other") if done else (b"content", b"small")
    assert place.files() == dict(zip(("c.jpg", "thumbs/c.jpg"), expected, strict=True))


def test_replace_stores_a_file_that_put_refused(
    place: Place, new: New, loop: asyncio.AbstractEventLoop
) -> None:
    storage = place.storage
    new.put(storage, "c.jpg", b"content")
    other, thumb = new(storage, "c.jpg", b"another"), new(storage, "t.jpg", b"small")
    loop.run_until_complete(storage.put(other, [thumb]))
    for _ in range(2):
        assert storage.replace(other, [thumb])
        assert place.files() == {"c.jpg": b"another", "t.jpg": b"small"}


def test_only_a_folder_can_be_read(place: Place, new: New) -> None:
    new.put(place.storage, "a/c.jpg", b"content")
    assert place.storage.find("a/c.jpg") == (None if place.storage.is_remote else b"content")
    assert place.storage.find("a/d.jpg") is None
    assert place.storage.find("a") is None


def test_a_remote_storage_trusts_the_sizes_of_the_catalogue(place: Place, new: New) -> None:
    new.put(place.storage, "a/c.jpg", b"content")
    remote = place.storage.is_remote
    assert place.storage.holds("a/c.jpg", 7)
    assert place.storage.holds("a/c.jpg", 8) == remote
    assert place.storage.holds("a/d.jpg", 7) == remote
    assert place.storage.holds("a/c.jpg") != remote
    assert not place.storage.holds("a/d.jpg")
    assert not place.storage.holds("a")


def test_only_images_of_a_folder_are_listed_and_hashed(place: Place, new: New) -> None:
    storage = place.storage
    thumbs = {"thumbs/small/a/c.jpg": b"small"}
    new.put(storage, "a/c.jpg", b"content", thumbs)
    new.put(storage, "b/d.txt", b"no image")
    new.put(storage, "other/c.jpg", b"of another store")
    new.put(storage, "other/mark", b"")
    remote = storage.is_remote
    assert list(storage.images("mark")) == ([] if remote else [("a/c.jpg", 7)])
    digest = hashlib.sha256(b"content").hexdigest()
    assert storage.checksum("a/c.jpg") == (None if remote else digest)
    assert storage.checksum("a/d.jpg") is None


def test_a_file_is_missing_if_the_store_is_there_without_it(place: Place, new: New) -> None:
    storage = place.storage
    new.put(storage, "a/c.jpg", b"content")
    assert not storage.is_missing("a/c.jpg")
    for path in ("a/d.jpg", "b/c.jpg", "a/c.jpg/e.jpg"):
        assert storage.is_missing(path) != storage.is_remote


def test_files_are_matched_by_content(place: Place, new: New) -> None:
    storage = place.storage
    new.put(storage, "a/c.jpg", b"content")
    same = new(storage, "a/c.jpg", b"content")
    same.part.write()
    assert storage.matches(same) != storage.is_remote
    for path, content in (
        ("a/c.jpg", b"CONTENT"),
        ("a/d.jpg", b"content"),
        ("b/c.jpg", b"content"),
    ):
        other = new(storage, path, content)
        other.part.write()
        assert not storage.matches(other)


def test_remove_ignores_missing_files(place: Place, new: New) -> None:
    new.put(place.storage, "a/c.jpg", b"content")
    new.put(place.storage, "a/d.jpg", b"stays")
    for _ in range(2):
        place.storage.remove(["a/c.jpg", "b/e.jpg"])
    left = set(place.files()) - ({"a/c.jpg"} if place.storage.is_remote else set())
    assert left == {"a/d.jpg"}


def test_a_path_outside_the_storage_is_refused(place: Place, new: New) -> None:
    for path in ("../c.jpg", "/c.jpg", "a/../../c.jpg", "", "a/", "a\0.jpg", ".."):
        with pytest.raises(StoreError, match="must return a path below IMAGES_STORE"):
            new(place.storage, path, b"content")


def test_close_removes_all_parts(
    place: Place, new: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    storage = place.another()
    storage.open()
    new.put(storage, "c.jpg", b"content")
    new(storage, "d.jpg", LARGE)  # is never put
    new.remove_parts()
    place.storage.close()
    storage.close()
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "new" / "store" / ".parts").exists()


def test_an_error_names_the_path(place: Place, new: New) -> None:
    if isinstance(place, Folder):
        (place.root / "a").write_bytes(b"")
        storage, expected = place.storage, r"/a/c\.jpg: Not a directory"
    else:
        assert isinstance(place, Bucket)
        storage, expected = place.another("s3://nowhere/"), "NoSuchBucket"
        storage.open()
    with pytest.raises(StoreError, match=expected):
        new.put(storage, "a/c.jpg", b"content")
    storage.close()


def test_an_upload_has_content_type_and_metadata(server: str, tmp_path: Path, new: New) -> None:
    with s3_bucket(server) as client:
        storage = Bucket(server, client, tmp_path).storage
        storage.open()
        new.put(storage, "c.jpg", b"content")
        storage.close()
        stored = client.get_object(Bucket=BUCKET, Key="deep/c.jpg")
    assert storage.address == ADDRESS
    assert stored["ContentType"] == "image/jpeg"
    assert stored["Metadata"] == {"checksum": "abc", "width": "5"}
