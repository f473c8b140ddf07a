"""The additional fields of a listing are cleaned and limited, whatever their type."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallpapers.listings.extra import clean_extra, extra_of
from wallpapers.listings.text import colors


def values_in(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(values_in, value.values()))
    return 1 + sum(map(values_in, value)) if isinstance(value, list) else 1


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def test_texts_are_plain_and_empty_values_are_left_out() -> None:
    entry = {
        "category": "<b>anime</b>\n&amp; \x00more\ud800",
        "source": "https://a.test/?a=1&copy=2",
        "uploader": {"username": "me", "avatar": {}, "group": None},
        "purity": "",
        "views": 0,
        "ratio": 1.78,
        "wp": False,
        "other": "not asked for",
    }
    keys = "category source uploader purity views ratio wp absent"
    assert extra_of(entry, keys) == {
        "category": "anime & more?",
        "source": "https://a.test/?a=1&copy=2",
        "uploader": {"username": "me"},
        "views": 0,
        "ratio": 1.78,
        "wp": False,
    }


def test_passwords_in_addresses_are_masked() -> None:
    said = {"source": "http://me:canary@host/", "note": "see http://me:canary@host/"}
    assert "canary" not in json.dumps(clean_extra(said))


@pytest.mark.parametrize("value", [None, "text", 5, [], ["a"], object()])
def test_anything_but_an_object_is_nothing(value: object) -> None:
    assert clean_extra(value) == {}


def test_values_of_python_become_what_json_has() -> None:
    said: dict[Any, Any] = {"shot": date(2026, 1, 2), "sizes": (1, 2), 3: "key", "self": None}
    said["self"] = said
    cleaned = clean_extra(said)
    assert cleaned["shot"] == "2026-01-02"
    assert cleaned["sizes"] == [1, 2]
    assert cleaned["3"] == "key"
    assert json.loads(json.dumps(cleaned)) == cleaned


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@settings(max_examples=50)
@given(said=st.dictionaries(st.text(max_size=9), _ANYTHING, max_size=5))
def test_any_text_can_be_written_to_every_feed(said: dict[str, Any]) -> None:
    cleaned = clean_extra(said)
    json.dumps(cleaned, ensure_ascii=False, allow_nan=False).encode()
    assert depth_of(cleaned) <= 3


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "said",
    [
        dict.fromkeys(map(str, range(100_000)), "x" * 10_000),
        {"a": [["x"] * 1_000] * 1_000},
        {"a": [{"b": ["x" * 10_000] * 1_000}] * 1_000},
        {"a": [[""] * 1_000] * 1_000},
        {"a": nested(900)},
        {"a": 10**3_000, "b": float("inf"), "c": float("nan")},
        {"x" * 1_000_000: "<" * 1_000_000},
    ],
)
def test_a_huge_object_is_cut(said: dict[str, Any]) -> None:
    cleaned = clean_extra(said)
    assert values_in(cleaned) <= 201
    assert depth_of(cleaned) <= 3
    assert len(json.dumps(cleaned, allow_nan=False)) < 500_000


def test_colours_are_written_in_one_way() -> None:
    said = ["#0066CC", "0066cc", " #abbcda ", "#abc", "red", "#12345g", 5, None, ["#000000"]]
    assert colors(said) == ["#0066cc", "#abbcda"]
    assert colors("#FFFFFF") == ["#ffffff"]
    assert colors({"#000000": 1}) == []
    assert len(colors([f"#{number:06x}" for number in range(10_000)])) == 100
