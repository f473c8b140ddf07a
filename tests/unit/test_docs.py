"""What the code has, the docs have: settings, arguments, reasons, exit statuses."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from scrapy.utils.misc import walk_modules_iter

from tests.invariants import documented_stats
from wallpapers import settings
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import REASONS
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider
from wallpapers.spiders.listing_spider import ListingSpider


def walk_spiders(package: str) -> set[type[ListingSpider]]:
    return {
        spider
        for module in walk_modules_iter(package)
        for spider in vars(module).values()
        if isinstance(spider, type) and issubclass(spider, ListingSpider) and "name" in vars(spider)
    }


ROOT = Path(__file__).parents[2]


RECORDED = sorted(ROOT.glob("tests/recorded/*.expected.json"))


def text(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", [name for name in vars(settings) if name.isupper()])
def test_every_setting_has_its_line(name: str) -> None:
    assert re.search(rf"`{name}`|^### {name}$", text("docs/settings.md"), re.MULTILINE)


SPIDERS = sorted(walk_spiders("wallpapers.spiders"), key=lambda spider: spider.name)


@pytest.mark.parametrize("spider", SPIDERS, ids=lambda spider: spider.name)
def test_every_source_has_its_section_with_its_arguments(
    spider: type[ListingSpider],
) -> None:
    (section,) = re.findall(
        rf"^## {spider.name}$(.*?)(?=^## |\Z)", text("docs/sources.md"), re.MULTILINE | re.DOTALL
    )
    described = section + (text("README.md") if spider is BaiduWallpaperSpider else "")
    rows = " ".join(re.findall(r"^\|(.*?)\|", described, re.MULTILINE))
    assert set(spider.arguments) <= set(re.findall(r"`(\w+)`", rows))
    for readme in ("README.md", "README.zh-CN.md"):
        assert f"\n| `{spider.name}` |" in text(readme)


@pytest.mark.parametrize("spider", SPIDERS, ids=lambda spider: spider.name)
def test_every_source_has_its_row_as_the_program_prints_it(spider: type[ListingSpider]) -> None:
    row = f"| `{spider.name}` | {spider.summary} | {spider.answers} |"
    assert row in text("docs/sources.md").splitlines()
    assert re.search(
        rf"^\| `{spider.name}` \| {spider.summary}; .* \| {spider.answers} \|$",
        text("README.md"),
        re.MULTILINE,
    )


@pytest.mark.parametrize("spider", SPIDERS, ids=lambda spider: spider.name)
def test_every_default_is_that_of_its_section(spider: type[ListingSpider]) -> None:
    (section,) = re.findall(
        rf"^## {spider.name}$(.*?)(?=^## |\Z)", text("docs/sources.md"), re.MULTILINE | re.DOTALL
    )
    described = text("README.md") if spider is BaiduWallpaperSpider else section
    for names, cell in re.findall(r"^\| ((?:`\w+` ?)+) \| (.*?) \|", described, re.MULTILINE):
        given = re.findall(r"`(\w+)`", names)
        if not set(given) <= set(spider.arguments):
            continue
        words = [word.split(" = ")[0].strip("` ") for word in cell.split(" / ")]
        defaults = ["" if word == "empty" else word for word in words] or [""]
        defaults += defaults[-1:] * (len(given) - len(defaults))
        assert [spider.arguments[name].default_text for name in given] == defaults


@pytest.mark.parametrize("page", RECORDED, ids=lambda page: page.name)
def test_every_key_of_extra_has_its_place(page: Path) -> None:
    section = text("docs/sources.md").partition("## What the sources say")[2].partition("\n## ")[0]
    for wallpaper in json.loads(page.read_text())["wallpapers"]:
        assert set(wallpaper["extra"]) <= set(re.findall(r"`(\w+)`", section))


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_argument_and_status_has_its_line(readme: str) -> None:
    for argument in (*BaiduWallpaperSpider.arguments, "limit", "endpoint"):
        assert f"`{argument}`" in text(readme)
    for status in ExitStatus:
        assert f"\n| {status} |" in text(readme)


@pytest.mark.parametrize("reason", sorted(frozenset().union(*REASONS.values())))
def test_every_reason_has_its_line(reason: str) -> None:
    assert f"| `{reason}` |" in text("docs/stats.md")


def strings_of_the_code() -> set[str]:
    """Return all strings of the code, of f-strings what stands before the first value."""
    return {
        node.value
        for path in (ROOT / "wallpapers").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_stat_has_its_line() -> None:
    """Those that the code names in full; check_invariants looks at those of every run."""
    stats = {text for text in strings_of_the_code() if re.fullmatch(r"wallpapers/[a-z_]+", text)}
    assert {"wallpapers/outcome", "wallpapers/outages"} <= stats
    assert stats <= documented_stats()


def test_every_line_of_a_stat_has_its_stat() -> None:
    names = {stat.removeprefix("wallpapers/").partition("<")[0] for stat in documented_stats()}
    strings = strings_of_the_code()
    assert names <= {text.removeprefix("wallpapers/") for text in strings}


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")) + sorted(ROOT.glob("*.md")))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists()
