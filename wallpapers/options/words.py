"""Read a file of words: ``@FILE`` in place of a word means one listing for each line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wallpapers.errors import ArgumentError
from wallpapers.options.arguments import Argument

_COMMENT = "#"


def each_listing(
    declared: Mapping[str, Argument], given: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return the arguments of each listing: *given*, with one word in place of ``@FILE``.

    Each result could be given to a run of its own. Raises ArgumentError if the file has no words or
    cannot be read.
    """
    for name, value in given.items():
        takes_file = name in declared and declared[name].takes_file
        if takes_file and value.startswith("@") and not value.startswith("@@"):
            try:
                found = read_words(Path(value.removeprefix("@")))
            except ArgumentError as error:
                raise ArgumentError(f"{name}={value}: {error}") from error
            return [{**given, name: _escaped(word)} for word in found]
    return [dict(given)]


def read_words(path: Path) -> list[str]:
    """Return the words in the file *path*: one per line, each once, in order.

    Empty lines and lines that begin with # are skipped. Raises ArgumentError.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as error:
        raise ArgumentError(f"{error.strerror}; write @@ for text that begins with @") from error
    except UnicodeDecodeError as error:
        raise ArgumentError(f"not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    stripped = (line.strip() for line in lines)
    found = [word for word in stripped if word and not word.startswith(_COMMENT)]
    if not found:
        raise ArgumentError("no words in the file; write one on each line")
    return list(dict.fromkeys(found))


def _escaped(word: str) -> str:
    return f"@{word}" if word.startswith("@") else word
