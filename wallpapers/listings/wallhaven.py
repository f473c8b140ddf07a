"""Parse Wallhaven's search, ``GET /api/v1/search``; see https://wallhaven.cc/help/api."""

from wallpapers.items import Wallpaper
from wallpapers.listings import extra, text, tolerant_json
from wallpapers.listings.drift import expected
from wallpapers.listings.page import Page, Position, entries_of, object_of, page_of, request_url

ENDPOINT = "https://wallhaven.cc/api/v1/search"
EXPECTED = expected(
    texts="id url short_url source purity category resolution ratio file_type created_at path",
    numbers="views favorites dimension_x dimension_y file_size",
    optional="uploader thumbs",
    colors=list,
)


def page_url(query: dict[str, str], position: Position, endpoint: str) -> str:
    """Return the address of a page; its cursor is the seed of the random order."""
    parameters = {**query, "page": position.number, "seed": position.cursor}
    return request_url(endpoint, {name: value for name, value in parameters.items() if value})


def parse_page(body: bytes) -> Page:
    """Parse a page."""
    answer = tolerant_json.load(body)
    page = page_of(entries_of(answer, "data"), EXPECTED, _wallpaper)
    meta = object_of(answer, "meta")
    page.total = text.whole_number(meta.get("total"))
    page.cursor = text.plain_text(meta.get("seed"))
    page.ended = meta.get("current_page") == meta.get("last_page") is not None
    return page


def _wallpaper(entry: dict[str, object]) -> Wallpaper:
    return Wallpaper(
        image_urls=(candidates := text.listed_addresses(entry, ["path"])),
        id=text.identity(entry.get("id"), candidates),
        colors=text.colors(entry.get("colors")),
        extra=extra.extra_of(entry, "category purity source uploader views favorites"),
        page_url=text.page_address(entry.get("url")),
        date=text.iso_date(entry.get("created_at")),
        width=text.whole_number(entry.get("dimension_x")) or 0,
        height=text.whole_number(entry.get("dimension_y")) or 0,
    )
