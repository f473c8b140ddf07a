"""The addresses that Baidu scrambles: as samples have them, there and back, and left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.standin.sources import scramble
from wallpapers.listings.objurl import decode
from wallpapers.listings.text import address


@pytest.mark.parametrize(
    ("listed", "plain"),
    [
        # A real one, of 2020.
        (
            "ippr_z2C$qAzdH3FAzdH3Fckalbbjclcddc_z&e3Bv1g_z&e3Bf5i7vf_z&e3Bv54AzdH3Ft4w2jfAzdH3F"
            "da8ba8d0AzdH3Fuv1kjbn0ulnj9ajlww9jjkwudww8ajv1_z&e3B3rj2",
            "http://5b0988e595225.cdn.sohucs.com/images/20180127/"
            "fcdbe837f93e40e9aa4eebaf2aa10ecd.jpeg",
        ),
        # Capitals, and what no table names, stay.
        (
            "ipprf_z2C$qAzdH3FAzdH3FwAzdH3FktTi6jw1AzdH3FB-x_y%zZ?w=8&k=d_mcaX9ba_z&e3B3r2",
            "https://a/biThread/B-x_y%zZ?a=1&b=2_650X480.jpg",
        ),
        # Plain, as older answers and the web page have them.
        (
            "https://gimg2.baidu.com/image_search/src=http%3A%2F%2Fa.cn%2F1.jpg&refer=http%3A%2F"
            "%2Fa.cn&fmt=auto?sec=1620389150&t=0123456789abcdef",
            "https://gimg2.baidu.com/image_search/src=http%3A%2F%2Fa.cn%2F1.jpg&refer=http%3A%2F"
            "%2Fa.cn&fmt=auto?sec=1620389150&t=0123456789abcdef",
        ),
        # Percent-encoded as a whole.
        ("http%3A%2F%2Ffe.topit.me%2Fe%2F1.jpg", "http://fe.topit.me/e/1.jpg"),
        ("", ""),
        ("//img.cn/1.jpg", "//img.cn/1.jpg"),
        ("http://img.cn/AzdH3F_z&e3B.jpg", "http://img.cn/AzdH3F_z&e3B.jpg"),
    ],
    ids=["real", "capitals", "plain", "percent", "empty", "relative", "plain with markers"],
)
def test_every_kind_of_address_is_decoded(listed: str, plain: str) -> None:
    assert address(decode(listed)) == plain


_PATH = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-_%?=&+~,;!()$")


@given(st.sampled_from(["http", "https"]), _PATH)
def test_a_scrambled_address_is_decoded(scheme: str, path: str) -> None:
    plain = f"{scheme}://{path}"
    scrambled = scramble(plain)
    # Text that reads like a marker once it is scrambled cannot be told from one.
    markers = ("_z2C$q", "_z&e3B", "AzdH3F")
    if sum(map(scrambled.count, markers)) == sum(map(plain.count, ":./")):
        assert decode(scrambled) == plain


@given(st.sampled_from(["http://", "https://"]), st.text())
def test_a_plain_address_is_unchanged(scheme: str, rest: str) -> None:
    assert decode(scheme + rest) == scheme + rest


@given(st.text())
def test_no_text_raises(text: str) -> None:
    decode(text)
