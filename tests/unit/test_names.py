"""File names are readable, valid on three systems, and different for different texts."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallpapers.storage.names import folded, safe_name


@pytest.mark.parametrize(
    "text", ["9561172051", "国家地理", "baidu_wallpaper", "风景-海滩沙滩", "a.b c", "A", "Ab 国家"]
)
def test_a_valid_name_is_unchanged(text: str) -> None:
    assert safe_name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("..", ".", "", " ", "../../etc/passwd", "a/b", "a\\b", "a:b", "a\0b", "%2e%2e", "a?b"),
        *("CON", "con", "nul.jpg", "COM1", "lpt9.txt", "a.", "a ", ".hidden", "Ä", "x" * 5000),
        *("e\u0301", "山" * 200, "a\u202eb", "a\nb", "\ud800", "a-0123456789", f"a-{20 * '0'}"),
    ],
)
def test_an_invalid_name_is_changed_and_gets_a_hash(text: str) -> None:
    name = safe_name(text)
    assert name != text
    assert_safe(name)


@given(st.text(max_size=300))
def test_any_text_gives_a_safe_name(text: str) -> None:
    assert_safe(safe_name(text))


@given(
    st.text(alphabet="aAéé./ -_\0山0", max_size=12), st.text(alphabet="aAéé./ -_\0山0", max_size=12)
)
def test_two_texts_never_share_a_name(one: str, other: str) -> None:
    if one != other:
        assert safe_name(one) != safe_name(other)
    if folded(one) != folded(other):
        assert safe_name(one).casefold() != safe_name(other).casefold()


def test_names_that_look_hashed_get_a_hash() -> None:
    assert safe_name(safe_name("a/b")) != safe_name("a/b")


def test_a_changed_name_has_at_least_eighty_bits_of_hash() -> None:
    for text in ("Ä", "a/b", "x" * 5000, "山" * 200):
        assert re.search("-[0-9a-f]{20}$", safe_name(text))


def assert_safe(name: str) -> None:
    assert 0 < len(name.encode()) <= 120
    assert not set(name) & set('<>:"/\\|?*%')
    assert all(unicodedata.category(character) not in ("Cc", "Cs") for character in name)
    assert name not in (".", "..")
    assert name == name.strip(" .")
    assert name.partition(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
