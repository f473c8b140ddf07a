"""Describe the sources of a project for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wallpapers.run.program import program_name
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from wallpapers.options.arguments import Argument


def sources(settings: BaseSettings) -> list[type[ListingSpider]]:
    """Return the spiders of the project that read a listing, by name."""
    from scrapy.spiderloader import get_spider_loader

    loader = get_spider_loader(settings)
    spiders = [loader.load(name) for name in sorted(loader.list())]
    return [spider for spider in spiders if issubclass(spider, ListingSpider)]


def describe(spider: type[ListingSpider]) -> dict[str, Any]:
    """Return the description of a source; a default is the text that ``-a`` would take."""
    return {
        "name": spider.name,
        "summary": spider.summary,
        "answers": spider.answers,
        "endpoint": spider.default_endpoint,
        "example": f"{program_name()} crawl {spider.name} {spider.example}".rstrip(),
        "arguments": _described(spider.arguments),
        "shared_arguments": _described(spider.shared_arguments()),
    }


def _described(arguments: Mapping[str, Argument]) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "default": argument.default_text,
            "allowed": argument.allowed,
            "meaning": argument.meaning,
        }
        for name, argument in arguments.items()
    ]


def overview(described: list[dict[str, Any]]) -> str:
    """Return a paragraph for each source."""
    lines = []
    for source in described:
        defaults = (f"{entry['name']}={entry['default']}" for entry in source["arguments"])
        lines += [
            f"{source['name']}: {source['summary']}",
            f"  status     {source['answers']}",
            f"  arguments  {' '.join(defaults)}",
            f"  example    {source['example']}",
            "",
        ]
    name = program_name()
    lines += [
        f"{name} crawl SOURCE --help describes the arguments, and those that every source has.",
        f"{name} doctor checks which sources answer now.",
    ]
    return "\n".join(lines)


def arguments_text(spider: type[ListingSpider]) -> str:
    """Return the arguments of *spider* in lines, for ``--help``."""
    described = describe(spider)
    return "\n".join(
        [
            f"{spider.name}: {spider.summary}",
            f"Status: {spider.answers}",
            f"Example: {described['example']}",
            *_section(f"Arguments of {spider.name} (-a NAME=VALUE)", described["arguments"]),
            *_section("Arguments of every source", described["shared_arguments"]),
        ]
    )


def _section(title: str, arguments: list[dict[str, str]]) -> list[str]:
    lines = ["", title, "=" * len(title)]
    for entry in arguments:
        meaning = f"{entry['meaning']} " if entry["meaning"] else ""
        default = f"default: {entry['default']}" if entry["default"] else "no default"
        lines.append(f"  {entry['name']:<15} {meaning}({entry['allowed']}; {default})")
    return lines
