"""The page of the gallery in a browser."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.command import scrapy
from tests.e2e.gallery import crawl, opened, plain, served, write
from wallpapers.catalogue.location import FILE_NAME

pytestmark = pytest.mark.system("chromium", package="chromium")

HOSTILE = "</script><img src=x onerror=alert(1)> # ? % \" ' \n \u202e"
SHOWN = [
    plain(1, "山 at night", "#101030", "4K"),
    plain(2, "red sea", "#c81e1e"),
    plain(3, "blue phone", "#1e64c8", "phone"),
    plain(4, "red lake 山", "#b02020", "4K"),
    plain(5, "to be hostile", "#e0e0e0"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    crawl(folder, SHOWN)
    with closing(sqlite3.connect(folder / "store" / FILE_NAME)) as catalogue:
        catalogue.execute(
            "UPDATE wallpapers SET item = json_set(item, '$.title', ?, '$.page_url', ?) "
            "WHERE item LIKE '%to be hostile%'",
            (HOSTILE, "javascript:alert(1)"),
        )
        catalogue.commit()
    assert write(folder).status == 0
    return folder


@pytest.fixture(params=["file", "served"])
def page(request: pytest.FixtureRequest, browser: Browser, folder: Path) -> Iterator[Page]:
    """A page at which nothing fails, nothing pops up and nothing is requested from elsewhere."""
    faults: list[str] = []
    if request.param == "file":
        address = (folder / "store" / "gallery" / "index.html").as_uri()
        with opened(browser, address, faults) as tab:
            yield tab
    else:
        with served(folder) as address, opened(browser, address, faults) as tab:
            yield tab
    assert faults == []


def titles(page: Page) -> set[str]:
    return {str(image.get_attribute("alt")) for image in page.locator(".tile img").all()}


def test_the_newest_are_shown_while_the_others_are_loaded(browser: Browser, folder: Path) -> None:
    with served(folder) as address, opened(browser, "", []) as page:
        waiting: list[Route] = []
        page.route("**/data.js?before=*", lambda route, _: waiting.append(route))
        page.goto(address, wait_until="commit")
        expect(page.locator(".tile")).to_have_count(5)
        expect(page.locator("#count")).to_have_text("Loading …")
        page.locator(".tile").first.focus()
        waiting[0].continue_()
        expect(page.locator("#count")).to_have_text("5 of 5")
        expect(page.locator(".tile").first).to_be_focused()


def add_copies(catalogue: sqlite3.Connection, count: int) -> None:
    """Add wallpapers that differ in their ids from the first one."""
    rows = catalogue.execute("SELECT * FROM wallpapers LIMIT 1")
    names = [column[0] for column in rows.description]
    row = dict(zip(names, rows.fetchone(), strict=True))
    for number in range(count):
        item = json.loads(row["item"]) | {"id": f"copy{number}"}
        copy = row | {"id": item["id"], "item": json.dumps(item)}
        marks = ", ".join("?" * len(names))
        catalogue.execute(f"INSERT INTO wallpapers VALUES ({marks})", list(copy.values()))
    catalogue.commit()


def choose(page: Page, facet: str, value: str) -> None:
    page.locator(f'[data-facet="{facet}"][data-value="{value}"]').click()


def test_search_and_filters_narrow_the_view(page: Page) -> None:
    assert len(titles(page)) == 5
    page.keyboard.press("/")
    page.keyboard.type("山")
    expect(page.locator("#count")).to_have_text("2 of 5")
    choose(page, "colour", "red")
    expect(page.locator("#count")).to_have_text("1 of 5")
    assert titles(page) == {"red lake 山"}
    page.go_back()
    expect(page.locator("#count")).to_have_text("2 of 5")
    page.locator("#clear").click()
    choose(page, "size", "4K")
    expect(page.locator("#count")).to_have_text("2 of 5")
    page.reload()  # the address has the view
    expect(page.locator("#count")).to_have_text("2 of 5")


def test_search_ignores_case_and_takes_every_character_as_it_is(page: Page) -> None:
    found = {
        "RED Lake 山": "1 of 5",
        "r.d": "Nothing found",
        "[(*+?^$\\|": "Nothing found",
        "山": "2 of 5",
    }
    for words, count in found.items():
        page.locator("#search").fill(words)
        expect(page.locator("#count")).to_have_text(count)


def test_wallpapers_beyond_the_first_script_are_shown_too(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    store = shutil.copytree(folder / "store", tmp_path / "store")
    with closing(sqlite3.connect(store / FILE_NAME)) as catalogue:
        add_copies(catalogue, 1_200)
    assert write(tmp_path).status == 0
    page_file = store / "gallery" / "index.html"
    assert re.search(r'data-later="data-[^" ]+"', page_file.read_text())
    faults: list[str] = []
    with opened(browser, page_file.as_uri(), faults) as page:
        expect(page.locator("#count")).to_have_text("1,205 of 1,205")
        page.locator("#search").fill("copy1199")
        expect(page.locator("#count")).to_have_text("1 of 1,205")
    assert faults == []


def test_a_picture_opens_and_the_back_button_closes_it(page: Page) -> None:
    page.locator(".tile", has=page.get_by_alt_text("red sea")).click()
    expect(page.locator("#lightbox")).to_be_visible()
    expect(page.locator("#title")).to_have_text("red sea")
    expect(page.locator("#facts")).to_contain_text("1920 × 1080, JPEG")
    expect(page.locator("#picture")).to_have_js_property("naturalWidth", 1920)
    page.go_back()
    expect(page.locator("#lightbox")).to_be_hidden()


def test_the_keyboard_suffices(page: Page) -> None:
    page.locator(".tile").first.focus()
    first = page.evaluate("document.activeElement.firstChild.alt")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.firstChild.alt")
    assert first != second
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text(second)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#title")).to_have_text(first)
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()
    assert page.evaluate("document.activeElement.firstChild.alt") == first
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()


def test_star_hide_and_undo_survive_a_reload(page: Page) -> None:
    page.locator(".tile", has=page.get_by_alt_text("blue phone")).click()
    page.keyboard.press("s")
    expect(page.locator("#star")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("x")
    expect(page.locator("#hide")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#count")).to_have_text("4 of 5")
    page.reload()
    expect(page.locator("#count")).to_have_text("4 of 5")
    choose(page, "marks", "hidden")
    expect(page.locator("#count")).to_have_text("1 of 5")
    page.locator(".tile").click()
    page.keyboard.press("x")
    page.keyboard.press("u")
    expect(page.locator("#hide")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("x")
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    page.locator("#clear").click()
    expect(page.locator("#count")).to_have_text("5 of 5")


def test_decisions_of_a_file_are_exported_for_the_program(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    faults: list[str] = []
    with opened(browser, (folder / "store/gallery/index.html").as_uri(), faults) as page:
        page.locator(".tile", has=page.get_by_alt_text("red sea")).focus()
        page.keyboard.press("x")
        with page.expect_download() as download:
            page.get_by_role("button", name="Export hide.txt (1)").click()
        download.value.save_as(tmp_path / "hide.txt")
    store = ("-s", f"IMAGES_STORE={folder / 'store'}")
    assert scrapy("hide", "--from", str(tmp_path / "hide.txt"), *store).output == (
        "1 wallpaper hidden\n"
    )
    assert scrapy("unhide", "--from", str(tmp_path / "hide.txt"), *store).status == 0


def test_a_change_that_the_server_refuses_is_undone_on_the_page(
    browser: Browser, folder: Path
) -> None:
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        route.abort()

    with served(folder) as address, opened(browser, address, []) as page:
        page.locator(".tile").first.click()
        star, hide = page.locator("#star"), page.locator("#hide")
        page.keyboard.press("s")
        expect(star).to_have_attribute("aria-pressed", "true")
        page.route("**/decisions", refuse)
        page.keyboard.press("x")
        expect(page.locator("#message")).to_have_text("Not saved: the server does not answer")
        expect(hide).to_have_attribute("aria-pressed", "false")
        with page.expect_event("requestfailed"):
            page.keyboard.press("u")
        expect(star).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#message")).to_have_text("Not saved: the server does not answer")
        assert len(refused) == 2
        page.unroute("**/decisions")
        page.keyboard.press("u")
        expect(page.locator("#message")).to_have_text("Undone")
        expect(star).to_have_attribute("aria-pressed", "false")


def test_the_filters_are_in_chinese(browser: Browser, folder: Path) -> None:
    faults: list[str] = []
    address = (folder / "store/gallery/index.html").as_uri()
    with opened(browser, address, faults, locale="zh-CN") as page:
        expect(page.locator("#count")).to_have_text("5 / 5 张")
        expect(page.locator("[data-value=portrait]")).to_have_text("竖图1")
        red = page.locator("[data-value=red]")
        expect(red).to_have_text("红2")
        expect(red).to_have_attribute("aria-pressed", "false")
    assert faults == []


def test_hostile_texts_are_shown_as_text(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("onerror")
    page.keyboard.press("Enter")
    page.locator(".tile").click()
    shown = page.locator("#title").text_content() or ""
    assert "<img src=x onerror=alert(1)> # ? % \" '" in shown
    assert page.locator("#facts a").count() == 0  # javascript: does not become a link


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
def test_axe_finds_no_serious_fault(
    browser: Browser, folder: Path, width: int, scheme: str, locale: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    faults: list[str] = []
    options: dict[str, Any] = {"viewport": {"width": width, "height": 740}, "color_scheme": scheme}
    # The page's own policy would keep out the script that examines it.
    options |= {"locale": locale, "bypass_csp": True}
    with opened(browser, (folder / "store/gallery/index.html").as_uri(), faults, **options) as page:
        expect(page.locator("#search")).to_have_attribute(
            "placeholder",
            "标题、标签、关键词、作者、来源"
            if locale == "zh-CN"
            else "title, tag, word, credit, source",
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page, options={"preload": False}).response["violations"]
        page.locator(".tile").first.click()
        expect(page.locator("#lightbox")).to_be_visible()
        found += Axe().run(page, options={"preload": False}).response["violations"]
    serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    assert json.dumps([(f["id"], f["nodes"][0]["html"]) for f in serious]) == "[]"
    assert faults == []
