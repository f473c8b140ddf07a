"""The documented hooks of Scrapy's media pipelines in a subclass, and middlewares for images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.pipelines.images import ImagesPipeline
from scrapy.utils.httpobj import urlparse_cached

from tests.conftest import Crawl
from tests.pictures import encoded, exhibits, noise
from tests.standin.picture_faults import FaultyPictures, MissingPicture
from wallpapers.demo.standin import StandIn
from wallpapers.errors import SettingError
from wallpapers.items import Wallpaper
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.run.exit_status import ExitStatus
from wallpapers.settings import DOWNLOADER_MIDDLEWARES

WHOLE = encoded(noise(77))


def with_pipeline(pipeline: type) -> dict[str, Any]:
    return {"ITEM_PIPELINES": {pipeline: 500}}


def with_middleware(middleware: type) -> dict[str, Any]:
    return {"DOWNLOADER_MIDDLEWARES": {**DOWNLOADER_MIDDLEWARES, middleware: 543}}


class Generating(WallpaperImagesPipeline):
    """As in Scrapy's documentation."""

    def get_media_requests(self, item: Any, info: Any) -> Iterator[Request]:  # type: ignore[override]
        for url in item.image_urls:
            yield Request(url)


class OneRequest(WallpaperImagesPipeline):
    def get_media_requests(self, item: Any, info: Any) -> Request:  # type: ignore[override]
        return Request(item.image_urls[0])


@pytest.mark.parametrize("pipeline", [Generating, OneRequest])
def test_get_media_requests_may_be_a_generator_or_return_one_request(
    crawl: Crawl, pipeline: type
) -> None:
    with MissingPicture(exhibits(3)) as standin:
        run = crawl(standin, with_pipeline(pipeline))
        again = crawl(standin, with_pipeline(pipeline))
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/stored"] == 1
    assert run.stats["wallpapers/failed/http_404"] == 2
    assert again.stats["wallpapers/known"] == 1


class NoRequest(WallpaperImagesPipeline):
    requests: Any = None

    def get_media_requests(self, item: Any, info: Any) -> Any:
        return self.requests


class EmptyRequests(NoRequest):
    requests = ()


@pytest.mark.parametrize("pipeline", [pytest.param(NoRequest), EmptyRequests])
def test_an_item_without_requests_fails_and_is_exported(crawl: Crawl, pipeline: type) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, with_pipeline(pipeline))
        assert not any("/image/" in path for path in standin.asked)
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/failed/bad_url"] == 2
    assert [item["images"] for item in run.items] == [[], []]


class OwnRequests(WallpaperImagesPipeline):
    def get_media_requests(self, item: Any, info: Any) -> list[Request]:
        headers = {"X-Mine": "yes", "Referer": "http://example.com/"}
        return [Request(url, headers=headers, meta={"name": item.id}) for url in item.image_urls]

    def file_path(self, request: Request, *args: Any, item: Any = None, **more: Any) -> str:
        return f"by meta/{request.meta['name']}.jpg"


def test_headers_and_meta_of_a_users_request_are_kept(crawl: Crawl) -> None:
    (shown,) = exhibits(1)
    with StandIn([shown]) as standin:
        run = crawl(standin, with_pipeline(OwnRequests))
        sent = standin.received[-1]
    assert standin.asked[-1].startswith("/image/")
    assert (sent["X-Mine"], sent["Referer"]) == ("yes", "http://example.com/")
    assert [image["path"] for image in run.images()] == [f"by meta/{shown.id}.jpg"]


class Answering:
    """A middleware that returns responses for images, such as a cache."""

    body = WHOLE

    def process_request(self, request: Request) -> Response | None:
        return Response(request.url, body=self.body) if "/image/" in request.url else None


class Replacing:
    """A middleware that replaces the body of every image."""

    def process_response(self, request: Request, response: Response) -> Response:
        return response.replace(body=WHOLE) if "/image/" in request.url else response


@pytest.mark.parametrize("middleware", [Answering, Replacing])
def test_the_body_of_a_middlewares_response_is_stored(crawl: Crawl, middleware: type) -> None:
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin, with_middleware(middleware))
        asked = any("/image/" in path for path in standin.asked)
    assert asked is (middleware is Replacing)
    assert run.exit_status is ExitStatus.COMPLETE
    assert [run.bytes_of(image) for image in run.images()] == [WHOLE]


