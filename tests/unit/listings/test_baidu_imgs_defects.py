"""Pages of Baidu's channels with its defects, and responses that are not a page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.listings.test_baidu_imgs import ENTRY, body, entry, only
from wallpapers.errors import ListingCutError, ListingError, ListingRefusedError, WallpapersError
from wallpapers.listings.baidu_imgs import parse_page

# Bodies with Baidu's defects


def test_unknown_escapes_are_repaired() -> None:
    raw = body(entry(title="TITLE")).replace(b"TITLE", rb"it\'s \u5c71 \"so\" C:\\'x'")
    assert only(raw).title == "it's 山 \"so\" C:\\'x'"


def test_raw_control_characters_are_read() -> None:
    raw = body(entry(title="TITLE")).replace(b"TITLE", b"one\ttwo\nthree\x01")
    assert only(raw).title == "one two three"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_the_encoding_is_detected(encoding: str) -> None:
    text = body(entry(title="国家地理壁纸")).decode()
    assert only(text.encode(encoding)).title == "国家地理壁纸"


def test_a_damaged_character_does_not_make_the_others_unreadable() -> None:
    raw = body(entry(title="国家地理TITLE")).replace(b"TITLE", b"\xe5\x9b")
    assert only(raw).title.startswith("国家地理")


def test_a_lone_surrogate_can_be_written_to_a_feed() -> None:
    raw = body(entry(title="TITLE")).replace(b"TITLE", rb"\ud83d\ude00 \ud800")
    assert only(raw).title.encode() == "😀 ?".encode()


# Responses that are not a page


@pytest.mark.parametrize(
    ("raw", "kind", "words"),
    [
        (b"<!DOCTYPE html><html>", ListingError, "not JSON"),
        (b"[1, 2]", ListingError, "expected an object, got list"),
        (b'"text"', ListingError, "expected an object, got str"),
        (b'{"imgs": {"a": 1}}', ListingError, "expected a list in imgs, got dict"),
        (b"[" * 200_000, ListingError, "nested too deeply"),
        (b'{"a":' * 20_001, ListingError, "more than 20000 objects"),
        (b"{}," * 2_000_000, ListingError, "more than 20000 objects"),
        (b"", ListingCutError, "empty"),
        (b" \r\n", ListingCutError, "empty"),
        (body(entry())[:-300], ListingCutError, "invalid JSON at character"),
        (
            b'{"antiFlag":1,"message":"Forbid spider access","bfe_log_id":"95766"}',
            ListingRefusedError,
            "antiFlag.*Forbid spider access",
        ),
    ],
    ids=lambda value: repr(value)[:24] if isinstance(value, bytes) else None,
)
def test_an_unexpected_response_is_described(raw: bytes, kind: type[Exception], words: str) -> None:
    with pytest.raises(ListingError, match=words) as caught:
        parse_page(raw)
    assert type(caught.value) is kind


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.text() | st.sampled_from([*ENTRY, "imgs", "totalNum"]), children, max_size=6
        )
    ),
    max_leaves=20,
)


@given(_JSON, st.integers(0, 400))
def test_no_response_raises_anything_but_listing_errors(answer: Any, cut: int) -> None:
    raw = json.dumps({"imgs": [answer, {**ENTRY, "tags": answer}]}).encode()
    for candidate in (raw, raw[:-cut], json.dumps(answer).encode()):
        try:
            page = parse_page(candidate)
        except WallpapersError:
            continue
        json.dumps([vars(wallpaper) for wallpaper in page.wallpapers]).encode()
