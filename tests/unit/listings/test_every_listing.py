"""What holds for every listing: its recorded page is read as expected, and no page breaks it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mutations import mutated
from wallpapers.errors import ListingError
from wallpapers.listings import (
    Page,
    baidu_channel,
    baidu_flip,
    baidu_imgs,
    baidu_search,
    bing_wallpaper,
    wallhaven,
)

RECORDED = Path(__file__).parents[2] / "recorded"
MOST_TIMES = 350  # as much as the largest recorded page takes, 0.3 ms on a machine of 2026

Parse = Callable[[bytes], Page]
PARSERS: dict[str, Parse] = {
    "baidu_imgs.json": baidu_imgs.parse_page,
    "baidu_search.data.json": baidu_search.parse_page,
    "baidu_search.images.json": partial(baidu_search.parse_page, previews=True),
    "baidu_channel.json": baidu_channel.parse_page,
    "baidu_flip.html": baidu_flip.parse_page,
    "baidu_flip.end.html": baidu_flip.parse_page,
    "bing_wallpaper.json": bing_wallpaper.parse_page,
    "wallhaven.json": wallhaven.parse_page,
}
every = pytest.mark.parametrize("recorded", PARSERS)


def body_of(recorded: str) -> bytes:
    return (RECORDED / recorded).read_bytes()


@every
def test_a_recorded_page_gives_the_expected_items(recorded: str) -> None:
    page = PARSERS[recorded](body_of(recorded))
    expected = json.loads((RECORDED / f"{recorded}.expected.json").read_text())
    assert [vars(wallpaper) for wallpaper in page.wallpapers] == expected["wallpapers"]
    assert dict(page.rejected) == expected["rejected"]
    assert (page.entries, page.total) == (expected["entries"], expected["total"])
    assert page.ended is expected["ended"]


@every
def test_a_recorded_page_shows_no_drift(recorded: str) -> None:
    assert not PARSERS[recorded](body_of(recorded)).drift


def throw_mutated_pages(recorded: str, count: int) -> None:
    parse = PARSERS[recorded]
    largest = "baidu_search.data.json"
    control_s = min(seconds_of(PARSERS[largest], body_of(largest)) for _ in range(10))

    @settings(
        max_examples=count,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(mutated(body_of(recorded)))
    def check(body: bytes) -> None:
        # The CPU's time, and a second look: a busy machine or a collection is not the parser's.
        took_s = min(seconds_of(parse, body) for _ in range(2))
        assert took_s < MOST_TIMES * control_s

    check()


def seconds_of(parse: Parse, body: bytes) -> float:
    begun = time.thread_time()
    try:
        page = parse(body)
    except ListingError:
        pass
    else:
        json.dumps([vars(wallpaper) for wallpaper in page.wallpapers]).encode()
        str(page.drift).encode()
    return time.thread_time() - begun


@every
def test_no_mutated_page_raises_anything_but_listing_errors(recorded: str) -> None:
    throw_mutated_pages(recorded, 300)


@pytest.mark.slow
@every
def test_none_of_ten_thousand_mutated_pages_breaks_a_parser(recorded: str) -> None:
    throw_mutated_pages(recorded, 10_000)


@every
@given(body=st.binary(max_size=200))
def test_no_random_bytes_raise_anything_but_listing_errors(recorded: str, body: bytes) -> None:
    seconds_of(PARSERS[recorded], body)
