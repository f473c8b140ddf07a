"""Spider arguments (-a): declared in one place, checked before the first request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlsplit

from wallpapers.errors import ArgumentError


@dataclass(frozen=True)
class Argument:
    """One argument: its default, how its text is read, and what is allowed, in words."""

    default: Any
    read: Callable[[str], Any]  # raises ValueError
    allowed: str
    meaning: str = ""  # for --help

    def means(self, meaning: str) -> Self:
        """Return the same argument with *meaning*, a few words for ``--help``."""
        return replace(self, meaning=meaning)

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
    """Any text that can be sent; one that is not *empty*, where it must say something."""

    def read(value: str) -> str:
        if not empty and not value.strip():
            raise ValueError
        value.encode()  # what was no UTF-8 on the command line raises
        return value

    return Argument(default, read, "text in UTF-8" if empty else "text in UTF-8, not empty")


def whole_number(default: int, least: int, most: int | None = None) -> Argument:
    """A whole number from *least* to *most*, both included."""

    def read(value: str) -> int:
        number = int(value)
        if number < least or (most is not None and number > most):
            raise ValueError
        return number

    span = f"{least} or more" if most is None else f"from {least} to {most}"
    return Argument(default, read, f"a number {span}")


def decimal(default: float) -> Argument:
    """A number, 0 or more."""

    def read(value: str) -> float:
        number = float(value)
        if not 0 <= number < float("inf"):
            raise ValueError
        return number

    return Argument(default, read, "a number, 0 or more")


def one_or_more(*known: str) -> Argument:
    """Some of a few names, with commas between them, in either case; none is all."""

    def read(value: str) -> frozenset[str]:
        chosen = frozenset(name.strip().upper() for name in value.split(",") if name.strip())
        if not chosen <= set(known):
            raise ValueError
        return chosen

    return Argument(frozenset(), read, f"some of {','.join(known)}")


def choice(default: Any, *others: Any) -> Argument:
    """One of a few values, all of one type."""
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
    """1 for yes, 0 for no."""
    names = {"0": False, "1": True}

    def read(value: str) -> bool:
        if value not in names:
            raise ValueError
        return names[value]

    return Argument(default, read, "0 or 1")


def web_address(default: str) -> Argument:
    """An http(s) address without user and password, which would end up in logs."""

    def read(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError
        if parts.port == 0:  # reading the port raises ValueError where it is none
            raise ValueError
        return value

    return Argument(default, read, "an http:// or https:// address without user and password")


def read_arguments(declared: Mapping[str, Argument], given: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of every declared argument.

    Names that begin with ``_`` belong to a scheduler (scrapyd sends ``_job``) and are ignored.
    Raises ArgumentError with one line that names the argument, the value and what is allowed.
    """
    values = {name: argument.default for name, argument in declared.items()}
    for name, value in given.items():
        if name.startswith("_"):
            continue
        if name not in declared:
            known = ", ".join(declared)
            raise ArgumentError(f"{name!r} is no argument of this spider; it takes {known}")
        try:
            values[name] = declared[name].read(value)
        except ValueError:
            shown = "***" if "@" in value else value
            raise ArgumentError(f"{name} must be {declared[name].allowed}, got {shown!r}") from None
    return values
