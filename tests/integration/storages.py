"""A folder and a bucket, as a storage and everybody else see them, and files to put into them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from scrapy.utils.test import get_crawler

from tests.s3 import BUCKET, keys, settings_of
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider
from wallpapers.storage.contract import NewFile, Storage
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.parts import Part
from wallpapers.storage.remote import RemoteStorage

ADDRESS = f"s3://{BUCKET}/deep/"


class Place(ABC):
    """What a storage writes to, as somebody else sees it."""

    storage: Storage

    @abstractmethod
    def files(self) -> dict[str, bytes]:
        """Return everything that is stored, by path."""

    @abstractmethod
    def another(self) -> Storage:
        """Return another program's storage of the same place."""


class Folder(Place):
    def __init__(self, root: Path) -> None:
        self.root = root
        self.storage = self.another()

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        shown = {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}
        return {path: content for path, content in shown.items() if not path.startswith(".parts/")}

    def another(self) -> Storage:
        return LocalStorage(str(self.root))


class Bucket(Place):
    def __init__(self, address: str, client: Any, tmp_path: Path) -> None:
        self._settings = settings_of(address)
        self._folder = tmp_path
        self.client = client
        self.storage = self.another()

    def files(self) -> dict[str, bytes]:
        return {key.removeprefix("deep/"): self._content(key) for key in keys(self.client)}

    def another(self, address: str = ADDRESS) -> Storage:
        more = {"IMAGES_STORE": address, "WALLPAPERS_CATALOGUE": f"sqlite:///{self._folder}/c.db"}
        crawler = get_crawler(
            BaiduWallpaperSpider, {**_project_settings(), **self._settings, **more}
        )
        crawler.spider = crawler._create_spider()
        pipeline = WallpaperImagesPipeline.from_crawler(crawler)
        return RemoteStorage(pipeline.store, address, pipeline.SpiderInfo(crawler.spider), 60.0)

    def _content(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content


def _project_settings() -> dict[str, Any]:
    from wallpapers import settings

    return {name: value for name, value in vars(settings).items() if name.isupper()}


class New:
    """Makes files to be put, as downloads do, and removes their parts after the test."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parts: list[Part] = []

    def __call__(self, storage: Storage, path: str, content: bytes) -> NewFile:
        part = storage.part(lambda start: None)
        self._parts.append(part)
        if work := part.feed(content):
            work()
        return NewFile(part, path, "image/jpeg", {"checksum": "abc", "width": 5})

    def put(
        self, storage: Storage, path: str, content: bytes, thumbs: dict[str, bytes] | None = None
    ) -> bool:
        small = [self(storage, name, body) for name, body in (thumbs or {}).items()]
        return self._loop.run_until_complete(storage.put(self(storage, path, content), small))

    def remove_parts(self) -> None:
        while self._parts:
            self._parts.pop().remove()
