"""Write the dataset card: the columns, sources, licences and formats of a dataset."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow

from wallpapers.collection.rows import SCHEMA, Row
from wallpapers.listings.text import one_line

_DATA_FILES = {
    "parquet": "data/*.parquet",
    "webdataset": "data/*.tar",
    "imagefolder": "data/**",
    "jsonl": "data/*.jsonl",
    "csv": "data/*.csv",
}
_CONTENTS = {
    "parquet": "the same rows with the images",
    "webdataset": "the images, each with its row as JSON",
    "imagefolder": "the images, and their rows in `metadata.parquet`",
    "jsonl": "the same rows; the images are in the store, at `path`",
    "csv": "the same rows; the images are in the store, at `path`",
}
_MOST_LINES = 50  # of a table


class Card:
    """Count the rows of a dataset, and describe it as the README of a model hub does."""

    def __init__(self, kind: str, made_by: str, removed: int) -> None:
        self._kind = kind
        self._made_by = made_by
        self._removed = removed
        self._images = self._bytes = self._noai = self._described = 0
        self._counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("source", "licence", "format")
        }

    def add(self, rows: Iterable[Row]) -> None:
        """Count the rows of a shard."""
        for row in rows:
            self._images += 1
            self._bytes += row["size"]
            self._noai += row["noai"]
            self._described += row["fingerprint"] is not None
            for name, counter in self._counts.items():
                counter[one_line(row[name]) or "(not stated)"] += 1

    def text(self) -> str:
        """Return the card as Markdown."""
        lines = [
            "---",
            "configs:",
            "- config_name: default",
            f"  data_files: {_DATA_FILES[self._kind]}",
            "dataset_info:",
            "  features:",
            *(f"  - {json.dumps(feature)}" for feature in _features(self._kind)),
            "---",
            "",
            "# Wallpapers",
            "",
            f"{self._images:,} images ({self._bytes / 1e6:,.1f} MB), each once, as their servers "
            f"sent them. `index/` has a row for each image, `data/` has {_CONTENTS[self._kind]}.",
            "",
            f"Made by `{self._made_by}`. The documentation of wallpapers describes the columns.",
            "",
            f"- {self._described:,} images have a fingerprint and colours.",
            f"- {self._noai:,} images were sent with an objection to AI training (`noai`).",
            f"- {self._removed:,} images have been removed from the collection since they were "
            "exported: `removed.jsonl` lists them. Leave them out.",
            "",
            "The images are works of their authors. The columns `credit` and `licence` have what "
            "their sources state; where a source states nothing, nothing is permitted.",
        ]
        for name, counter in self._counts.items():
            lines += ["", f"| {name} | images |", "|---|---|"]
            common = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
            lines += [
                f"| {value.replace('|', chr(92) + '|')} | {count:,} |"
                for value, count in common[:_MOST_LINES]
            ]
            if len(common) > _MOST_LINES:
                lines.append(f"| and {len(common) - _MOST_LINES:,} more | |")
        return "\n".join(lines) + "\n"


def _features(kind: str) -> list[dict[str, Any]]:
    """Return names and types of the columns, as the library datasets reads them from a card.

    Without them, it infers types from the first rows, and fails at a list that is not empty.
    """
    rows = [_feature(column, lists=kind != "csv") for column in SCHEMA]
    if kind == "parquet":
        return [*rows, {"name": "image", "dtype": "image"}]
    if kind == "imagefolder":
        return [{"name": "image", "dtype": "image"}, *rows[1:]]  # in place of the file name
    if kind == "webdataset":
        texts = [{"name": name, "dtype": "string"} for name in ("__key__", "__url__")]
        return [{"name": "jpg", "dtype": "image"}, {"name": "json", "struct": rows}, *texts]
    return rows


def _feature(column: pyarrow.Field, *, lists: bool) -> dict[str, Any]:
    """Return name and type of *column*, as text if *lists* are written as JSON."""
    if pyarrow.types.is_list(column.type):
        return {"name": column.name, "sequence" if lists else "dtype": "string"}
    dtype = "float64" if pyarrow.types.is_float64(column.type) else str(column.type)
    return {"name": column.name, "dtype": dtype}
