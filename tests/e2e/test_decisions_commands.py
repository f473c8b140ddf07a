"""``scrapy hide``, ``unhide``, ``star`` and ``unstar``, as a person types them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.conftest import Crawl
from tests.e2e.command import TIMEOUT_S, Result, scrapy, start_python
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin.sources import ChannelStandIn
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.spiders.baidu_channel import BaiduChannelSpider

SOURCE = "baidu_wallpaper"
SAME = encoded(noise(77))


def run(crawl: Crawl, command: str, *words: str) -> Result:
    """Run a command on the store of *crawl*."""
    return scrapy(command, *words, "-s", f"IMAGES_STORE={crawl.store}")


def pictures_asked(standin: StandIn) -> int:
    return sum(path.startswith("/image/") for path in standin.asked)


def pictures_of(crawl: Crawl) -> list[Path]:
    return sorted((crawl.store / SOURCE).rglob("*.jpg"))


def filled(crawl: Crawl, shown: list[Exhibit]) -> list[Path]:
    """Crawl *shown*; return the files."""
    with StandIn(shown) as standin:
        crawl(standin)
    return pictures_of(crawl)


def test_a_wallpaper_is_named_by_path_by_key_by_id_or_by_content(crawl: Crawl) -> None:
    paths = filled(crawl, exhibits(7))
    outside = crawl.store.parent
    (outside / "link").symlink_to(crawl.store)
    names = [
        paths[0].name,  # from the current folder
        paths[1].relative_to(crawl.store).as_posix(),  # from the store
        str(paths[2]),
        str(outside / "link" / paths[3].relative_to(crawl.store)),
        f"{SOURCE}/{paths[4].stem}",
        paths[5].stem,
        str(shutil.copy(paths[6], outside / "copy.jpg")),
    ]
    words = ("hide", *names, "-s", f"IMAGES_STORE={crawl.store}")
    result = scrapy(*words, cwd=paths[0].parent)
    assert (result.status, result.output) == (0, "7 wallpapers hidden\n")


def test_a_hidden_wallpaper_is_never_fetched_again(crawl: Crawl) -> None:
    with StandIn(exhibits(4)) as standin:
        crawl(standin)
        path = pictures_of(crawl)[1]
        assert run(crawl, "hide", str(path)).output == "1 wallpaper hidden\n"
        assert path.exists()
        path.unlink()
        standin.asked.clear()
        again = crawl(standin)
        assert again.exit_status == 0
        assert again.stats["wallpapers/known"] == 3
        assert again.stats["wallpapers/filtered/hidden"] == 1
        assert pictures_asked(standin) == 0

        assert run(crawl, "unhide", str(path)).output == "1 wallpaper shown again\n"
        assert crawl(standin).stats["wallpapers/stored"] == 1
    assert path.exists()


def test_names_are_read_from_a_file_and_from_standard_input(crawl: Crawl) -> None:
    first, second, third, _ = filled(crawl, exhibits(4))
    names = crawl.store.parent / "names.txt"
    names.write_bytes(os.fsencode(f"{first}\r\n\n{second.stem}\n"))
    result = run(crawl, "hide", third.stem, "--from", str(names))
    assert result.output == "3 wallpapers hidden\n"
    again = run(crawl, "hide", third.stem, "--from", str(names))
    assert again.output == "0 wallpapers hidden, 3 already hidden\n"

    hidden = run(crawl, "hide", "--list").output
    assert hidden.count(f"{SOURCE}/") == 3
    words = ("unhide", "--from", "-", "-s", f"IMAGES_STORE={crawl.store}")
    process = start_python(*words, stdin=subprocess.PIPE)
    output, _ = process.communicate(hidden, timeout=TIMEOUT_S)
    assert output == "3 wallpapers shown again\n"


def test_each_unknown_name_is_one_line_and_the_others_are_done(crawl: Crawl) -> None:
    path, *_ = filled(crawl, exhibits(2))
    own = crawl.store / "own.jpg"
    own.write_bytes(encoded(noise(99)))
    no_text = os.fsdecode(b"\xff.jpg")
    names = ["5", f"{SOURCE}/5", "../../etc/passwd", str(crawl.store), str(own), "a\nb", no_text]
    result = run(crawl, "hide", *names, "", path.stem)
    assert result.status == 3
    assert result.output == "1 wallpaper hidden\n"
    lines = [line for line in result.log.splitlines() if line.startswith("scrapy: ")]
    assert len(lines) == len(names) + 1
    assert all(line.startswith("scrapy: not in the catalogue: ") for line in lines)


def test_an_id_of_several_sources_is_ambiguous(crawl: Crawl) -> None:
    path, *_ = filled(crawl, exhibits(1))
    with ChannelStandIn(exhibits(1)) as standin:
        crawl(standin, spider=BaiduChannelSpider)
    result = run(crawl, "star", path.stem)
    assert result.status == 3
    both = f"baidu_channel/{path.stem} or {SOURCE}/{path.stem}"
    assert f"several sources have the id '{path.stem}'; name one of them: {both}\n" in result.log
    assert run(crawl, "star", f"{SOURCE}/{path.stem}").output == "1 wallpaper starred\n"


def test_a_path_stands_for_all_wallpapers_that_share_the_image(crawl: Crawl) -> None:
    twins = [exhibit(number, SAME) for number in range(3)]
    (path,) = filled(crawl, twins[:2])
    assert run(crawl, "hide", str(path)).output == "2 wallpapers hidden\n"
    with StandIn(twins) as standin:  # the third has the same bytes, and no row yet
        for asked in (1, 1):
            assert crawl(standin).stats["wallpapers/filtered/hidden"] == 3
            assert pictures_asked(standin) == asked
    assert pictures_of(crawl) == [path]
    assert run(crawl, "unhide", str(path)).output == "3 wallpapers shown again\n"


def test_hide_deletes_only_on_request_and_only_what_nobody_else_shares(crawl: Crawl) -> None:
    shown = [exhibit(1, SAME), exhibit(2, SAME), exhibit(3)]
    thumbs = {"IMAGES_THUMBS": {"small": (32, 32)}}
    with StandIn(shown) as standin:
        crawl(standin, thumbs)
        alone = next(path for path in pictures_of(crawl) if path.stem == shown[2].id)
        (shared,) = set(pictures_of(crawl)) - {alone}
        result = run(crawl, "hide", str(alone), shown[0].id, "--delete")
        assert result.output == f"2 wallpapers hidden\n1 image deleted from {crawl.store}\n"
        assert pictures_of(crawl) == [shared]
        thumbs_left = [path.stem for path in (crawl.store / "thumbs").rglob("*.jpg")]
        assert thumbs_left == [shared.stem]
        standin.asked.clear()
        crawl(standin, thumbs)
        assert pictures_asked(standin) == 0
    assert run(crawl, "verify").status == 0


def test_a_bucket_has_nothing_to_delete_from(tmp_path: Path) -> None:
    catalogue = ("-s", f"WALLPAPERS_CATALOGUE=sqlite:///{tmp_path}/c.db")
    result = scrapy("hide", "5", "--delete", "-s", "IMAGES_STORE=s3://bucket/", *catalogue)
    assert result.status == 2
    assert "--delete supports folders only" in result.output + result.log


class WithoutTheLast(StandIn):
    """Lists addresses of its last three pictures that do not exist."""

    def entry(self, exhibit: Exhibit) -> dict[str, object]:
        entry = super().entry(exhibit)
        gone = f"{self.origin}/image/gone.jpg" if exhibit in self.exhibits[-3:] else None
        names = ("downloadUrl", "imageUrl", "objUrl")
        return {**entry, **dict.fromkeys(names, gone)} if gone else entry


def test_verify_stats_and_retry_leave_hidden_wallpapers_out(crawl: Crawl) -> None:
    with WithoutTheLast(exhibits(8)) as standin:
        assert crawl(standin).exit_status == 3
    failed = [one.id for one in standin.exhibits[5:]]
    kept, gone, cut, *_ = pictures_of(crawl)
    assert run(crawl, "hide", str(kept), str(gone), str(cut), *failed).status == 0
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-100])
    verified = run(crawl, "verify")
    assert verified.status == 0
    assert "2 whole, 0 damaged, 0 missing, 0 moved, 0 not in the catalogue, " in verified.output
    assert " wallpapers, 3 hidden, in " in verified.output
    assert run(crawl, "retry").output == "Nothing to retry: no failed wallpapers\n"
    lines = [line.split() for line in run(crawl, "stats").output.splitlines()]
    assert [SOURCE, "2", "0", "0", "0", "6"] in lines


def test_stars_are_kept_and_taken_back(crawl: Crawl) -> None:
    first, second, *_ = filled(crawl, exhibits(3))
    assert run(crawl, "star", str(first), second.stem).output == "2 wallpapers starred\n"
    assert run(crawl, "unstar", str(first)).output == "1 wallpaper no longer starred\n"
    filled(crawl, exhibits(3))
    assert run(crawl, "star", "--list").output == f"{SOURCE}/{second.stem}\n"


def test_a_missing_name_catalogue_or_list_is_one_line(tmp_path: Path) -> None:
    store = ("-s", f"IMAGES_STORE={tmp_path / 'store'}")
    usage = scrapy("unstar", *store)
    assert usage.status == 2
    assert "expected a path, an id or --from FILE" in usage.output + usage.log
    for words, said in (
        (("5",), "there is no catalogue at"),
        (("--from", str(tmp_path / "none.txt")), "--from: No such file or directory: "),
    ):
        result = scrapy("hide", *words, *store)
        assert result.status == 1
        (line,) = [line for line in result.log.splitlines() if line.startswith("scrapy: ")]
        assert said in line
    assert not (tmp_path / "store").exists()
