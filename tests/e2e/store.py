"""Fill a store with a crawl, and run commands on it."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from tests.e2e.command import FAST, Result, scrapy
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class Recovering(StandIn):
    """Serves only its first ``served`` pictures."""

    served = 5

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit in self.exhibits[self.served :]:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


def run(command: str, folder: Path, *words: str) -> Result:
    """Run a command on the store *folder*/store."""
    return scrapy(command, *words, "-s", f"IMAGES_STORE={folder / 'store'}", *FAST)


def crawl(standin: StandIn, folder: Path, *words: str) -> Result:
    endpoint = ("-a", f"endpoint={standin.endpoint}")
    return run("crawl", folder, "baidu_wallpaper", *endpoint, *words)


def pictures_of(folder: Path) -> list[Path]:
    return sorted((folder / "store" / "baidu_wallpaper").rglob("*.jpg"))
