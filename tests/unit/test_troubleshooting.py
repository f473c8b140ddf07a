"""Every message that docs/troubleshooting.md explains is one that the program can print."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What precedes a message, and what separates the parts that the code has: values, punctuation, and
# the examples of the page.
PREFIX = re.compile(r"^(?:Could not start|Store failed|wallpapers|scrapy|failed [\w<>]+): ")
BETWEEN = re.compile(
    r"…|<[^>]*>|'[^']*'|\b[A-Z]+(?:_[A-Z]+)+\b|\b[NMS]\b|\d+|[;:()]| / "
    r"|\b(?:SIGINT|rn|http_proxy|ascii|stdout|out\.json)\b"
)
NOT_OURS = (  # messages of SQLite and of the system
    *("unable to open database file", "attempt to write a readonly database", "disk I/O error"),
    *("database or disk is full", "database is locked", "is not a database"),
    "No space left on device",
)
COMPOSED = ("Interrupted with", "python -m pip install")  # by the code, from several strings


def explained() -> list[str]:
    """Return the messages in the first column of the page."""
    rows = re.findall(
        r"^\| (`.*?) \| ", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE
    )
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row)]


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Yield the strings of a module, with U+0000 in place of the values in f-strings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (one.value if isinstance(one, ast.Constant) else "\0" for one in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"%(?:\.0)?[sdf]", "\0", node.value)


TEXTS = "\n".join(
    text
    for path in sorted((ROOT / "wallpapers").rglob("*.py"))
    for text in texts_of(ast.parse(path.read_text()))
)


@pytest.mark.parametrize("message", explained())
def test_every_message_exists(message: str) -> None:
    parts = [part.strip(" ,./") for part in BETWEEN.split(PREFIX.sub("", message))]
    sentences = [part for part in parts if " " in part and part not in (*NOT_OURS, *COMPOSED)]
    assert [part for part in sentences if part not in TEXTS] == []
