"""Write the files of a shard: the same images give the same bytes."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pyarrow
from pyarrow import parquet

from wallpapers.collection.rows import SCHEMA, SCHEMA_WITH_IMAGE, Row, as_json

_ROW_GROUP_BYTES = 32 * 1024 * 1024  # of images, which are in memory until they are written


class ShardWriter(Protocol):
    """Write the data of one shard below a local folder."""

    def add(self, row: Row, content: bytes) -> None:
        """Write an image."""

    def close(self) -> None:
        """Complete the files."""


class ParquetShard:
    """``NAME.parquet``: the rows with the bytes of the images."""

    def __init__(self, folder: Path, name: str) -> None:
        self._writer = parquet.ParquetWriter(folder / f"{name}.parquet", SCHEMA_WITH_IMAGE)
        self._rows: list[Row] = []
        self._bytes = 0

    def add(self, row: Row, content: bytes) -> None:
        self._rows.append({**row, "image": {"bytes": content, "path": row["file_name"]}})
        self._bytes += len(content)
        if self._bytes >= _ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            table = pyarrow.Table.from_pylist(self._rows, SCHEMA_WITH_IMAGE)
            self._writer.write_table(table)
        self._rows, self._bytes = [], 0

    def close(self) -> None:
        self._flush()
        self._writer.close()


class TarShard:
    """``NAME.tar`` in the form of WebDataset: for each image, its file and a JSON file.

    All images have the extension of a JPEG: the library datasets requires the same files in
    each sample, and programs detect the format of an image by its content.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._tar = tarfile.open(folder / f"{name}.tar", "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115

    def add(self, row: Row, content: bytes) -> None:
        self._put(f"{row['sha256']}.jpg", content)
        self._put(f"{row['sha256']}.json", as_json(row))

    def _put(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)  # without a time and an owner
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))

    def close(self) -> None:
        self._tar.close()


class FolderShard:
    """``NAME/``: the files of the images, and ``metadata.parquet``.

    From ``metadata.jsonl``, the library datasets would infer types from the first rows only.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / name
        self._folder.mkdir()
        self._rows: list[Row] = []

    def add(self, row: Row, content: bytes) -> None:
        (self._folder / row["file_name"]).write_bytes(content)
        self._rows.append(row)

    def close(self) -> None:
        write_rows(self._folder / "metadata.parquet", self._rows)


class JsonLinesShard:
    """``NAME.jsonl``: the rows; the images stay in the store."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = (folder / f"{name}.jsonl").open("wb")

    def add(self, row: Row, content: bytes) -> None:
        self._file.write(as_json(row))

    def close(self) -> None:
        self._file.close()


class CsvShard:
    """``NAME.csv``: the rows, with lists as JSON; the images stay in the store."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = (folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
        self._writer = csv.DictWriter(self._file, SCHEMA.names, lineterminator="\n")
        self._writer.writeheader()

    def add(self, row: Row, content: bytes) -> None:
        cells = {
            key: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
            for key, value in row.items()
        }
        self._writer.writerow(cells)

    def close(self) -> None:
        self._file.close()


FORMATS: dict[str, Callable[[Path, str], ShardWriter]] = {
    "parquet": ParquetShard,
    "webdataset": TarShard,
    "imagefolder": FolderShard,
    "jsonl": JsonLinesShard,
    "csv": CsvShard,
}
# Formats whose shards have the images themselves.
WITH_IMAGES = ("parquet", "webdataset", "imagefolder")


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write rows without their images."""
    parquet.write_table(pyarrow.Table.from_pylist(rows, SCHEMA), path)
