"""Private names of Scrapy and aiohttp exist, and docs/decisions.md lists all that are used."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.connector import BaseConnector
from scrapy import cmdline
from scrapy.core.downloader import Downloader
from scrapy.core.downloader.middleware import DownloaderMiddlewareManager
from scrapy.core.engine import ExecutionEngine
from scrapy.downloadermiddlewares import cookies
from scrapy.exporters import CsvItemExporter
from scrapy.extensions.feedexport import FeedExporter

ROOT = Path(__file__).parents[2]
OWNERS: dict[str, Any] = {
    "BaseConnector": BaseConnector,
    "CsvItemExporter": CsvItemExporter,
    "Downloader": Downloader,
    "DownloaderMiddlewareManager": DownloaderMiddlewareManager,
    "ExecutionEngine": ExecutionEngine,
    "FeedExporter": FeedExporter,
    "TCPConnector": aiohttp.TCPConnector,
    "cmdline": cmdline,
    "cookies": cookies,
}
# Of Python itself, and the documented method of named tuples.
NOT_LISTED = {"_Decompress", "_exit", "_replace"}

SECTION = (ROOT / "docs/decisions.md").read_text().partition("## Private names\n")[2]
LISTED = sorted(
    (owner, name)
    for owner, name in re.findall(r"`(\w+)\.([a-z_]+)`", SECTION)
    if owner in OWNERS and name != "py"
)
MODULES = sorted((ROOT / "wallpapers").rglob("*.py"))


@pytest.mark.parametrize(("owner", "name"), LISTED)
def test_every_listed_name_exists(owner: str, name: str) -> None:
    """An attribute may be set by a method, and an override of a missing method has no effect."""
    assert re.search(rf"\b{name}\b", inspect.getsource(OWNERS[owner]))


def private(names: Iterable[str]) -> set[str]:
    return {name for name in names if re.match("_(?!_)", name)}


def used_names(path: Path) -> set[str]:
    """Return the private attributes that a module uses."""
    tree = ast.parse(path.read_text())
    return private(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))


@cache
def own_names() -> set[str]:
    """Return the private names that any of our modules defines."""
    names: set[str] = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if isinstance(node.value, ast.Name) and node.value.id == "self":
                    names.add(node.attr)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
    return names


def overridden_names(path: Path) -> set[str]:
    """Return the private methods of a module's classes that override one of Scrapy or aiohttp."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return {
        attribute
        for owner in vars(importlib.import_module(name)).values()
        if inspect.isclass(owner) and owner.__module__ == name
        for attribute, value in vars(owner).items()
        if private([attribute]) and inspect.isfunction(value)
        for base in owner.__mro__[1:]
        if attribute in vars(base) and base.__module__.split(".")[0] in ("scrapy", "aiohttp")
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_private_name_is_listed(path: Path) -> None:
    names = used_names(path) - own_names() | overridden_names(path)
    assert names - NOT_LISTED <= {name for _, name in LISTED}
