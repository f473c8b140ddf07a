"""Suggest the name that the user probably meant."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def with_suggestion(message: str, name: str, known: Collection[str]) -> str:
    """Return *message* about the unknown *name*, followed by the most similar *known* one."""
    similar = get_close_matches(name, known, n=1)
    return f"{message} (did you mean {similar[0]!r}?)" if similar else message
