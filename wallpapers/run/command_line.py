"""Build the shell commands that messages suggest, so that they run when they are pasted.

They call the program as the user called it, and repeat the options of its command line. Secrets are
masked before the words are quoted, because a quoted secret would not be recognized.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from wallpapers.logs.masking import mask, mask_setting
from wallpapers.run.program import OWN_NAME

_PROGRAMS = (OWN_NAME, "scrapy")
_SETTINGS = ("-s", "--set")
_FEEDS = ("-o", "-O", "--output", "--overwrite-output")
_REPEATED = (*_SETTINGS, *_FEEDS, "-L", "--loglevel", "--logfile")


def shell_command(
    *words: str, settings: Mapping[str, str] | None = None, feeds: bool = False
) -> str:
    """Return a command of this program, with the settings and log options of the command line.

    *settings* are added to them; *feeds* repeats -o and -O, too. A crawl that a script or scrapyd
    started has no command line; then the program is ``scrapy``.
    """
    program, given = _called()
    options = dict.fromkeys(option for option in _options(given) if _is_repeated(option, feeds))
    set_by_user = {value.partition("=")[0] for option, value in options if option in _SETTINGS}
    for name, value in (settings or {}).items():
        if name not in set_by_user:
            options["-s", f"{name}={mask_setting(name, value)}"] = None
    return shlex.join(
        [*program, *map(mask, words), *(part for option in options for part in option)]
    )


def _is_repeated(option: tuple[str, ...], feeds: bool) -> bool:
    """Return whether a command repeats *option*; one with a line break would split the message."""
    return len(option) == 2 and option[1].isprintable() and (feeds or option[0] not in _FEEDS)


def same_command(*more: str) -> str:
    """Return the command that the user called, with *more* options, or "" if there was none."""
    program, given = _called()
    words = [part for option in _options(given) for part in option]
    if not words or not "".join(words).isprintable():  # a message is one line
        return ""
    return shlex.join([*program, *words, *more])


def _called() -> tuple[list[str], list[str]]:
    """Return the words that call the program, and those after them."""
    script = sys.argv[0] if sys.argv else ""
    words = sys.orig_argv  # Scrapy removes the name of the command from sys.argv
    path = Path(script)
    if path.name == "__main__.py" and path.parent.name in _PROGRAMS and "-m" in words:
        end = words.index("-m") + 2
        return words[:end], words[end:]
    if path.name in _PROGRAMS and script in words:
        return [_short(path)], words[words.index(script) + 1 :]
    return ["scrapy"], []


def _short(script: Path) -> str:
    """Return the name of *script* if the shell finds it by its name, otherwise its path."""
    found = shutil.which(script.name)
    return script.name if found and script.samefile(found) else str(script)


def _options(given: list[str]) -> Iterator[tuple[str, ...]]:
    """Split *given* into options with their values, and single words; secrets are masked."""
    words = iter(given)
    for word in words:
        option, value = _split(word)
        if option not in _REPEATED:
            yield (mask(word),)
            continue
        if value is None:
            value = next(words, "")
        name, sign, text = value.partition("=") if option in _SETTINGS else ("", "", value)
        yield option, mask(name + sign + mask_setting(name, text))


def _split(word: str) -> tuple[str, str | None]:
    """Split a word into option and value; None if the value is the next word."""
    if word.startswith("--"):
        option, sign, value = word.partition("=")
        return option, value if sign else None
    return word[:2], word[2:] or None
