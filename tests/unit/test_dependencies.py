"""Every library that the code imports is declared, and frozen at a version that is allowed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = {canonicalize_name(r.name): r for r in map(Requirement, _PROJECT["dependencies"])}
OPTIONAL = {
    canonicalize_name(Requirement(requirement).name)
    for extra in _PROJECT["optional-dependencies"].values()
    for requirement in extra
}
_DISTRIBUTIONS = packages_distributions()
_OURS = {"wallpapers", "tests", "benchmarks", "_typeshed"}  # the last is for type checkers only


def imported(folder: str) -> set[str]:
    """Return the distributions that the modules of *folder* import, by any import statement."""
    names = {
        name
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _names(node)
    }
    return {
        canonicalize_name(_DISTRIBUTIONS[name][0])
        for name in names - sys.stdlib_module_names - _OURS
    }


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]


def frozen(name: str) -> dict[str, str]:
    """Return the version of each distribution that a requirements file names."""
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(distribution): version for distribution, version in pins}


def test_the_package_declares_what_it_imports() -> None:
    assert imported("wallpapers") - OPTIONAL == set(DECLARED)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_the_frozen_version_is_an_allowed_one(name: NormalizedName) -> None:
    assert DECLARED[name].specifier.contains(frozen("requirements.txt")[name])


def test_what_the_tests_import_is_frozen() -> None:
    assert imported("tests") <= {*frozen("requirements.txt"), *frozen("requirements-dev.txt")}


def test_every_version_of_python_that_is_promised_is_tested() -> None:
    promised = re.findall(r"Python :: (3\.\d+)$", "\n".join(_PROJECT["classifiers"]), re.MULTILINE)
    (matrix,) = re.findall(r"python: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text())
    assert re.findall(r"[\d.]+", matrix) == promised
    assert _PROJECT["requires-python"] == f">={promised[0]}"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_frozen(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line[:1].isalnum()]
    assert len(frozen(name)) == len(lines)


def test_settings_and_commands_load_without_sqlalchemy() -> None:
    program = (
        "import sys; from scrapy.cmdline import _get_commands_dict as commands; "
        "from scrapy.utils.project import get_project_settings as settings; "
        "assert commands(settings(), inproject=True)['crawl']; "
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    # A crawl imports it in a thread, while it waits for the first page.
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
