"""What holds after every run, whatever was done to it."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from wallpapers.catalogue.location import FILE_NAME
from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoding, formats
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict, is_reason
from wallpapers.storage.run_folder import PARTS

if TYPE_CHECKING:
    from tests.conftest import Run


def check_invariants(run: Run, *, tracebacks: bool = False) -> None:
    """Assert what no fault may break: the account adds up, and the store holds whole files only."""
    if not tracebacks:
        check_no_traceback(run.log)
    stats = run.stats
    check_documented(stats)
    verdicts = {name: stats.get(f"wallpapers/{name}", 0) for name in Verdict}
    wanted = stats.get("wallpapers/wanted", 0)
    assert stats.get("wallpapers/listed", 0) == sum(verdicts.values()) + wanted
    assert stats["wallpapers/outcome"] == run.exit_status.name.lower()
    for verdict in (Verdict.FILTERED, Verdict.FAILED):
        prefix = f"wallpapers/{verdict}/"
        reasons = {
            key.removeprefix(prefix): count
            for key, count in stats.items()
            if key.startswith(prefix)
        }
        assert sum(reasons.values()) == verdicts[verdict]
        for reason in reasons:
            assert is_reason(verdict, reason), reason

    # An item without candidates is not a wallpaper, but is exported too.
    exported = sum(bool(item.get("image_urls")) for item in run.items)
    is_dry_run = "wallpapers/wanted" in stats
    kept = wanted if is_dry_run else sum(verdicts.values()) - verdicts[Verdict.FILTERED]
    assert exported == kept or (exported < kept and run.exit_status is ExitStatus.STORE)
    for item in run.items:
        for image in item.get("images") or ():
            check_stored(run.store, image)
    check_whole(run.store)
    if not is_dry_run:
        check_catalogue(run)


@cache
def documented_stats() -> set[str]:
    """Return the names of our stats that docs/stats.md has a line for."""
    page = Path(__file__).parents[1] / "docs" / "stats.md"
    return set(re.findall(r"^\| `(wallpapers/[^`]+)` \|", page.read_text(), re.MULTILINE))


def check_documented(stats: dict[str, object]) -> None:
    """Assert that each stat of ours has its line; a reason has one for all of its kind."""
    documented = documented_stats()
    for name in stats:
        if name.startswith("wallpapers/"):
            kind, _, reason = name.removeprefix("wallpapers/").partition("/")
            line = f"{kind}/<reason>" if reason and kind not in set(Verdict) else kind
            assert f"wallpapers/{line}" in documented, name


def check_no_traceback(log: str) -> None:
    """Assert that no traceback is logged: what a server or a user did wrong is one line."""
    _, found, traceback = log.partition("Traceback")
    assert not found, f"{found}{traceback[:5_000]}"


def check_catalogue(run: Run) -> None:
    """Assert that catalogue, store and feed agree."""
    path = run.store / FILE_NAME
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as catalogue:
        assert catalogue.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = catalogue.execute("SELECT name FROM sqlite_master").fetchall()
        if ("pictures",) not in tables:  # the disk failed before there were any
            assert not any(item.get("images") for item in run.items)
            return
        pictures = {
            sha256: (where, size)
            for sha256, where, size in catalogue.execute("SELECT sha256, path, size FROM pictures")
        }
        rows = {
            (source, identity): (state, sha256)
            for source, identity, state, sha256 in catalogue.execute(
                "SELECT source, id, state, sha256 FROM wallpapers"
            )
        }
    for item in run.items:
        images = item.get("images") or ()
        for image in images:
            assert pictures[image["checksum"]] == (image["path"], image["size"])
        if not (item.get("image_urls") and item.get("source") and item.get("id")):
            continue  # no wallpaper, or one whose key the item does not tell
        state, sha256 = rows[item["source"], item["id"]]
        assert all((state, sha256) == ("stored", image["checksum"]) for image in images)
        assert images or state == "failed"


def check_stored(store: Path, image: dict[str, object]) -> None:
    """Assert that a result describes its file correctly."""
    content = (store / str(image["path"])).read_bytes()
    picture = decoding.examine(content, max_pixels=10**9)
    assert image["size"] == len(content)
    assert image["checksum"] == hashlib.sha256(content).hexdigest()
    assert (image["format"], image["width"], image["height"]) == (
        picture.format,
        picture.width,
        picture.height,
    )
    assert str(image["path"]).endswith(formats.EXTENSIONS[picture.format])


def check_whole(store: Path, *, killed: bool = False) -> None:
    """Assert that every file in the store is a whole picture: no temporary file, no cut one.

    Where a run was killed, its part files wait for the next one, which sweeps them.
    """
    for path in store.rglob("*"):
        if killed and PARTS in path.parts:
            continue
        if path.name.startswith(FILE_NAME):
            continue
        if path.is_file():
            content = path.read_bytes()
            try:
                decoding.examine(content, max_pixels=10**9)
            except PictureRefusedError as refusal:  # a thumbnail may be that small
                if refusal.reason != "too_tiny":
                    raise
