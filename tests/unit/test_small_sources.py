"""A source takes few lines of code."""

from __future__ import annotations

import tokenize
from pathlib import Path

import pytest

import wallpapers

FOLDER = Path(wallpapers.__file__).parent
MOST_LINES = 70
_LAYOUT = {
    tokenize.ENCODING,
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def lines_of_code(path: Path) -> int:
    """Count the lines that hold code: no blank ones, no comments, no docstrings."""
    lines: set[int] = set()
    begins = True  # a statement, so that a string would be a docstring
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type in _LAYOUT:
                begins = begins or token.type == tokenize.NEWLINE
                continue
            if not (begins and token.type == tokenize.STRING):
                lines.update(range(token.start[0], token.end[0] + 1))
            begins = False
    return len(lines)


@pytest.mark.parametrize("source", ["bing_wallpaper", "wallhaven"])
def test_a_source_takes_at_most_seventy_lines(source: str) -> None:
    files = [FOLDER / kind / f"{source}.py" for kind in ("listings", "spiders")]
    assert sum(map(lines_of_code, files)) <= MOST_LINES
