"""Read and write the rows of the catalogue within one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, update

from wallpapers.catalogue.bulk import insert_all
from wallpapers.catalogue.chunks import chunks
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

IsWhole = Callable[[str, int], bool]  # whether the store has a file at this path, of this size


class Entries(Queries):
    """Read and write the rows of one transaction; a failure rolls all of it back.

    Repeating a write, also from another program, does not add another row.
    """

    def __init__(
        self,
        connection: Connection,
        is_whole: IsWhole,
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
        """Insert rows for new wallpapers and findings; return the images of the others.

        Wallpapers without an image are claimed, unless another run is fetching them; the keys of
        the latter are then in ``fetched_elsewhere``. Hidden ones are in ``hidden_listed`` only.
        """
        found: dict[Key, Held | None] = {}
        claimed_by: dict[Key, str | None] = {}
        by_key = {(wallpaper.source, wallpaper.id): wallpaper for wallpaper in listed}
        findings = Findings(listed)
        for parameters in findings.query_parameters():
            for row in self._connection.execute(WITH_PICTURE, parameters):
                findings.note(parameters, row)
                key = parameters["source"], row.id
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
        """Return the image of *wallpaper*, and whether it is hidden; write nothing."""
        source, listing, ids = wallpaper.source, wallpaper.listing, [wallpaper.id]
        parameters = {"source": source, "listing": listing, "ids": ids}
        row = self._connection.execute(WITH_PICTURE, parameters).one_or_none()
        return (self._held_for(row), row.hidden_at is not None) if row else (None, False)

    def find(self, checksum: str) -> Held | None:
        """Return the image with the sha256 *checksum*."""
        row = self._connection.execute(PICTURE, {"sha256": checksum}).one_or_none()
        return self._held(row, image_of(row), "stored") if row else None

    def record_all(self, stored: Sequence[tuple[Wallpaper, StoredImage]]) -> list[Entered | None]:
        """Call ``record`` for each wallpaper; all new images need only a few statements."""
        lost = self._taken_over(*(wallpaper for wallpaper, _ in stored))
        if lost:
            return [
                Entered(image) if wallpaper in lost else self.record(wallpaper, image)
                for wallpaper, image in stored
            ]
        are_new = self._are_new(stored)
        pictures_in = [
            picture_row(image) for (_, image), new in zip(stored, are_new, strict=True) if new
        ]
        if pictures_in:
            entered = insert_all(self._connection, self._statements.new_pictures, pictures_in)
            if len(entered.all()) != len(pictures_in):  # another program has inserted one
                raise ConflictError
            rows = {  # a spider may list a wallpaper twice, with two images
                (pair[0].source, pair[0].id): stored_row(*pair, self._endpoint)
                for pair, new in zip(stored, are_new, strict=True)
                if new
            }
            insert_all(self._connection, self._statements.put, list(rows.values()))
        return [
            Entered(image, is_new=True) if new else self.record(wallpaper, image)
            for (wallpaper, image), new in zip(stored, are_new, strict=True)
        ]

    def record(self, wallpaper: Wallpaper, image: StoredImage) -> Entered | None:
        """Record that *wallpaper* has *image*, whose file is complete, synced and at its path.

        - If another content has a row with this path, or with one that differs only in case,
          return None and write nothing.
        - If the same content has a complete file at another path, the result has that path and the
          status ``duplicate``; the caller removes the file of *image*.
        - If five other wallpapers have the same content, write nothing and refuse it.
        - If all other wallpapers with the same content are hidden, hide this one, too.
        """
        checksum, path = image["checksum"], image["path"]
        parameters = {"sha256": checksum, "path": path, "folded": folded(path)}
        rows = self._connection.execute(SAME_BYTES_OR_PATH, parameters).all()
        if any(row.sha256 != checksum for row in rows):
            return None
        if rows and self._is_hidden(checksum):
            self._put(stored_row(wallpaper, image, self._endpoint))
            self.decisions.hide([(wallpaper.source, wallpaper.id)])
            return Entered({**image, "path": rows[0].path}, refused_as="hidden")
        held = self._keep_or_move(rows[0], path) if rows else None
        is_new = held is None and self._insert_picture(image)
        if held is None and not is_new:
            # Meanwhile, another program stored the same bytes, or other bytes at this path.
            held = self.find(checksum)
            if held is None:
                raise ConflictError
        theirs = held.image["path"] if held else path
        status = image["status"] if theirs == path else "duplicate"
        entered: StoredImage = {**image, "path": theirs, "status": status}
        if held and self._count_others(checksum, wallpaper) >= MOST_SHARING:
            return Entered(entered, refused_as="placeholder")
        self._put(stored_row(wallpaper, image, self._endpoint))
        return Entered(entered, is_new=is_new)

    def adopt(self, wallpaper: Wallpaper, image: StoredImage) -> Entered | None:
        """Record a file without a row that was found under the name of *wallpaper*.

        Return None if the file belongs to another wallpaper.
        """
        holder = self.holder(image["path"], wallpaper)
        if holder is not None and (holder.is_needed or holder.path != image["path"]):
            return None
        if holder is not None and holder.checksum != image["checksum"]:
            self.forget(holder.checksum)
        return self.record(wallpaper, image)

    def holder(self, path: str, wallpaper: Wallpaper) -> Holder | None:
        """Return the image whose row has *path*; ``has_others`` does not count *wallpaper*.

        If there is none, return one whose path differs only in case. Until this transaction ends,
        no other program can call this method.
        """
        if self._connection.dialect.name == "postgresql":  # SQLite has one writer anyway
            self._connection.execute(ONE_AT_A_TIME)
        rows = self._connection.execute(AT_PATH, {"path": path, "folded": folded(path)}).all()
        if not rows:
            return None
        row = next((row for row in rows if row.path == path), rows[0])
        is_whole = self._held(row, image_of(row), "stored").whole
        return Holder(row.path, row.sha256, is_whole, self._count_others(row.sha256, wallpaper) > 0)

    def forget(self, checksum: str) -> None:
        """Remove the row of an image whose file is replaced; its wallpapers are fetched again."""
        listed = {"sha256": None, "state": "listed", "preview": False, "noai": False}
        theirs = update(wallpapers).where(wallpapers.c.sha256 == checksum)
        self._connection.execute(theirs.values(listed | {"changed_at": now()}))
        self._connection.execute(pictures.delete().where(pictures.c.sha256 == checksum))

    def fail(self, wallpaper: Wallpaper, reason: str, host: str, tried: str) -> None:
        """Record the failure of *wallpaper*; an image that it has remains recorded.

        A temporary failure, such as a timeout, is counted, but does not replace the reason of an
        earlier permanent one. *host* is that of the best candidate, *tried* describes the result of
        each candidate.
        """
        if self._taken_over(wallpaper):
            return
        failure = {"state": "failed", "reason": reason, "host": host, "tried": tried, "attempts": 1}
        self._put({**listed_row(wallpaper, self._endpoint), **failure})

    def filter(self, wallpaper: Wallpaper, reason: str) -> None:
        """Record that *wallpaper* does not match the filters."""
        if self._taken_over(wallpaper):
            return
        self._put({**listed_row(wallpaper, self._endpoint), "state": "filtered", "reason": reason})

    # Internal

    def _taken_over(self, *listed: Wallpaper) -> list[Wallpaper]:
        """Return the wallpapers that another run took over while this one was frozen."""
        if self._claims is None:
            return []
        by_key = {(wallpaper.source, wallpaper.id): wallpaper for wallpaper in listed}
        return [by_key[key] for key in self._claims.lost(self._connection, by_key)]

    def _held_for(self, row: Row[Any]) -> Held | None:
        """Return the image of the wallpaper in *row*; None = it has none."""
        return self._held(row, image_for(row), row.state) if row.path else None

    def _held(self, row: Row[Any], image: StoredImage, state: str) -> Held:
        # A path outside the store is never accessed.
        usable = row.damaged_at is None and is_below(row.path)
        whole = usable and self._is_whole(row.path, row.size)
        return Held(image, state, whole)

    def _are_new(self, stored: Sequence[tuple[Wallpaper, StoredImage]]) -> list[bool]:
        """Return for each image whether neither its content nor its path has a row."""
        taken: set[str] = set()
        for chunk in chunks(stored):
            images = [image for _, image in chunk]
            parameters = {
                "sha256s": [image["checksum"] for image in images],
                "paths": [image["path"] for image in images],
                "folded": [folded(image["path"]) for image in images],
            }
            for row in self._connection.execute(ANY_BYTES_OR_PATHS, parameters):
                taken |= {row.sha256, folded(row.path)}
        are_new = []
        for _, image in stored:
            own = {image["checksum"], folded(image["path"])}
            are_new.append(not own & taken)
            taken |= own
        return are_new

    def _keep_or_move(self, row: Row[Any], path: str) -> Held:
        """Return the image of *row*; if its file is missing or damaged, record *path* instead."""
        held = self._held(row, image_of(row), "stored")
        if held.whole and row.path != path:
            return held
        moved = {"path": path, "stored_at": now(), "damaged_at": None}
        mine = pictures.c.sha256 == row.sha256
        self._connection.execute(update(pictures).where(mine).values(moved))
        return Held({**held.image, "path": path}, "stored", whole=True)

    def _is_hidden(self, checksum: str) -> bool:
        """Return whether the image has wallpapers, and all of them are hidden."""
        mine = HIDDEN_IMAGES.where(wallpapers.c.sha256 == checksum).limit(1)
        return self._connection.execute(mine).first() is not None

    def _insert_picture(self, image: StoredImage) -> bool:
        """Insert the row of an image; return False if it exists."""
        row = picture_row(image)
        return self._connection.execute(self._statements.new_picture, row).rowcount == 1

    def _count_others(self, checksum: str, wallpaper: Wallpaper) -> int:
        """Return how many other wallpapers have the image with the sha256 *checksum*."""
        parameters = {"sha256": checksum, "source": wallpaper.source, "id": wallpaper.id}
        return self._connection.execute(OTHERS_SHARING, parameters).scalar_one()

    def _put(self, row: Mapping[str, Any]) -> None:
        """Insert *row*, or update the row with the same key."""
        statement = self._statements.put if row["sha256"] else self._statements.put_unstored
        self._connection.execute(statement, row)


class ConflictError(Exception):
    """Another program wrote the same rows; the transaction must be repeated to read them."""
