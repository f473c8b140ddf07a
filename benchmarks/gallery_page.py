"""Measure the page of the gallery in Chromium, with rows that are made up.

    .venv/bin/python -m benchmarks.gallery_page 50000 200000

It needs playwright and Debian's chromium. Each figure is the median of several runs.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from wallpapers.gallery.build import data_scripts, index_page, page_parts
from wallpapers.gallery.rows import COLUMNS

ROUNDS = 5
_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--js-flags=--expose-gc", "--enable-precise-memory-info"),
]
_FILTER = """(value) => {
  const began = performance.now();
  const view = Gallery.readView(location.hash);
  view.query = value;
  view.chosen.colour.add("red");
  const found = Gallery.select(view, Gallery.orderOf(view));
  return [performance.now() - began, found.length];
}"""
_NOTE_FIRST_TILE = """new MutationObserver((_, observer) => {
  if (!document.querySelector(".tile")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.firstTileMs = performance.now(); }));
}).observe(document, { childList: true, subtree: true })"""
_WORDS = [
    *("mountain", "lake", "forest", "night", "sea", "desert", "city", "aurora"),
    *("山", "湖", "森林", "星空", "海", "秋天"),
]


def row(number: int, chance: random.Random) -> list[Any]:
    """Return a row like those of a large store: a title, ten tags, a palette."""
    width, height = chance.choice([(3840, 2160), (1920, 1080), (2560, 1440), (1080, 1920)])
    stored_at = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=number * 630)
    listing = f"listing {number % 300}"
    values = {
        "source": chance.choice(["wallhaven", "bing_wallpaper", "baidu_search"]),
        "id": f"{number:08d}",
        "path": f"wallhaven/{listing}/{number:08d}.jpg",
        "sha256": f"{chance.getrandbits(256):064x}",
        "title": f"{' '.join(chance.sample(_WORDS, 3))} {number}",
        "tags": "\n".join(chance.sample(_WORDS, 10)),
        "listings": [listing],
        "credit": f"photographer {number % 5000}",
        "licence": "",
        "page": f"https://wallhaven.cc/w/{number:08d}",
        "width": width,
        "height": height,
        "format": "JPEG",
        "bytes": chance.randrange(200_000, 6_000_000),
        "stored_at": stored_at.isoformat(),
        "colours": chance.getrandbits(12) & chance.getrandbits(12),
        "lightness": chance.randrange(100),
        "group": None,
        "quality": 0,
        "starred": False,
        "hidden": False,
    }
    return [values[name] for name in COLUMNS]


def write(folder: Path, count: int) -> Path:
    """Write a gallery with *count* rows, as ``gallery`` does."""
    chance = random.Random(count)
    data: dict[str, bytes] = {}
    for content in data_scripts(row(number, chance) for number in range(count)):
        data[f"data-{len(data)}.js"] = content
    for name, content in (page_parts() | data).items():
        (folder / name).write_bytes(content)
    page = folder / "index.html"
    page.write_bytes(index_page(data))
    return page


def measure(browser: Browser, page: Path, count: int) -> tuple[float, float, float, float, int]:
    """Return seconds to first tile and last row, ms of a filter, MB of heap, and nodes."""
    context = browser.new_context(viewport={"width": 1600, "height": 900})
    tab = context.new_page()
    tab.add_init_script(_NOTE_FIRST_TILE)
    tab.goto(page.as_uri(), wait_until="commit")
    tab.wait_for_selector(".tile")
    tab.wait_for_selector("#filters button")  # filled when all rows are there
    all_s = tab.evaluate("performance.now()") / 1000
    first_s = tab.evaluate("firstTileMs") / 1000
    tab.evaluate(_FILTER, "lake")  # the first call compiles
    filter_ms, found = tab.evaluate(_FILTER, "lake 山")
    assert 0 < found < count
    assert tab.evaluate("Gallery.rows.length") == count
    tab.evaluate("gc()")
    heap_mb = tab.evaluate("performance.memory.usedJSHeapSize") / 1e6
    nodes = tab.evaluate("document.querySelectorAll('#grid *').length")
    context.close()
    return first_s, all_s, filter_ms, heap_mb, nodes


def main() -> None:
    """Print a line for each number of rows given."""
    for count in map(int, sys.argv[1:] or ["50000"]):
        folder = Path(tempfile.mkdtemp())
        try:
            page = write(folder, count)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=_OPTIONS
                )
                figures = [measure(browser, page, count) for _ in range(ROUNDS)]
                browser.close()
        finally:
            shutil.rmtree(folder)
        first_s, all_s, filter_ms, heap_mb, nodes = map(
            statistics.median, zip(*figures, strict=True)
        )
        print(
            f"{count:,} rows: first tile after {first_s:.2f} s, all after {all_s:.2f} s, "
            f"filter {filter_ms:.0f} ms, heap {heap_mb:.0f} MB, {nodes:.0f} nodes in the grid"
        )


if __name__ == "__main__":
    main()
