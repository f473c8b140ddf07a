"""Look-alikes in the gallery: side by side, and all but one hidden by a click."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.command import scrapy
from tests.e2e.gallery import crawl, opened, served
from tests.look_variants import EASY, recompressed
from tests.pictures import encoded, exhibit
from wallpapers.demo import scenes

pytestmark = pytest.mark.system("chromium", package="chromium")

LAKE = recompressed("JPEG", 90)(scenes.draw("lake", 5, 1280, 720))
PICTURES = {
    "lake": LAKE,
    **{name: EASY[name](LAKE) for name in ("half", "jpeg")},
    "dunes": scenes.draw("dunes", 5, 1280, 720),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store in which three of four wallpapers are look-alikes, and look-alikes has run."""
    shown = [
        exhibit(0, encoded(picture, quality=90), title=name, width=picture.width, height=1)
        for name, picture in PICTURES.items()
    ]
    crawl(tmp_path, shown)
    store = ("-s", f"IMAGES_STORE={tmp_path / 'store'}")
    assert scrapy("look", *store).status == 0
    found = scrapy("look-alikes", *store)
    assert found.output.splitlines()[-1] == "1 picture with 2 further copies"
    return tmp_path


def hidden(folder: Path) -> int:
    listed = scrapy("hide", "--list", "-s", f"IMAGES_STORE={folder / 'store'}")
    assert listed.status == 0
    return len(listed.output.splitlines())


def choose(page: Page, title: str) -> None:
    page.locator(".tile", has=page.get_by_alt_text(title, exact=True)).click()


def test_all_but_the_one_that_is_kept_are_hidden(browser: Browser, folder: Path) -> None:
    faults: list[str] = []
    with served(folder) as address, opened(browser, address, faults) as page:
        choose(page, "dunes")
        expect(page.locator("#alike")).to_be_hidden()
        page.keyboard.press("Escape")
        choose(page, "half")
        copies = page.locator("#alike li")
        expect(copies).to_have_count(3)
        expect(copies.first).to_contain_text("1280 × 720 · best")
        expect(page.locator("#alike [aria-current=true]")).to_contain_text("640 × 360")
        for image in page.locator("#alike img").all():
            expect(image).not_to_have_js_property("naturalWidth", 0)
        copies.first.get_by_role("button", name="Keep this one").click()
        expect(page.locator("#alike li.hidden")).to_have_count(2)
        expect(copies.first).not_to_have_class("hidden")
        page.keyboard.press("Escape")
        expect(page.locator("#count")).to_have_text("2 of 4")
        expect(page.locator(".tile")).to_have_count(2)
        assert hidden(folder) == 2
        page.keyboard.press("u")
        expect(page.locator("#count")).to_have_text("4 of 4")
        expect(page.locator("#message")).to_have_text("Undone")
        assert hidden(folder) == 0
    assert faults == []
