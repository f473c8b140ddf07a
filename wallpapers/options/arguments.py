"""Declare spider arguments (-a) and convert their values before the first request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlsplit

from wallpapers.errors import ArgumentError
from wallpapers.options.suggestions import with_suggestion


@dataclass(frozen=True)
class Argument:
    """A spider argument: default value, conversion from text, and the allowed values in words."""

    default: Any
    read: Callable[[str], Any]  # raises ValueError
    allowed: str
    meaning: str = ""  # for --help
    takes_file: bool = False  # @FILE: one value per line, each for a listing of its own

    def means(self, meaning: str) -> Self:
        """Return the same argument with *meaning*, a few words for ``--help``."""
        return replace(self, meaning=meaning)

    def or_file(self) -> Self:
        """Return the same argument that also takes ``@FILE``, see ``words.py``.

        A value that begins with @ is then written with another @ before it.
        """

        def read(value: str) -> Any:
            return self.read(value.removeprefix("@") if value.startswith("@@") else value)

        return replace(self, read=read, allowed=f"{self.allowed}, or @FILE", takes_file=True)

    @property
    def default_text(self) -> str:
        """The default as a user would type it; empty where no value means it."""
        if isinstance(self.default, frozenset):
            text = ",".join(sorted(self.default))
        else:
            text = str(int(self.default) if isinstance(self.default, bool) else self.default)
        try:
            self.read(text)
        except ValueError:
            return ""
        return text


def text(default: str, *, empty: bool = True) -> Argument:
    """Declare an argument for any text; with ``empty=False``, blank text is not allowed."""

    def read(value: str) -> str:
        if not empty and not value.strip():
            raise ValueError
        value.encode()  # raises for text that was not UTF-8 on the command line
        return value

    return Argument(default, read, "text in UTF-8" if empty else "text in UTF-8, not empty")


def whole_number(default: int, least: int, most: int | None = None) -> Argument:
    """Declare an argument for a whole number from *least* to *most*, both included."""

    def read(value: str) -> int:
        number = int(value)
        if number < least or (most is not None and number > most):
            raise ValueError
        return number

    bounds = f"{least} or more" if most is None else f"from {least} to {most}"
    return Argument(default, read, f"a number {bounds}")


def subset(*names: str, synonyms: Mapping[str, str]) -> Argument:
    """Declare an argument for some of *names*, separated by commas, in any case.

    The default is an empty set, which means all. *synonyms* are other words for some names.
    """

    def read(value: str) -> frozenset[str]:
        words = [word.strip().upper() for word in value.split(",") if word.strip()]
        chosen = frozenset(synonyms.get(word, word) for word in words)
        if not chosen <= set(names):
            raise ValueError
        return chosen

    return Argument(frozenset(), read, f"some of {','.join(names)}")


def choice(default: Any, *others: Any) -> Argument:
    """Declare an argument for one of several values of the same type."""
    kind = type(default)
    allowed = (default, *others)

    def read(value: str) -> Any:
        chosen = kind(value)
        if chosen not in allowed:
            raise ValueError
        return chosen

    return Argument(
        default, read, f"one of {', '.join(str(value) for value in allowed if value != '')}"
    )


def switch(default: bool = False) -> Argument:
    """Declare an argument that is 0 or 1."""
    values = {"0": False, "1": True}

    def read(value: str) -> bool:
        if value not in values:
            raise ValueError
        return values[value]

    return Argument(default, read, "0 or 1")


def web_address(default: str) -> Argument:
    """Declare an argument for an http(s) address.

    User and password are not allowed, because logs would show them.
    """

    def read(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError
        if parts.port == 0:  # an invalid port raises ValueError here
            raise ValueError
        return value

    return Argument(default, read, "an http:// or https:// address without user and password")


def read_arguments(declared: Mapping[str, Argument], given: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of all declared arguments, converted from *given*.

    Names that start with ``_`` are ignored, because schedulers use them (scrapyd sends ``_job``).
    Raises ArgumentError with a one-line message that states the argument, its value and the allowed
    values.
    """
    values = {name: argument.default for name, argument in declared.items()}
    for name, value in given.items():
        if name.startswith("_"):
            continue
        if name not in declared:
            raise ArgumentError(_unknown(name, declared))
        try:
            values[name] = declared[name].read(value)
        except ValueError:
            shown = "***" if "@" in value else value
            raise ArgumentError(f"{name} must be {declared[name].allowed}, got {shown!r}") from None
    return values


def _unknown(name: str, declared: Mapping[str, Argument]) -> str:
    """Return the message for an unknown argument, with the most similar name if there is one."""
    if name.isupper():
        return f"unknown argument {name!r}; a setting is given with -s {name}=..."
    message = f"unknown argument {name!r}; expected one of: {', '.join(declared)}"
    return with_suggestion(message, name, declared)
