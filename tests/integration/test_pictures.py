"""Files that are not acceptable images are refused with a reason; thumbnails; wrong settings."""

from __future__ import annotations

import gc
import io
import random
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image

from tests.conftest import Crawl
from tests.lacking_pixels import webp_with_half_its_data
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin import picture_faults as faults
from tests.standin.transfer_faults import OtherHosts
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.storage.parts import Part


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.MissingPicture, "http_404"),
        (faults.LongErrorPage, "http_404"),
        (faults.ForbiddenPicture, "http_403"),
        (faults.HtmlPicture, "not_an_image"),
        (faults.PictureCutByLength, "cut"),
        (faults.PictureCutInItself, "cut"),
        (faults.EmptyPicture, "empty"),
        (faults.PictureOfTooManyPixels, "too_many_pixels"),
        (faults.SvgPicture, "format"),
        (faults.TinyPicture, "too_tiny"),
        (faults.BrokenPicture, "broken"),
        (faults.CirclingPicture, "redirect_loop"),
        (faults.RedirectToFile, "bad_url"),
        (faults.GzipBomb, "too_large"),
        (faults.EndlessPicture, "too_large"),
        (faults.HangingUpPicture, "connection"),
    ],
)
def test_a_faulty_image_is_one_log_line_with_its_reason(
    crawl: Crawl, fault: type[StandIn], reason: str
) -> None:
    with fault(exhibits(2)) as standin:
        run = crawl(standin, {"LOG_LEVEL": "INFO"})
        hops = len([path for path in standin.asked if path.startswith("/image/")])
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/stored"] == 1
    assert run.stats[f"wallpapers/failed/{reason}"] == 1
    assert hops <= 1 + 6
    (failed,) = [item for item in run.items if not item["images"]]
    (line,) = [line for line in run.warnings() if line.startswith("wallpapers.")]
    for words in (f"failed {reason}", failed["id"], failed["image_urls"][0]):
        assert words in line
    (last,) = run.errors()
    assert f"1 of 2 wallpapers failed ({reason} 1)" in last


@pytest.mark.parametrize("fault", [faults.HtmlPicture, faults.MissingPicture, faults.BrokenPicture])
def test_a_refused_image_is_not_kept_in_memory(crawl: Crawl, fault: type[StandIn]) -> None:
    gc.collect()
    gc.disable()  # nothing may have to wait for a collection
    try:
        with fault(exhibits(2)) as standin:
            run = crawl(standin)
        parts = [kept for kept in gc.get_objects() if type(kept) is Part]
    finally:
        gc.enable()
    assert run.stats["wallpapers/failed"] == 1
    assert parts == []


