"""WALLPAPERS_FILE_NAME: readable names that never cost another wallpaper its file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Crawl
from tests.pictures import encoded, exhibit, noise
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

LONG = "层峦叠嶂 " * 60


def named(template: str) -> dict[str, Any]:
    return {"WALLPAPERS_FILE_NAME": template}


def paths_of(crawl: Crawl, template: str, *shown: Any) -> list[str]:
    """Crawl *shown* twice; return the paths of the images, without their source."""
    with StandIn(shown) as standin:
        run = crawl(standin, named(template))
        assert run.exit_status is ExitStatus.COMPLETE
        assert crawl(standin, named(template)).stats["wallpapers/known"] == len(shown)
    assert {item["id"]: run.bytes_of(item["images"][0]) for item in run.items} == {
        one.id: one.content() for one in shown
    }
    return sorted(image["path"] for image in run.images())


def test_a_name_has_the_fields_of_the_template(crawl: Crawl) -> None:
    template = "{source}/{listing}/{title} {id} {width}x{height}"
    shown = exhibit(1, id="7", title="Misty Mountains", width=110, height=70)
    (path,) = paths_of(crawl, template, shown)
    # The true size, not that of the listing.
    assert path == "baidu_wallpaper/国家地理/Misty Mountains 7 96x64.jpg"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd 7"),
        ("a/b\\c:d?", "a_b_c_d_ 7"),
        ("...", "7"),
        ("", "7"),
        ("a\u202eb", "a b 7"),
        ("{id} {", "{id} { 7"),
    ],
)
def test_no_title_leads_out_of_its_folder(crawl: Crawl, title: str, name: str) -> None:
    shown = exhibit(1, id="7", title=title)
    (path,) = paths_of(crawl, "{source}/{title} {id}", shown)
    assert path == f"baidu_wallpaper/{name}.jpg" or title == ""  # which the listing replaces
    assert len(list(crawl.store.glob("baidu_wallpaper/*.jpg"))) == 1


def test_a_long_title_is_cut_by_bytes_and_keeps_the_id(crawl: Crawl) -> None:
    shown = [exhibit(number, id=f"id-{number}", title=LONG) for number in range(2)]
    for path, one in zip(paths_of(crawl, "{title} {id}", *shown), shown, strict=True):
        assert path.endswith(f" {one.id}.jpg")
        assert path.startswith("层峦叠嶂 层峦叠嶂 ")
        assert 90 <= len(path.removesuffix(".jpg").encode()) <= 100


@pytest.mark.parametrize("template", ["{title}", "all", "{source}/{listing}", "{date}/{title}"])
def test_without_an_id_no_file_replaces_another(crawl: Crawl, template: str) -> None:
    shown = [exhibit(number, id=str(number), title="Same") for number in range(4)]
    assert len(set(paths_of(crawl, template, *shown))) == 4


def test_a_file_without_a_row_is_not_taken_for_that_of_another_wallpaper(crawl: Crawl) -> None:
    first, second = (exhibit(number, id=str(number), title="Same") for number in range(2))
    with StandIn([first]) as standin:
        crawl(standin, named("{title}"))
    (crawl.store / FILE_NAME).unlink()
    assert len(paths_of(crawl, "{title}", second, first)) == 2


def test_the_extension_is_the_true_one_and_thumbnails_follow(crawl: Crawl) -> None:
    shown = exhibit(1, encoded(noise(1), "PNG"), id="7", title="photo.jpg")
    settings = {**named("{title} {id}.jpg"), "IMAGES_THUMBS": {"small": (32, 32)}}
    with StandIn([shown]) as standin:
        (image,) = crawl(standin, settings).images()
    assert image["path"] == "photo.jpg 7.png"
    assert (crawl.store / "thumbs/small/photo.jpg 7.jpg").is_file()


def test_no_image_is_stored_among_the_thumbnails(crawl: Crawl) -> None:
    (path,) = paths_of(crawl, "{title}/{id}", exhibit(1, id="7", title="thumbs"))
    assert path == "_thumbs/7.jpg"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{source}/{name}", "unknown field {name}; expected some of {source}, {listing}, {id},"),
        ("{id.__class__}", "unknown field {id.__class__};"),
        ("{}", "unknown field {};"),
        ("{width:05d}", "{width} takes no format"),
        ("{title!r}", "{title} takes no format"),
        ("{id", "expected '}' before end of string"),
        ("../{id}", "a folder or file name is empty, '.' or '..'"),
        ("/{id}", "a folder or file name is empty, '.' or '..'"),
        ("{source}//{id}", "a folder or file name is empty, '.' or '..'"),
        ("", "a folder or file name is empty, '.' or '..'"),
        (".parts/{id}", "a folder or file name begins with a dot"),
        ("{date}: {id}", "': ' has characters that not every file system allows"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"WALLPAPERS_DRY_RUN": True}])
def test_a_wrong_template_ends_the_run_before_the_first_request(
    crawl: Crawl, template: str, problem: str, more: dict[str, Any]
) -> None:
    with StandIn([exhibit(1)]) as standin:
        with pytest.raises(ValueError, match="WALLPAPERS_FILE_NAME") as caught:
            crawl(standin, {**named(template), **more})
        assert standin.asked == []
    assert problem in str(caught.value)
    assert str(caught.value).endswith(f", got {template!r}")
