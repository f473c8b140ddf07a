"""JSON is read as servers send it, in work that is bounded by its length."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from wallpapers.errors import ListingCutError, ListingError
from wallpapers.listings.tolerant_json import load

QUARTER = 256 * 1024  # so that each body has some two megabytes


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a": "C:\users\me"}', {"a": "C:usersme"}),
        (rb'{"a": "\u12"}', {"a": "u12"}),
        (rb'{"a": "\u"}', {"a": "u"}),
        (rb'{"a": "\u12G4\u0041"}', {"a": "u12G4A"}),
        (rb'{"a": "it\'s \x41 \xZZ \- \\u12 \" \/"}', {"a": "it's A xZZ - \\u12 \" /"}),
        (rb'{"a": "\\\u"}', {"a": "\\u"}),
        (b'{"a": [1, 2,], "b": 3,}', {"a": [1, 2], "b": 3}),
        (b'{"a": [1,, 2 ,\n], }', {"a": [1, 2]}),
        (rb'{"a": "\',]", "b": ",}",}', {"a": "',]", "b": ",}"}),
        (b'{"a": undefined, "b": "undefined \\\'"}', {"a": None, "b": "undefined '"}),
        (b'{"a": "\x00\x01\t\n\x7f"}', {"a": "\x00\x01\t\n\x7f"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf\xef\xbb\xbf \0{"a": 1}', {"a": 1}),
        (b'{"a": 1}\0', {"a": 1}),
        (b'{"a": 1}\n<!-- 0.3 s -->', {"a": 1}),
        ('{"a": "壁纸",}'.encode("gbk"), {"a": "壁纸"}),
        ('{"a": "山",}'.encode("utf-16"), {"a": "山"}),
        (b'{"a": ' + b"1" * 5_000 + b"}", {"a": None}),
    ],
)
def test_known_defects_are_repaired(body: bytes, value: object) -> None:
    assert load(body) == value


def test_numbers_outside_of_json_are_read() -> None:
    assert str(load(b'{"a": [NaN, Infinity, -Infinity],}')) == "{'a': [nan, inf, -inf]}"


@pytest.mark.parametrize(
    "bad",
    [
        '{"id": "2", "title": "a "quoted" word", "n": {"x": 1}}',
        '{"id": "2", "title": bare}',
        '{"id": "2" "title": "x"}',
        '{"id": }',
        "{'id': '2'}",
        '{"id": "2", "n": [1 2], "m": 5}',
        pytest.param('{"id": "2", "n": ' + "[" * 50_000 + "]" * 50_000 + "}", id="deep"),
    ],
)
def test_an_invalid_entry_is_skipped(bad: str) -> None:
    for entries, expected in (
        (f'[{bad}, {{"id": "3"}}]', [None, {"id": "3"}]),
        (f'[{{"id": "1"}}, {bad}]', [{"id": "1"}, None]),
        (f'[{{"id": "1"}}, {bad}, {{"id": "3"}}]', [{"id": "1"}, None, {"id": "3"}]),
    ):
        answer = load(f'{{"data": {{"imgs": {entries}, "total": 5}}}}'.encode())
        assert answer == {"data": {"imgs": expected, "total": 5}}


def test_too_many_invalid_entries_fail_the_page() -> None:
    with pytest.raises(ListingCutError):
        load(b'{"imgs": [' + b", ".join([b'{"id": }'] * 20) + b"]}")


def test_a_truncated_body_is_not_repaired() -> None:
    whole = b'{"imgs": [{"id": "1"}, {"id": "2", "title": "x"}, {}]}'
    for end in range(1, len(whole)):
        with pytest.raises(ListingCutError):
            load(whole[:end])


HOSTILE = {
    "an open string": b'{"a": "' + b'\\"' * (4 * QUARTER),
    "bad escapes": b'{"a": "' + b"\\u" * (4 * QUARTER) + b'"}',
    "commas": b'{"a": [' + b"," * (8 * QUARTER),
    "commas and blanks": b'{"a": [' + b",      " * QUARTER + b"x",
    "blanks": b'{"a": [,' + b" " * (8 * QUARTER) + b"x",
    "quotes": b'{"a": [' + b'"' * (8 * QUARTER),
    "backslashes": b'{"a": "' + b"\\" * (8 * QUARTER),
    "braces in lists": b'{"a": [{"b" ' + b"}, ]" * (2 * QUARTER),
    "broken entries": b'{"a": [' + b'{"b" },' * 10_000 + b'"' + b"x" * (7 * QUARTER),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_parsing_a_hostile_body_takes_linear_time(kind: str) -> None:
    """Each pass looks at a character once (possessive patterns); so passes and tokens count."""
    body = HOSTILE[kind]
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        load(body)
    except ListingError:
        pass
    finally:
        sys.setprofile(None)
    assert calls < len(body)