class Backwards(FaultyPictures):
    """Serves every image except the first with its bytes reversed."""

    content = WHOLE[::-1]


class Reversing:
    """Reverses the bytes of ``Backwards`` again."""

    def process_response(self, request: Request, response: Response) -> Response:
        turned = "/image/" in request.url and not response.body.startswith(b"\xff\xd8")
        return response.replace(body=response.body[::-1]) if turned else response


def test_a_middleware_may_change_the_bytes_of_an_image(crawl: Crawl) -> None:
    shown = exhibits(2)
    with Backwards(shown) as standin:
        run = crawl(standin, with_middleware(Reversing))
    stored = {run.bytes_of(image) for image in run.images()}
    assert stored == {shown[0].content(), WHOLE}


def test_another_download_handler_stores_images_byte_for_byte(crawl: Crawl) -> None:
    handler = "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"
    shown = exhibits(3)
    with StandIn(shown) as standin:
        run = crawl(standin, {"DOWNLOAD_HANDLERS": {"http": handler}})
    assert run.exit_status is ExitStatus.COMPLETE
    assert {run.bytes_of(image) for image in run.images()} == {one.content() for one in shown}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"<html>hotlinking is forbidden" * 40, "not_an_image"),
        pytest.param(WHOLE[: len(WHOLE) // 2], "cut"),
        (b"", "empty"),
    ],
    ids=["html", "half", "nothing"],
)
def test_the_body_of_a_middlewares_response_is_checked(
    crawl: Crawl, body: bytes, reason: str
) -> None:
    middleware = type("Bringing", (Answering,), {"body": body})
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin, with_middleware(middleware))
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats[f"wallpapers/failed/{reason}"] == 1


CALLED = ("get_media_requests", "file_path", "thumb_path", "item_completed")
NEVER_CALLED = (
    "get_images",
    "convert_image",
    "image_downloaded",
    "media_to_download",
    "media_downloaded",
    "media_failed",
    "file_downloaded",
    "inc_stats",
)


def overriding(hook: str, *, by_mixin: bool = False) -> type:
    """Return a pipeline named Mine that overrides *hook*, itself or by a mixin."""

    def own(self: Any, *args: Any, **more: Any) -> Any:
        return getattr(ImagesPipeline, hook)(self, *args, **more)

    if by_mixin:
        return type("Mine", (type("Mixin", (), {hook: own}), WallpaperImagesPipeline), {})
    return type("Mine", (WallpaperImagesPipeline,), {hook: own})


@pytest.mark.parametrize(
    ("hook", "by_mixin"), [*((hook, False) for hook in NEVER_CALLED), ("get_images", True)]
)
def test_overriding_a_hook_that_is_never_called_is_an_error(
    crawl: Crawl, hook: str, by_mixin: bool
) -> None:
    pipeline = overriding(hook, by_mixin=by_mixin)
    with StandIn(exhibits(1)) as standin, pytest.raises(SettingError) as raised:
        crawl(standin, with_pipeline(pipeline))
    message = str(raised.value)
    assert "\n" not in message
    assert f"Mine.{hook}" in message
    assert all(name in message for name in CALLED)
    assert standin.asked == []


class EveryHook(WallpaperImagesPipeline):
    """Overrides every hook that is called; names files as in Scrapy's documentation."""

    def file_path(self, request: Request, *args: Any, item: Any = None, **more: Any) -> str:
        return "files/" + PurePosixPath(urlparse_cached(request).path).name

    def thumb_path(
        self, request: Request, thumb_id: str, *args: Any, item: Any = None, **more: Any
    ) -> str:
        return f"little/{thumb_id}/{item.id}.jpg"

    def item_completed(self, results: Any, item: Wallpaper, info: Any) -> Any:
        item.tags.append(results[0][1]["path"])
        return super().item_completed(results, item, info)


def test_all_other_hooks_may_be_overridden(crawl: Crawl) -> None:
    (shown,) = exhibits(1)
    settings = {**with_pipeline(EveryHook), "IMAGES_THUMBS": {"small": (32, 32)}}
    with StandIn([shown]) as standin:
        run = crawl(standin, settings)
    (item,) = run.items
    path = f"files/{shown.sign}.jpg"
    assert [image["path"] for image in run.images()] == [path]
    assert item["tags"][-1] == path
    assert (crawl.store / "little" / "small" / f"{shown.id}.jpg").is_file()
