"""Write the dataset card: what a dataset has, from where, under which licences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from wallpapers.collection.rows import Row
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
    "imagefolder": "the images, and their rows in `metadata.jsonl`",
    "jsonl": "the same rows; the images are in the store, at `path`",
    "csv": "the same rows; the images are in the store, at `path`",
}
_MOST_LINES = 50  # of a table


class Card:
    """Counts the rows of a dataset, and describes it in the form of a README on a model hub."""

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
