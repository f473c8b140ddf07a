"""Differences from the expected keys: named, decided by the majority, and never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallpapers.listings.drift import Drift, drift

EXPECTED = {"id": str, "width": int | str, "url": str, "note": str | None, "any": object}
ENTRY = {"id": "1", "width": 1920, "url": "http://a/1.jpg"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, Drift()),
        ({"width": "1920"}, Drift()),
        ({"note": None, "any": 5}, Drift()),
        ({"note": "n", "any": [True]}, Drift()),
        ({"url": None}, Drift(mistyped=("url: NoneType",))),
        ({"width": 19.5}, Drift(mistyped=("width: float",))),
        ({"width": True}, Drift(mistyped=("width: bool",))),
        ({"note": 5}, Drift(mistyped=("note: int",))),
        ({"isAigcEdit": 0}, Drift(new=("isAigcEdit",))),
    ],
)
def test_new_and_mistyped_keys_are_reported(changes: dict[str, Any], found: Drift) -> None:
    assert drift([{**ENTRY, **changes}], EXPECTED) == found


def test_a_key_that_was_renamed_is_missing_and_new() -> None:
    entries = [{"id": "1", "width": 1, "URL": "http://a/1.jpg"}] * 3
    found = drift(entries, EXPECTED)
    assert found == Drift(new=("URL",), missing=("url",))
    assert str(found) == "missing url; new URL"


def test_a_single_bad_entry_is_not_drift() -> None:
    bad: list[object] = [{}, None, 5, "text", [], {"id": 5}]
    assert not drift([ENTRY, ENTRY, *bad], EXPECTED)
    assert not drift([], EXPECTED)


def test_a_report_has_a_limited_length() -> None:
    hostile = {f"{number}\n\x1b[31m{'x' * 1000}": 1 for number in range(5000)}
    line = str(drift([{**ENTRY, **hostile}], EXPECTED))
    assert len(line) < 1000
    assert line.isprintable()


@given(st.lists(st.none() | st.integers() | st.dictionaries(st.text(), st.none() | st.text())))
def test_no_json_raises(entries: list[object]) -> None:
    str(drift(entries, EXPECTED))
