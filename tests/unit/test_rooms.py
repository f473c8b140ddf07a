"""Imports go down: a package imports only from layers below its own, so there is no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# From the lowest up; packages of one layer do not import each other. Only settings.py, addon.py
# and the tests know all of them.
LAYERS = (
    {"errors", "items", "signals", "logs"},
    {"listings", "images", "run"},
    {"options", "demo"},
    {"inspection"},
    {"storage"},
    {"catalogue", "downloads"},
    {"middlewares", "fastpath", "feeds", "extensions"},
    {"pipelines", "spiders", "collection"},
    {"maintenance", "cluster"},
    {"gallery"},
    {"commands"},
    {"settings"},
    {"addon", "__main__"},
)
HEIGHT = {package: layer for layer, packages in enumerate(LAYERS) for package in packages}
MODULES = sorted((ROOT / "wallpapers").rglob("*.py"))
ALL_MODULES = [
    *MODULES,
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "benchmarks").rglob("*.py")),
]
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 45  # a screen
# Where Scrapy's private names are allowed; docs/decisions.md lists each with its guard.
PRIVATE = {"fastpath", "feeds", "middlewares/cookies.py"}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield module and name of everything that a module imports, for type checks too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""


def package_of(path: Path) -> str:
    return path.relative_to(ROOT / "wallpapers").with_suffix("").parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    here = package_of(path)
    if here == "__init__":
        return
    for module, name in imports(path):
        if module.split(".")[0] != "wallpapers":
            continue
        package = module.split(".")[1] if "." in module else name
        if package not in {here, "__version__"}:
            assert HEIGHT[package] < HEIGHT[here], f"{here} imports {module}"


def test_every_package_has_a_layer() -> None:
    assert {package_of(path) for path in MODULES} - {"__init__"} <= set(HEIGHT)


@pytest.mark.parametrize("path", ALL_MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_MODULE_LINES
    lengths = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_private_names_of_scrapy_stay_where_they_are_listed(path: Path) -> None:
    place = path.relative_to(ROOT / "wallpapers").as_posix()
    if place.split("/")[0] in PRIVATE or place in PRIVATE:
        return
    for module, name in imports(path):
        parts = [*module.split("."), name]
        if parts[0] == "scrapy":
            assert not any(part.startswith("_") for part in parts), f"{module} {name}"
