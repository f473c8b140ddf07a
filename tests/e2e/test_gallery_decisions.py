"""Stars on a served gallery while requests to its server fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.gallery import crawl, opened, plain, served

pytestmark = pytest.mark.system("chromium", package="chromium")


@pytest.mark.parametrize(
    ("answers", "is_starred"),
    [([False, False], "false"), ([False, True, True], "true"), ([True, False], "true")],
)
def test_quick_changes_of_which_some_fail_show_what_the_server_has(
    browser: Browser, tmp_path: Path, answers: list[bool], is_starred: str
) -> None:
    crawl(tmp_path, [plain(1, "red sea", "#c81e1e")])
    left = list(answers)
    with served(tmp_path) as address, opened(browser, address, []) as page:
        page.route(
            "**/decisions", lambda route: route.continue_() if left.pop(0) else route.abort()
        )
        page.locator(".tile").first.click()
        star = page.locator("#star")
        star.evaluate("(button, count) => { while (count--) button.click(); }", len(answers))
        page.evaluate("() => saving")
        assert left == []
        expect(star).to_have_attribute("aria-pressed", is_starred)
        page.reload()
        expect(star).to_have_attribute("aria-pressed", is_starred)
