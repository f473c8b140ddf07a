"""Read and write the rows of the catalogue within one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, update

from wallpapers.catalogue.claims import Claims
from wallpapers.catalogue.decisions import HIDDEN_IMAGES
from wallpapers.catalogue.findings import Findings
from wallpapers.catalogue.held import Entered, Held, Holder
from wallpapers.catalogue.queries import MOST_SHARING, Queries
from wallpapers.catalogue.rows import image_for, image_of, listed_row, now, picture_row, stored_row
from wallpapers.catalogue.schema import pictures, wallpapers
from wallpapers.catalogue.statements import (
    ANY_BYTES_OR_PATHS,
    AT_PATH,
    ONE_AT_A_TIME,
    OTHERS_SHARING,
    PICTURE,
    SAME_BYTES_OR_PATH,
    WITH_PICTURE,
    statements_of,
)
from wallpapers.items import Key, StoredImage, Wallpaper
from wallpapers.storage.files import is_below
from wallpapers.storage.names import folded

Whole = Callable[[str, int], bool]  # whether the store has this path, with so many bytes

_CHUNK = 500  # keys in one statement; SQLite allows 32,766 parameters


class Entries(Queries):
    """Reads and writes the rows of one transaction; a failure rolls all of it back.

    A write may be repeated, and two programs may do the same one: one row results.
    """

    def __init__(
        self,
        connection: Connection,
        is_whole: Whole,
        endpoint: str | None = None,
        claims: Claims | None = None,
    ) -> None:
        super().__init__(connection)
        self._claims = claims
        self.fetched_elsewhere: set[Key] = set()
        self.hidden_listed: set[Key] = set()
        self._is_whole = is_whole
        self._endpoint = endpoint  # recorded with new rows; None = keep the recorded one
        self._statements = statements_of(connection.dialect.name)

    # For a crawl

    def enter_listed(self, listed: Sequence[Wallpaper]) -> dict[Key, Held]:
        """Insert rows for new wallpapers and findings; return the pictures of those with a row.

        Wallpapers without a picture are claimed, unless another run is fetching them: their keys
        are in ``fetched_elsewhere``. Those that are hidden are in ``hidden_listed`` alone.
        """
        found: dict[Key, Held | None] = {}
        claimed_by: dict[Key, str | None] = {}
        by_key = {(wallpaper.source, wallpaper.id): wallpaper for wallpaper in listed}
        findings = Findings(listed)
        for question in findings.questions():
            for row in self._connection.execute(WITH_PICTURE, question):
                findings.note(question, row)
                key = question["source"], row.id
                if row.hidden_at:
                    found[key] = None
                    self.hidden_listed.add(key)
                    continue
                held = found[key] = self._held_for(row)
                if held is None or not held.whole:
                    claimed_by[key] = row.claimed_by
        claims = self._claims
        if new := [
            listed_row(one, self._endpoint, claims.name_for(key) if claims else None)
            for key, one in by_key.items()
            if key not in found
        ]:
            self._connection.execute(self._statements.new_wallpaper, new)
        findings.write(self._connection, self._statements)
        if claims is not None:
            self.fetched_elsewhere = claims.claim_free(self._connection, claimed_by)
        return {key: held for key, held in found.items() if held is not None}

    def look_up(self, wallpaper: Wallpaper) -> tuple[Held | None, bool]:
        """Return the picture of *wallpaper*, and whether it is hidden; write nothing."""
        source, listing, ids = wallpaper.source, wallpaper.listing, [wallpaper.id]
        question = {"source": source, "listing": listing, "ids": ids}
        row = self._connection.execute(WITH_PICTURE, question).one_or_none()
        return (self._held_for(row), row.hidden_at is not None) if row else (None, False)

    def find(self, checksum: str) -> Held | None:
        """Return the picture with the sha256 *checksum*."""
        row = self._connection.execute(PICTURE, {"sha256": checksum}).one_or_none()
        return self._held(row, image_of(row), "stored") if row else None

    def record_all(self, stored: Sequence[tuple[Wallpaper, StoredImage]]) -> list[Entered | None]:
        """Do for each wallpaper what ``record`` does for one, in a few statements for all."""
        lost = self._lost(*(wallpaper for wallpaper, _ in stored))
        if lost:
            return [
                Entered(image) if wallpaper in lost else self.record(wallpaper, image)
                for wallpaper, image in stored
            ]
        alone = self._alone(stored)
        pictures_in = [
            picture_row(image) for (_, image), new in zip(stored, alone, strict=True) if new
        ]
        if pictures_in:
            entered = self._connection.execute(self._statements.new_pictures, pictures_in)
            if len(entered.all()) != len(pictures_in):  # another program has inserted one
                raise RetryTransaction
            said = [
                stored_row(*pair, self._endpoint)
                for pair, new in zip(stored, alone, strict=True)
                if new
            ]
            self._connection.execute(self._statements.put, said)
        return [
            Entered(image, is_new=True) if new else self.record(wallpaper, image)
            for (wallpaper, image), new in zip(stored, alone, strict=True)
        ]

    def record(self, wallpaper: Wallpaper, image: StoredImage) -> Entered | None:
        """Enter *image*, whose file is whole, synced and under its path, for *wallpaper*.

        Return None, and write nothing, where another content has a row with this path, or with one
        that differs in case alone. Where the same content is whole under another path, that one
        stays, as ``duplicate``: the file of *image* is one too many. Where it is stored for five
        other wallpapers already, nothing is written about this one. Where all of the others are
        hidden, this one becomes hidden, too.
        """
        checksum, path = image["checksum"], image["path"]
        asked = {"sha256": checksum, "path": path, "folded": folded(path)}
        rows = self._connection.execute(SAME_BYTES_OR_PATH, asked).all()
        if any(row.sha256 != checksum for row in rows):
            return None
        if rows and self._is_hidden(checksum):
            self._put(stored_row(wallpaper, image, self._endpoint))
            self.decisions.hide([(wallpaper.source, wallpaper.id)])
            return Entered({**image, "path": rows[0].path}, refused_as="hidden")
        held = self._moved(rows[0], path) if rows else None
        is_new = held is None and self._is_new(image)
        if held is None and not is_new:
            # Another program stored the same bytes, or other bytes under this path, meanwhile.
            held = self.find(checksum)
            if held is None:
                raise RetryTransaction
        theirs = held.image["path"] if held else path
        status = image["status"] if theirs == path else "duplicate"
        entered: StoredImage = {**image, "path": theirs, "status": status}
        if held and self._sharing(checksum, wallpaper) >= MOST_SHARING:
            return Entered(entered, refused_as="placeholder")
        self._put(stored_row(wallpaper, image, self._endpoint))
        return Entered(entered, is_new=is_new)

    def adopt(self, wallpaper: Wallpaper, image: StoredImage) -> Entered | None:
        """Do as ``store`` does for a file without a row, which was found under its name.

        Return None where the file belongs to another wallpaper.
        """
        holder = self.holder(image["path"], wallpaper)
        if holder is not None and (holder.is_needed or holder.path != image["path"]):
            return None
        if holder is not None and holder.checksum != image["checksum"]:
            self.forget(holder.checksum)
        return self.record(wallpaper, image)

    def holder(self, path: str, wallpaper: Wallpaper) -> Holder | None:
        """Return the picture whose row has *path*, as *wallpaper* sees it.

        If there is none, return one whose path differs in case alone. No other program sees any
        path so until this transaction ends.
        """
        if self._connection.dialect.name == "postgresql":  # SQLite has one writer anyway
            self._connection.execute(ONE_AT_A_TIME)
        rows = self._connection.execute(AT_PATH, {"path": path, "folded": folded(path)}).all()
        if not rows:
            return None
        row = next((row for row in rows if row.path == path), rows[0])
        is_whole = self._held(row, image_of(row), "stored").whole
        return Holder(row.path, row.sha256, is_whole, self._sharing(row.sha256, wallpaper) > 0)

    def forget(self, checksum: str) -> None:
        """Remove the row of a picture whose file is replaced; its wallpapers are fetched again."""
        listed = {"sha256": None, "state": "listed", "preview": False, "noai": False}
        theirs = update(wallpapers).where(wallpapers.c.sha256 == checksum)
        self._connection.execute(theirs.values(listed | {"changed_at": now()}))
        self._connection.execute(pictures.delete().where(pictures.c.sha256 == checksum))

    def fail(self, wallpaper: Wallpaper, reason: str, host: str, tried: str) -> None:
        """Enter the failure of *wallpaper*; what was held of it before is not forgotten.

        A failure that may pass, like a timeout, counts, and leaves the reason of one that an answer
        of the server gave before. *host* is that of its best candidate, *tried* tells what became
        of each.
        """
        if self._lost(wallpaper):
            return
        said = {"state": "failed", "reason": reason, "host": host, "tried": tried, "attempts": 1}
        self._put({**listed_row(wallpaper, self._endpoint), **said})

    def filter(self, wallpaper: Wallpaper, reason: str) -> None:
        """Say that *wallpaper* is there, but not wanted."""
        if self._lost(wallpaper):
            return
        self._put({**listed_row(wallpaper, self._endpoint), "state": "filtered", "reason": reason})

    # Within

    def _lost(self, *listed: Wallpaper) -> list[Wallpaper]:
        """Return the wallpapers that another run took over while this one was frozen."""
        if self._claims is None:
            return []
        by_key = {(wallpaper.source, wallpaper.id): wallpaper for wallpaper in listed}
        return [by_key[key] for key in self._claims.lost(self._connection, by_key)]

    def _held_for(self, row: Row[Any]) -> Held | None:
        """Return the picture of a wallpaper, whose columns *row* has as well."""
        return self._held(row, image_for(row), row.state) if row.path else None

    def _held(self, row: Row[Any], image: StoredImage, state: str) -> Held:
        # A path out of the store is that of no picture of ours: it is not even looked at.
        usable = row.damaged_at is None and is_below(row.path)
        whole = usable and self._is_whole(row.path, row.size)
        return Held(image, state, whole)

    def _alone(self, stored: Sequence[tuple[Wallpaper, StoredImage]]) -> list[bool]:
        """Return for each picture whether neither its content nor its path has a row."""
        taken: set[str] = set()
        for start in range(0, len(stored), _CHUNK):
            images = [image for _, image in stored[start : start + _CHUNK]]
            asked = {
                "sha256s": [image["checksum"] for image in images],
                "paths": [image["path"] for image in images],
                "folded": [folded(image["path"]) for image in images],
            }
            for row in self._connection.execute(ANY_BYTES_OR_PATHS, asked):
                taken |= {row.sha256, folded(row.path)}
        alone = []
        for _, image in stored:
            own = {image["checksum"], folded(image["path"])}
            alone.append(not own & taken)
            taken |= own
        return alone

    def _moved(self, row: Row[Any], path: str) -> Held:
        """Return the picture of *row*; if its file is lost, it moves to *path*."""
        held = self._held(row, image_of(row), "stored")
        if held.whole and row.path != path:
            return held
        moved = {"path": path, "stored_at": now(), "damaged_at": None}
        mine = pictures.c.sha256 == row.sha256
        self._connection.execute(update(pictures).where(mine).values(moved))
        return Held({**held.image, "path": path}, "stored", whole=True)

    def _is_hidden(self, checksum: str) -> bool:
        """Return whether the picture has wallpapers, and all of them are hidden."""
        mine = HIDDEN_IMAGES.where(wallpapers.c.sha256 == checksum).limit(1)
        return self._connection.execute(mine).first() is not None

    def _is_new(self, image: StoredImage) -> bool:
        """Insert the row of a picture; False = it exists."""
        row = picture_row(image)
        return self._connection.execute(self._statements.new_picture, row).rowcount == 1

    def _sharing(self, checksum: str, wallpaper: Wallpaper) -> int:
        """Return how many other wallpapers have the picture with the sha256 *checksum*."""
        asked = {"sha256": checksum, "source": wallpaper.source, "id": wallpaper.id}
        return self._connection.execute(OTHERS_SHARING, asked).scalar_one()

    def _put(self, row: Mapping[str, Any]) -> None:
        """Insert *row*, or have the row of the same key say the same."""
        statement = self._statements.put if row["sha256"] else self._statements.put_unstored
        self._connection.execute(statement, row)


class RetryTransaction(Exception):
    """Another program wrote the same rows; repeating the transaction finds them."""
