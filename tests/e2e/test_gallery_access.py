"""The gallery without a mouse, and for people whom motion disturbs."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.gallery import crawl, opened, plain, served, write

pytestmark = pytest.mark.system("chromium", package="chromium")

COLOURS = ("#c81e1e", "#1e64c8", "#1ea01e", "#e0e0e0", "#101030")
ACCENTS = {"light": (0x0B, 0x5C, 0xAD), "dark": (0x7D, 0xB8, 0xF5)}  # of style.css
MARGIN = 8  # pixels around an element, in which its ring is


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("gallery")
    crawl(folder, [plain(n, f"number {n}", colour) for n, colour in enumerate(COLOURS)])
    assert write(folder).status == 0
    return (folder / "store" / "gallery" / "index.html").as_uri()


@pytest.fixture(params=ACCENTS)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, address: str, scheme: str) -> Iterator[Page]:
    faults: list[str] = []
    with opened(browser, address, faults, color_scheme=scheme) as tab:
        expect(tab.locator("#filters button").first).to_be_visible()
        yield tab
    assert faults == []


def has_ring(element: Locator, scheme: str) -> bool:
    """Return whether the accent colour surrounds *element* on all sides."""
    box = element.bounding_box()
    assert box is not None
    left, top = box["x"] - MARGIN, box["y"] - MARGIN
    width, height = box["width"] + 2 * MARGIN, box["height"] + 2 * MARGIN
    content = element.page.screenshot(clip={"x": left, "y": top, "width": width, "height": height})
    picture = Image.open(BytesIO(content)).convert("RGB")
    x, y = picture.width // 2, picture.height // 2
    sides = (
        [(x, margin) for margin in range(MARGIN)],
        [(x, picture.height - 1 - margin) for margin in range(MARGIN)],
        [(margin, y) for margin in range(MARGIN)],
        [(picture.width - 1 - margin, y) for margin in range(MARGIN)],
    )
    return all(ACCENTS[scheme] in {picture.getpixel(place) for place in side} for side in sides)


def press_until_focused(page: Page, key: str, element: Locator) -> None:
    for _ in range(100):
        page.keyboard.press(key)
        if element.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{key} does not reach {element}")


def test_focus_moves_into_the_picture_and_back_to_its_tile(page: Page, scheme: str) -> None:
    second = page.locator(".tile").nth(1)
    press_until_focused(page, "Tab", page.locator(".tile").first)
    page.keyboard.press("ArrowRight")
    assert has_ring(second, scheme)
    page.keyboard.press("Enter")
    inside = page.locator("#lightbox :focus")
    expect(inside).to_have_count(1)
    assert has_ring(inside, scheme)
    page.keyboard.press("Escape")
    expect(second).to_be_focused()
    assert has_ring(second, scheme)


def test_focus_goes_to_the_tile_of_the_last_picture(page: Page) -> None:
    press_until_focused(page, "Tab", page.locator(".tile").first)
    titles = [image.get_attribute("alt") or "" for image in page.locator(".tile img").all()]
    for key, title in (("Enter", titles[0]), ("ArrowRight", titles[1]), ("ArrowRight", titles[2])):
        page.keyboard.press(key)
        expect(page.locator("#title")).to_have_text(title)
    press_until_focused(page, "Tab", page.locator("#close"))
    page.keyboard.press("Enter")
    expect(page.locator(".tile").nth(2)).to_be_focused()


def test_focus_stays_on_its_wallpaper_when_others_are_stored(
    browser: Browser, tmp_path: Path
) -> None:
    crawl(tmp_path, [plain(n, f"number {n}", colour) for n, colour in enumerate(COLOURS)])
    faults: list[str] = []
    with served(tmp_path) as address, opened(browser, "", faults) as page:
        page.clock.install()
        page.goto(address)
        expect(page.locator(".tile")).to_have_count(5)
        second = page.locator(".tile").nth(1)
        press_until_focused(page, "Tab", page.locator(".tile").first)
        page.keyboard.press("ArrowRight")
        title = second.get_attribute("title")
        crawl(tmp_path, [plain(n, f"number {n}", "#204060") for n in (7, 8)])
        page.clock.run_for(5_000)
        expect(page.locator(".tile")).to_have_count(7)
        expect(page.locator(".tile").nth(3)).to_be_focused()
        assert page.locator(".tile:focus").get_attribute("title") == title
    assert faults == []


@pytest.mark.parametrize("name", ["#search", "#sort", "#help-button", "[data-value=red]"])
def test_a_focused_element_has_a_ring(page: Page, scheme: str, name: str) -> None:
    control = page.locator(name)
    assert not has_ring(control, scheme)
    press_until_focused(page, "Tab", control)
    assert has_ring(control, scheme)


def test_a_chosen_filter_keeps_the_focus(page: Page, scheme: str) -> None:
    red = page.locator("[data-value=red]")
    press_until_focused(page, "Tab", red)
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("1 of 5")
    expect(red).to_have_attribute("aria-pressed", "true")
    expect(red).to_be_focused()
    assert has_ring(red, scheme)


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
def test_reduced_motion_switches_animations_off(
    browser: Browser, address: str, motion: str, moves: bool
) -> None:
    faults: list[str] = []
    with opened(browser, address, faults, reduced_motion=motion) as page:
        tile = page.locator(".tile img").first
        tile.hover()
        style = tile.evaluate(
            "(image) => { const { transform, transitionDuration } ="
            " getComputedStyle(image); return [transform, transitionDuration]; }"
        )
        assert (style != ["none", "0s"]) == moves
        page.keyboard.press("End")
        tile.click()
        expect(page.locator("#lightbox")).to_be_visible()
        assert moves or page.evaluate("document.getAnimations().length") == 0
    assert faults == []