@pytest.mark.parametrize("fault", [faults.MovedPicture, faults.GzippedPicture])
def test_an_image_behind_redirects_or_encodings_is_stored(
    crawl: Crawl, fault: type[StandIn]
) -> None:
    with fault(exhibits(2)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert encoded(noise(99)) in [run.bytes_of(image) for image in run.images()]


FORBIDDEN = (
    *("ftp://a/1.jpg", "file:///etc/passwd", "data:image/png;base64,AAAA", "about:blank"),
    *("javascript:alert(1)", "s3://bucket/1.jpg", "1.jpg", "/1.jpg", "//a/1.jpg", "http://"),
    *("http://a:port/1.jpg", "http://a:0/1.jpg", "http://user:canary@127.0.0.1/1.jpg"),
    *("http://a\\@127.0.0.1/1.jpg", "http://[::1/1.jpg", "http://[::1]]/1.jpg", "http:///1.jpg"),
)


def test_a_forbidden_address_fails_only_its_wallpaper(crawl: Crawl) -> None:
    with OtherHosts(exhibits(1 + len(FORBIDDEN))) as standin:
        standin.addresses = FORBIDDEN
        run = crawl(standin)
        assert len(standin.asked) == 3  # two pages, one picture
    failed = [item["image_urls"] for item in run.items if not item["images"]]
    assert len(failed) == len(FORBIDDEN)
    assert run.stats["wallpapers/failed/bad_url"] == len(FORBIDDEN)
    assert run.stats["wallpapers/stored"] == 1
    assert "canary" not in run.log


def test_candidates_are_tried_in_order_until_one_works(crawl: Crawl) -> None:
    with faults.OtherAddresses(exhibits(2)) as standin:
        good = f"{standin.origin}/image/pic/item/{standin.exhibits[1].sign}.jpg"
        standin.addresses = (f"{standin.origin}/none.jpg", "ftp://a/1.jpg", good)
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    (item,) = [item for item in run.items if len(item["image_urls"]) == 3]
    assert item["images"][0]["url"] == good


def test_a_failed_wallpaper_logs_all_tried_candidates(crawl: Crawl) -> None:
    with faults.OtherAddresses(exhibits(2)) as standin:
        standin.addresses = (f"{standin.origin}/a.jpg", "ftp://a/1.jpg", "http://127.0.0.1:1/b")
        run = crawl(standin)
    assert run.stats["wallpapers/failed"] == 1
    (line,) = run.warnings()
    assert "/a.jpg -> http_404" in line
    assert "ftp://a/1.jpg -> bad_url" in line
    assert "http://127.0.0.1:1/b -> private_address" in line


def test_a_wallpaper_listed_as_too_small_is_not_requested(crawl: Crawl) -> None:
    small = exhibit(1, width=800, height=600)
    unknown = exhibit(2, encoded(noise(2, 1600, 900)), width=0, height=0)
    with StandIn(
        [small, unknown, exhibit(3, encoded(noise(3, 1600, 900)), width=1600, height=900)]
    ) as standin:
        run = crawl(standin, {"IMAGES_MIN_WIDTH": 1600, "IMAGES_MIN_HEIGHT": 900})
        assert not [path for path in standin.asked if small.sign in path]
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/filtered/too_small_by_claim"] == 1
    assert run.stats["wallpapers/stored"] == 2
    assert len(run.items) == 2


def test_after_an_image_that_is_too_small_the_next_candidate_is_tried(crawl: Crawl) -> None:
    size: dict[str, Any] = {"width": 1600, "height": 900}
    shown = [exhibit(number, **size) for number in (1, 2)]
    large = [exhibit(number, encoded(noise(number, 1600, 900)), **size) for number in (3, 4)]

    class SmallFirst(StandIn):
        def entry(self, exhibit: Exhibit) -> dict[str, object]:
            entry = super().entry(exhibit)
            if exhibit is shown[0]:
                entry["objUrl"] = f"{self.origin}/image/pic/item/{large[1].sign}.jpg"
            return entry

        def answer(self, first: int, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
            return super().answer(first, [shown for shown in exhibits if shown is not large[1]])

    with SmallFirst([*shown, *large]) as standin:
        run = crawl(standin, {"IMAGES_MIN_WIDTH": 1600})
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 2
    assert run.stats["wallpapers/filtered/too_small"] == 1


def test_thumbnails_are_stored_beside_the_originals(crawl: Crawl) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = [exhibit(1, encoded(noise(1, 640, 360))), exhibit(2, encoded(noise(2), exif=exif))]
    with StandIn(shown) as standin:
        run = crawl(standin, {"IMAGES_THUMBS": '{"small": [50, 50], "big": [270, 270]}'})
    sizes = {}
    for path in run.store.glob("thumbs/*/*/*/*.jpg"):
        sizes[path.parts[-4], path.stem] = Image.open(io.BytesIO(path.read_bytes())).size
    assert sizes == {
        ("small", shown[0].id): (50, 28),
        ("big", shown[0].id): (270, 152),
        ("small", shown[1].id): (33, 50),
        ("big", shown[1].id): (64, 96),
    }


def test_a_thumbnail_may_exceed_the_buffer_of_a_part(crawl: Crawl) -> None:
    """It is more than a part keeps in memory."""
    grain = Image.frombytes("RGB", (1200, 900), random.Random(1).randbytes(1200 * 900 * 3))
    with StandIn([exhibit(1, encoded(grain, quality=95), width=1200, height=900)]) as standin:
        run = crawl(standin, {"IMAGES_THUMBS": {"large": (1200, 900)}})
    assert run.exit_status is ExitStatus.COMPLETE
    (path,) = run.store.glob("thumbs/large/*/*/*.jpg")
    assert path.stat().st_size > 300_000
    with Image.open(path) as thumbnail:
        thumbnail.load()
        assert thumbnail.size == (1200, 900)


def test_complete_decoding_refuses_damage_that_the_structure_check_misses(crawl: Crawl) -> None:
    half = exhibit(1, webp_with_half_its_data(encoded(noise(1), "WEBP")))
    with StandIn([half]) as standin:
        assert crawl(standin).stats["wallpapers/stored"] == 1
    with StandIn([half]) as standin:
        (crawl.store / "baidu_wallpaper/国家地理" / f"{half.id}.webp").unlink()
        run = crawl(standin, {"WALLPAPERS_CHECK": "decode"})
    assert run.stats["wallpapers/failed/broken"] == 1


def test_the_limit_of_pixels_is_a_setting(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin, {"WALLPAPERS_MAX_PIXELS": 96 * 64 - 1})
    assert run.stats["wallpapers/failed/too_many_pixels"] == 1
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin, {"WALLPAPERS_MAX_PIXELS": 96 * 64})
    assert run.stats["wallpapers/stored"] == 1


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"WALLPAPERS_CHECK": "all"}, "WALLPAPERS_CHECK must be one of structure, decode"),
        ({"WALLPAPERS_LOOK": "yes"}, "WALLPAPERS_LOOK must be one of with_thumbnails, always"),
        ({"WALLPAPERS_MISSING": "delete"}, "WALLPAPERS_MISSING must be one of fetch, hide"),
        ({"IMAGES_THUMBS": {"s": 5}}, "IMAGES_THUMBS must be like"),
        ({"WALLPAPERS_IDLE_TIMEOUT": "x"}, "WALLPAPERS_IDLE_TIMEOUT must be a number"),
        ({"WALLPAPERS_PATIENCE_OUTAGE": 0}, "WALLPAPERS_PATIENCE_OUTAGE must be a number above"),
        ({"WALLPAPERS_PROGRESS": "loud"}, "WALLPAPERS_PROGRESS must be one of"),
        ({"IMAGES_MIN_WIDTH": "wide"}, "IMAGES_MIN_WIDTH must be a number"),
        ({"WALLPAPERS_MAX_PIXELS": -1}, "WALLPAPERS_MAX_PIXELS must be a number above 0"),
        ({"IMAGES_STORE": ""}, "IMAGES_STORE must be a folder"),
        ({"IMAGES_STORE": "gopher://x"}, "IMAGES_STORE must be a folder"),
        ({"IMAGES_STORE": "gs://bucket"}, "pip install google-cloud-storage"),
        ({"FEEDS": {"gs://bucket/a.json": {"format": "json"}}}, "pip install google-cloud-storage"),
        ({"FEEDS": {"a.odt": {"format": "odt"}}}, "a feed cannot be exported"),
    ],
)
def test_a_wrong_setting_ends_the_run_before_the_first_request(
    crawl: Crawl, settings: dict[str, object], line: str
) -> None:
    with StandIn(exhibits(1)) as standin:
        with pytest.raises(ValueError, match=r".") as caught:
            crawl(standin, settings)
        assert standin.asked == []
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
