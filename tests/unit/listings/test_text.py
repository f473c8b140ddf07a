"""Text and addresses of a listing: cleaned, masked, and bounded."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wallpapers.downloads.addresses import is_valid_address
from wallpapers.listings import text
from wallpapers.listings.masking import mask_address

MISSPELLED = (
    "http:me:canary@host/x",
    "http:/me:canary@host/x",
    "http:///me:canary@host/x",
    "http:////me:canary@host/x",
    "http://me:canary/x@host/x",
    "http://me:canary?@host/x",
    "http://me:canary#@host/x",
    "//me:canary@host/x",
    "///me:canary@host/x",
    r"http:\\me:canary@host/x",
    r"http:\/me:canary@host/x",
    r"\\me:canary@host/x",
    r"http://host\@me:canary@host/x",
    "ht\ttp://me:canary@host/x",
    "http:/\n/me:canary@host/x",
    "http://me:can\r\nary@host/x",
    "http://me:canary%40host/x",
    "http://me%3Acanary%40host/x",
    "http://me:canary%2540host/x",
    "http%3A%2F%2Fme%3Acanary%40host%2Fx",
    "http%253A%252F%252Fme%253Acanary%2540host/x",
    "http://me:canary&#64;host/x",
    "http://me:canary\uff20host/x",
    "http://me:canary",
    "http:me:canary/x",
    "HTTPS://ME:canary@host/x",
    "  http://me:canary@host/x",
    "http ://me:canary@host/x",
    "ftp://me:canary@host/x",
    "me:canary@host/x",
    "http://canary@host/x",
    "http://me:canary@[::1/x",
    "http://me:p@canary@host/x",
)
WELL_FORMED = (
    "http://host/x",
    "HTTP://host/x",
    "https://host:8443/a@2x.jpg",
    "https://host/@me/a:b@c.jpg?mail=a@b#c@d",
    "http://[::1]:80/x",
    "http://[fe80::1%25eth0]/x",
    "https://壁纸.example/山.jpg",
)


@pytest.mark.parametrize("spelling", MISSPELLED)
def test_no_spelling_of_an_address_shows_its_password(spelling: str) -> None:
    for shown in (
        text.address(spelling),
        text.page_address(spelling),
        text.joined("http://base/", spelling),
        text.joined("https://base/", spelling),
        text.page_address(spelling, "http://base/"),
    ):
        assert "canary" not in shown
    assert not is_valid_address(text.address(spelling))


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        ("http://host/a\u202eb.jpg", "http://host/a%E2%80%AEb.jpg"),
        ("http://host/a?b=\u200f#\x85c", "http://host/a?b=%E2%80%8F#%C2%85c"),
        ("http://host/a\x00\x1fb\x7f/", "http://host/a%00%1Fb%7F/"),
        ("http://host/a\uffff/山 .jpg", "http://host/a%EF%BF%BF/山 .jpg"),
        ("\x00 http://ho\tst/a\r\nb \u3000\x01", "http://host/ab"),
        ("http%3A%2F%2Fhost%2Fa%0A%E2%80%AEb", "http://host/a%E2%80%AEb"),
    ],
)
def test_an_address_is_encoded_as_by_browsers(listed: str, read: str) -> None:
    assert text.address(listed) == read
    assert text.page_address(listed, "http://base/") == read
    assert is_valid_address(read)


def test_a_host_with_a_bidirectional_mark_is_none() -> None:
    assert not is_valid_address(text.address("http://moc.elpmaxe\u202e/a.jpg"))


@pytest.mark.parametrize("url", WELL_FORMED)
def test_a_well_formed_address_is_unchanged(url: str) -> None:
    assert text.address(url) == text.joined("https://base/", url) == mask_address(url) == url
    assert is_valid_address(url)


@given(st.text(alphabet=r"htps:/\@%40?#[]. mecanry&;64", max_size=60))
@example("http:@")
def test_masking_twice_is_masking_once(url: str) -> None:
    assert mask_address(mask_address(url)) == mask_address(url)


@pytest.mark.parametrize(
    "path", ["/img@2x.jpg", "/a:b/c.jpg", "a/b.jpg", "?q=a@b", "//other/x@y.jpg"]
)
def test_a_relative_address_is_resolved(path: str) -> None:
    assert is_valid_address(text.joined("https://base/x/", path))
    assert text.joined("https://base/x/", path).endswith(path)


@pytest.mark.parametrize(
    ("value", "page"),
    [
        ("javascript:void(0)", ""),
        ("JavaScript:alert('a@b')", ""),
        ("about:blank", ""),
        ("data:text/html,x", ""),
        ("mailto:me@host", ""),
        ("https://host/x", "https://host/x"),
        ("", ""),
        (None, ""),
    ],
)
def test_other_schemes_are_not_page_addresses(value: object, page: str) -> None:
    assert text.page_address(value) == text.page_address(value, "https://base/") == page


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("see http://me:canary@host/ or a@b", "see http://***@host/ or a@b"),
        ("http://me:p@canary@host/ and a@b", "http://***@host/ and a@b"),
        ("http:me:canary@host/x", "http:***@host/x"),
        (r"(http:/\me:canary@host/x)", r"(http:/\***@host/x)"),
        ("http://me:canary?@host/x", "http://***@host/x"),
        ("http://me:canary%40host/x", "http://***@host/x"),
        ("ftp://me:canary\uff20host/x", "ftp://***@host/x"),
        ("http://a:canary@host,http://b:canary@host", "http://***@host,http://***@host"),
        ("http://host/img@2x.jpg, 100%40", "http://host/img@2x.jpg, 100%40"),
    ],
)
def test_passwords_in_a_title_are_masked(title: str, shown: str) -> None:
    assert text.plain_text(title) == shown


# Bounds


def calls_of(work: Any, *arguments: Any) -> int:
    """Return how many functions are called, those written in C among them."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work(*arguments)
    finally:
        sys.setprofile(None)
    return calls


def test_only_the_start_of_a_long_list_is_read() -> None:
    tags = [f"tag {number}" for number in range(1_000_000)]
    assert text.plain_texts(tags) == tags[:100]
    assert calls_of(text.plain_texts, tags) <= calls_of(text.plain_texts, tags[:1_000]) + 10
    assert text.plain_texts([""] * 1_000_000) == []


def test_a_long_text_is_truncated() -> None:
    assert text.plain_text("山" * 7_000_000) == "山" * 2_000
    assert len(text.plain_text("<" * 7_000_000)) <= 2_000


def test_a_long_id_is_hashed_as_a_whole() -> None:
    ids = {text.identity("x" * 5_000_000 + end, ["http://host/"]) for end in "ab"}
    ids.add(text.identity(10**4_000, []))
    assert len(ids) == 3
    assert {len(identity) for identity in ids} == {20}


def test_a_long_address_gives_an_empty_one() -> None:
    long = "http://host/" + "x" * 5_000_000
    assert text.address(long) == text.joined("https://base/", long) == ""
    assert not is_valid_address(long)
    assert text.identity(None, [text.address(long)])
