"""Export images and their metadata as a dataset; later exports add the new images.

A dataset has shards. The files of a shard are moved into place when they are complete, its index
last. A shard without an index does not count, and is removed by the next export, so each image is
in one shard, even if an export is killed. Sealed shards are never changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow
from pyarrow import parquet

from wallpapers.catalogue.search import FoundImage
from wallpapers.collection.card import Card
from wallpapers.collection.inspecting import DAMAGED
from wallpapers.collection.rows import SCHEMA_VERSION, Row, as_json, row_of
from wallpapers.collection.search import Criteria, search
from wallpapers.collection.shards import FORMATS, WITH_IMAGES, ShardWriter, write_rows
from wallpapers.errors import PictureRefusedError, SettingError
from wallpapers.storage.reading import MISSING

if TYPE_CHECKING:
    from pyarrow import Table

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.collection.targets import Target
    from wallpapers.storage.reading import ImageReader

DESCRIPTION, REMOVED, CARD = "export.json", "removed.jsonl", "README.md"

_PAGE = 200  # images
_READ_TOGETHER = 4  # images, which are in memory
_MOST_ROWS = 10_000  # of a shard


@dataclass
class ExportReport:
    """The result of an export; paths are relative to the store."""

    exported: int = 0
    known: int = 0  # in a shard of an earlier export
    removed: int = 0  # in a shard, but no longer in the collection
    failed: dict[str, str] = field(default_factory=dict)  # path -> missing, damaged, unreadable


class Export:
    """One export to *target* in the format *to*, which is one of FORMATS.

    *made_by* is the command, for the dataset card. Raises StoreError.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        reader: ImageReader,
        target: Target,
        to: str,
        *,
        shard_bytes: int,
        made_by: str,
    ) -> None:
        self._catalogue = catalogue
        self._reader = reader
        self._target = target
        self._format = to
        self._shard_bytes = shard_bytes
        self._made_by = made_by
        self._writer: ShardWriter | None = None
        self._rows: list[Row] = []
        self._bytes = 0
        self.report = ExportReport()

    def run(
        self,
        criteria: Criteria,
        *,
        without_noai: bool = False,
        progress: Callable[[int], None] = lambda _: None,
    ) -> ExportReport:
        """Export matching images that are in no shard yet; list those that were removed since.

        *without_noai* leaves out images whose servers object to the training of models.
        """
        self._check_description()
        self._sealed = self._read_sealed()
        exported = {checksum for shard in self._sealed.values() for checksum in shard}
        rows = self._rows_of(search(self._catalogue, criteria), exported, progress)
        for row, content in self._read(one for one in rows if not (without_noai and one["noai"])):
            self._add(row, content)
        self._seal()
        self._write_removed()
        card = Card(self._format, self._made_by, self.report.removed)
        for name in sorted(self._sealed):
            card.add(self._index(name).to_pylist())
        self._target.write(CARD, card.text().encode())
        return self.report

    def _check_description(self) -> None:
        """Write the description of the dataset, or check that the existing one is equal."""
        wanted = {"format": self._format, "schema": SCHEMA_VERSION}
        content = self._target.read(DESCRIPTION)
        if content is None:
            if others := [name for name in self._target.names("") if not name.startswith(".")]:
                raise SettingError(
                    f"export: the folder is not empty and has no {DESCRIPTION}, but {others[0]!r}: "
                    "name another one"
                )
            self._target.write(DESCRIPTION, as_json(wanted))
            return
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if found != wanted:
            raise SettingError(
                f"export: this folder has another dataset ({DESCRIPTION}: {found}), not {wanted}: "
                "name another one"
            )

    def _read_sealed(self) -> dict[str, list[str]]:
        """Return the sha256 in each sealed shard, and remove the files of others."""
        sealed = {}
        for file in self._target.names("index"):
            name = file.removesuffix(".parquet")
            sealed[name] = self._index(name, "sha256").column("sha256").to_pylist()
        for file in self._target.names("data"):
            if file.partition(".")[0] not in sealed:
                self._target.remove(f"data/{file}")
        return sealed

    def _index(self, name: str, *columns: str) -> Table:
        content = self._target.read(f"index/{name}.parquet")
        assert content is not None
        index = parquet.ParquetFile(pyarrow.BufferReader(content), pre_buffer=False)
        return index.read(list(columns) or None, use_threads=False)

    def _rows_of(
        self,
        images: Iterator[FoundImage],
        exported: set[str],
        progress: Callable[[int], None],
    ) -> Iterator[Row]:
        while page := list(islice(images, _PAGE)):
            new = [found for found in page if found.image["checksum"] not in exported]
            self.report.known += len(page) - len(new)
            checksums = [found.image["checksum"] for found in new]
            origins, palettes = self._catalogue.run(
                lambda entries: (
                    entries.search.origins(checksums),  # noqa: B023
                    entries.looks.palettes(checksums),  # noqa: B023
                )
            )
            for found in new:
                checksum = found.image["checksum"]
                yield row_of(found, origins.get(checksum, ()), palettes.get(checksum, ()))
            progress(len(page))

    def _read(self, rows: Iterator[Row]) -> Iterator[tuple[Row, bytes]]:
        """Yield the unchanged images, with their contents."""
        with ThreadPoolExecutor(_READ_TOGETHER) as threads:
            while some := list(islice(rows, _READ_TOGETHER)):
                for row, content in zip(some, threads.map(self._content, some), strict=True):
                    if isinstance(content, bytes):
                        yield row, content
                    else:
                        self.report.failed[row["path"]] = str(content)

    def _content(self, row: Row) -> bytes | PictureRefusedError:
        """Return the content of an image, or why it is left out; b"" where none is exported."""
        path = row["path"]
        if not self._reader.holds(path, row["size"]):
            return PictureRefusedError(MISSING)
        if self._format not in WITH_IMAGES:
            return b""
        try:
            content = self._reader.read(path)
        except PictureRefusedError as refusal:
            return refusal
        is_whole = hashlib.sha256(content).hexdigest() == row["sha256"]
        return content if is_whole else PictureRefusedError(DAMAGED)

    # Shards

    def _add(self, row: Row, content: bytes) -> None:
        if self._writer is None:
            (self._target.work / "data").mkdir()
            self._writer = FORMATS[self._format](self._target.work / "data", self._name())
        self._writer.add(row, content)
        self._rows.append(row)
        self._bytes += len(content)
        if self._bytes >= self._shard_bytes or len(self._rows) >= _MOST_ROWS:
            self._seal()

    def _name(self) -> str:
        """Return the name of the next shard."""
        return f"{1 + max(map(int, self._sealed), default=-1):05}"

    def _seal(self) -> None:
        """Move the files of the shard into place, the index last."""
        if self._writer is None:
            return
        self._writer.close()
        name, data = self._name(), self._target.work / "data"
        for path in sorted(data.iterdir()):
            self._target.publish(path, f"data/{path.name}")
        data.rmdir()
        index = self._target.work / "index.parquet"
        write_rows(index, self._rows)
        self._target.publish(index, f"index/{name}.parquet")
        self._sealed[name] = [row["sha256"] for row in self._rows]
        self.report.exported += len(self._rows)
        self._writer, self._rows, self._bytes = None, [], 0

    def _write_removed(self) -> None:
        """List the images of all shards that are no longer in the collection."""
        lines = []
        for name, shard in sorted(self._sealed.items()):
            present = self._present(shard)
            lines += [
                as_json({"sha256": checksum, "shard": name})
                for checksum in shard
                if checksum not in present
            ]
        self.report.removed = len(lines)
        self._target.write(REMOVED, b"".join(lines))

    def _present(self, checksums: Iterable[str]) -> set[str]:
        """Return the images that are shown, whole, and have a file."""
        found = self._catalogue.run(lambda entries: entries.search.images(checksums))
        return {
            checksum
            for checksum, one in found.items()
            if self._reader.holds(one.image["path"], one.image["size"])
        }
