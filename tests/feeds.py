"""Every kind of feed: its settings, and a reader that accepts only a complete one."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import marshal
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

FORMATS = ("json", "jsonlines", "jl", "csv", "xml", "pickle", "marshal")
APPENDABLE = ("jsonlines", "jsonl", "jl", "csv", "pickle", "marshal")
_PLUGINS = "scrapy.extensions.postprocessing."
PLUGINS = {
    "": [],
    ".gz": [f"{_PLUGINS}GzipPlugin"],
    ".bz2": [f"{_PLUGINS}Bz2Plugin"],
    ".xz": [f"{_PLUGINS}LZMAPlugin"],
    ".gz.bz2": [f"{_PLUGINS}GzipPlugin", f"{_PLUGINS}Bz2Plugin"],
}
_OPEN: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
}


def feed(path: Path | str, kind: str, **options: Any) -> dict[str, Any]:
    """Return the entry of FEEDS for *path*, compressed according to its name."""
    name = str(path)
    suffix = "".join(f".{part}" for part in Path(name).name.split(".") if part in _OPEN)
    plugins = {"postprocessing": PLUGINS[suffix]} if suffix else {}
    return {name: {"format": kind, **plugins, **options}}


def only_feed(path: Path, kind: str, **options: Any) -> dict[str, Any]:
    """Return settings for a single feed, which overwrites the file *path*."""
    return {"FEEDS": feed(path, kind, **{"overwrite": True, **options})}


def content(path: Path) -> bytes:
    """Return the decompressed content of *path*; raise if it is incomplete."""
    data = path.read_bytes()
    for part in reversed(path.name.split(".")):
        if part in _OPEN:
            data = _OPEN[part](data)
    return data


def read(path: Path, kind: str, encoding: str = "utf-8") -> list[dict[str, Any]]:
    """Return the items of the feed *path*; raise if it is incomplete."""
    data = content(path)
    if kind in ("pickle", "marshal"):
        load = pickle.load if kind == "pickle" else marshal.load
        file = io.BytesIO(data)
        items = []
        while file.tell() < len(data):
            items.append(load(file))
        return items
    if kind == "xml":
        return [{field.tag: field.text for field in item} for item in ET.fromstring(data)]
    text = data.decode(encoding)
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    if kind == "json":
        return list(json.loads(text))
    assert text.endswith("\n") or not text
    return [json.loads(line) for line in text.split("\n")[:-1]]


def ids(path: Path, kind: str, encoding: str = "utf-8") -> list[str]:
    """Return the ids of the items of the feed *path*."""
    return [item["id"] for item in read(path, kind, encoding)]
