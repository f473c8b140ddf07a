"""A store with a gallery, for the tests of its pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.command import FAST, TIMEOUT_S, Process, Result, scrapy, start
from tests.pictures import encoded, exhibit
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

SIZES = {"4K": (3840, 2160), "FHD": (1920, 1080), "phone": (720, 1280)}


def plain(number: int, title: str, colour: str, size: str = "FHD") -> Exhibit:
    """Return a wallpaper of one colour."""
    content = encoded(Image.new("RGB", SIZES[size], colour), quality=60 + number)
    width, height = SIZES[size]
    return exhibit(number, content, title=title, width=width, height=height)


def crawl(folder: Path, shown: Sequence[Exhibit]) -> None:
    """Store wallpapers in *folder*/store."""
    with StandIn(shown) as standin:
        endpoint = ("-a", f"endpoint={standin.endpoint}")
        store = ("-s", f"IMAGES_STORE={folder / 'store'}", *FAST)
        assert scrapy("crawl", "baidu_wallpaper", *endpoint, *store).status == 0


def write(folder: Path, *words: str) -> Result:
    """Write the gallery of *folder*/store."""
    return scrapy("gallery", "-s", f"IMAGES_STORE={folder / 'store'}", *words)


@contextmanager
def served(folder: Path, *words: str) -> Iterator[str]:
    """Serve the gallery of *folder*/store; yield its address."""
    store = ("-s", f"IMAGES_STORE={folder / 'store'}")
    process = start("gallery", "--serve", *store, *words)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)


class opened:  # noqa: N801 (a context manager)
    """A new tab, with an own storage, that shows an address if one is given."""

    def __init__(
        self, browser: Browser, address: str, faults: list[str], **options: object
    ) -> None:
        self.context = browser.new_context(
            **{"viewport": {"width": 1600, "height": 900}, "locale": "en-US", **options}  # type: ignore[arg-type]
        )
        self.address, self.faults = address, faults

    def __enter__(self) -> Page:
        tab = self.context.new_page()
        events: Any = tab
        note = self.faults.append
        own = self.address.partition("/gallery/")[0]
        events.on("pageerror", lambda error: note(f"error: {error}"))
        events.on("console", lambda message: message.type == "error" and note(message.text))
        events.on("dialog", lambda dialog: (note(f"dialog: {dialog.message}"), dialog.dismiss()))
        events.on("request", lambda asked: asked.url.startswith(own) or note(f"asked {asked.url}"))
        if self.address:
            tab.goto(self.address)
            expect(tab.locator(".tile").first).to_be_visible()
        return tab

    def __exit__(self, *error: object) -> None:
        self.context.close()


def ask(address: str, body: object = None, **headers: str) -> tuple[int, bytes]:
    """Return status and body of a response; with *body*, it is posted as JSON."""
    data = None if body is None else json.dumps(body).encode()
    given = {"Content-Type": "application/json"} if data else {}
    request = Request(address, data, {**given, **headers})
    try:
        with urlopen(request, timeout=TIMEOUT_S) as response:
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def kill(process: Process) -> None:
    """Kill a program."""
    process.kill()
    process.communicate()
