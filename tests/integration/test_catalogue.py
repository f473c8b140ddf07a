"""The contract of the catalogue, on every database that it supports."""

from __future__ import annotations

import random
import threading
from functools import partial

import pytest
from sqlalchemy import URL, make_url

from tests.integration.catalogue_rows import image, put, wallpaper
from tests.integration.conftest import Open
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.held import Holder
from wallpapers.catalogue.queries import MOST_SHARING
from wallpapers.errors import CatalogueError
from wallpapers.items import Wallpaper
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict
from wallpapers.run.records import RunBeginning, RunEnd


def after(found: list[Wallpaper]) -> str:
    return found[-1].id if found else ""


def test_a_new_wallpaper_is_listed_without_an_image(open_it: Open) -> None:
    catalogue = open_it()
    for _ in range(2):
        assert catalogue.run(lambda entries: entries.enter_listed([wallpaper()])) == {}
    assert catalogue.run(lambda entries: entries.count("state")) == {("listed",): 1}


def test_a_stored_image_is_known_to_the_next_program(open_it: Open, store: dict[str, int]) -> None:
    assert put(open_it(), store, wallpaper(), image()) == "downloaded"
    held = open_it().run(lambda entries: entries.enter_listed([wallpaper(), wallpaper("2")]))
    assert list(held) == [("s", "1")]
    assert held["s", "1"].whole
    assert held["s", "1"].image == {**image(), "status": "uptodate"}


@pytest.mark.parametrize("size", [None, 9])
def test_a_row_whose_file_is_gone_or_of_another_size_is_not_whole(
    open_it: Open, store: dict[str, int], size: int | None
) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    del store["s/1.jpg"]
    if size:
        store["s/1.jpg"] = size
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper()]))
    assert not held["s", "1"].whole


def test_the_same_bytes_have_one_path(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    assert put(catalogue, store, wallpaper("2"), image(path="s/2.jpg")) == "duplicate"
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper("2")]))
    assert held["s", "2"].image["path"] == "s/1.jpg"


def test_a_batch_is_recorded_as_single_wallpapers_are(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper("0"), image("00", "s/0.jpg"))
    said = [
        ("1", "aa", "s/1.jpg"),
        ("2", "aa", "s/2.jpg"),  # the bytes of the one before
        ("3", "00", "s/3.jpg"),  # bytes that were there
        ("4", "bb", "s/0.jpg"),  # a path that was there
        *((f"n{number}", f"c{number}", f"s/n{number}.jpg") for number in range(1_100)),
    ]
    pairs = [(wallpaper(name), image(checksum, path)) for name, checksum, path in said]
    store |= {path: 10 for _, _, path in said}
    entered = catalogue.run(lambda entries: entries.record_all(pairs))
    images = [one.image if one else None for one in entered]
    assert [one and (one["status"], one["path"]) for one in images[:4]] == [
        ("downloaded", "s/1.jpg"),
        ("duplicate", "s/1.jpg"),
        ("duplicate", "s/0.jpg"),
        None,  # nothing is written: the path is that of another content
    ]
    assert {one["status"] for one in images[4:] if one} == {"downloaded"}
    asked = [wallpaper(name) for name, _, _ in said]
    held = open_it().run(lambda entries: entries.enter_listed(asked))
    assert all(held["s", name].image["checksum"] == checksum for name, checksum, _ in said[4:])
    assert held["s", "2"].image["path"] == "s/1.jpg"
    assert held["s", "3"].image["checksum"] == "00"
    assert ("s", "4") not in held


def test_a_batch_may_have_a_wallpaper_twice(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    pairs = [(wallpaper(), image(name, f"s/{name}.jpg")) for name in ("aa", "bb")]
    store |= {image["path"]: 10 for _, image in pairs}
    catalogue.run(lambda entries: entries.record_all(pairs))
    held = open_it().run(lambda entries: entries.enter_listed([wallpaper()]))
    assert held["s", "1"].image["path"] == "s/bb.jpg"


def test_a_row_follows_the_complete_file(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    del store["s/1.jpg"]
    assert put(catalogue, store, wallpaper("2"), image(path="s/2.jpg")) == "downloaded"
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper("1")]))
    assert held["s", "1"].image["path"] == "s/2.jpg"


def test_a_path_with_other_bytes_is_left_to_its_holder(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    put(catalogue, store, wallpaper("2"), image())
    new = partial(Entries.record, wallpaper=wallpaper(), image=image("bb"))
    assert catalogue.run(new) is None
    asked = partial(Entries.holder, path="s/1.jpg", wallpaper=wallpaper())
    assert catalogue.run(asked) == Holder("s/1.jpg", "aa", is_whole=True, has_others=True)
    catalogue.run(lambda entries: entries.mark("aa", damaged=True))
    assert catalogue.run(asked) == Holder("s/1.jpg", "aa", is_whole=False, has_others=True)
    catalogue.run(lambda entries: entries.forget("aa"))
    assert catalogue.run(asked) is None
    assert catalogue.run(lambda entries: entries.count("state")) == {("listed",): 2}
    put(catalogue, store, wallpaper(), image("bb"))
    assert catalogue.run(asked) == Holder("s/1.jpg", "bb", is_whole=True, has_others=False)


def test_a_file_of_another_wallpaper_is_not_adopted(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    adopt = partial(Entries.adopt, image=image())
    assert catalogue.run(lambda entries: adopt(entries, wallpaper("2"))) is None
    assert catalogue.run(lambda entries: adopt(entries, wallpaper())) is not None


def test_a_preview_stays_one_until_the_original_is_stored(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()

    def is_preview() -> bool:
        held = catalogue.run(lambda entries: entries.enter_listed([wallpaper()]))["s", "1"]
        return held.image.get("preview", False)

    put(catalogue, store, wallpaper(), {**image(), "preview": True})
    assert is_preview()
    catalogue.run(lambda entries: entries.fail(wallpaper(), "http_404", "a.test", "..."))
    assert is_preview()
    put(catalogue, store, wallpaper(), image("bb", "s/1-original.jpg"))
    assert not is_preview()


def test_bytes_shared_by_many_wallpapers_are_a_placeholder(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    for number in range(MOST_SHARING):
        put(catalogue, store, wallpaper(f"{number}"), image())
    sixth = catalogue.run(lambda entries: entries.record(wallpaper("x"), image(path="s/x.jpg")))
    assert sixth is not None
    assert sixth.refused_as == "placeholder"
    assert sixth.image["path"] == "s/1.jpg"
    assert put(catalogue, store, wallpaper("3"), image()) == "downloaded"  # one of the five


def test_failures_are_recorded_and_read_back_unchanged(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    failing = [wallpaper(f"{number}", tags=["海"]) for number in range(5)]
    for one in failing * 2:
        catalogue.run(
            partial(Entries.fail, wallpaper=one, reason="timeout", host="a.test", tried="...")
        )
    put(catalogue, store, failing[4], image())
    again: list[Wallpaper] = []
    while page := catalogue.run(partial(Entries.failed, source="s", after=after(again), most=3)):
        again += [failed.wallpaper for failed in page if failed.wallpaper]
    assert again == failing[:4]
    assert catalogue.run(lambda e: e.count("attempts", state="failed")) == {(2,): 4}
    assert catalogue.run(lambda e: e.count("attempts", state="stored")) == {(0,): 1}
    assert catalogue.run(lambda e: e.count("host", "reason", state="failed")) == {
        ("a.test", "timeout"): 4
    }


def test_a_failure_does_not_forget_what_was_stored(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    catalogue.run(lambda entries: entries.fail(wallpaper(), "http_404", "a.test", "..."))
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper()]))["s", "1"]
    assert (held.state, held.whole) == ("failed", True)


def test_a_run_is_recorded_with_its_end(open_it: Open) -> None:
    catalogue = open_it()
    for name, source in (("1-aaaaaaaa", "s"), ("2-bbbbbbbb", "s"), ("3-cccccccc", "t")):
        beginning = RunBeginning(name, source, {"word": "风景", "limit": "5"})
        catalogue.run(lambda entries, run=beginning: entries.runs.begin(run))  # type: ignore[misc]
    assert catalogue.run(lambda entries: entries.runs.last_ended()) == {}
    end = RunEnd("1-aaaaaaaa", ExitStatus.COMPLETE, {Verdict.STORED: 3}, 4, 2**40)
    catalogue.close(end)
    catalogue = open_it()
    latest = catalogue.run(lambda entries: entries.runs.latest(3))
    assert {run.beginning.id: run.end for run in latest if run.end} == {
        end.id: end._replace(verdicts={**dict.fromkeys(Verdict, 0), Verdict.STORED: 3})
    }
    assert latest[0].beginning.arguments == {"word": "风景", "limit": "5"}
    assert len(catalogue.run(lambda entries: entries.runs.latest(2))) == 2
    (ended,) = [run for run in latest if run.end]
    assert catalogue.run(lambda entries: entries.runs.last_ended()) == {"s": ended}
    assert catalogue.run(lambda entries: entries.runs.last_complete()) == {"s": ended.ended_at}
    assert catalogue.run(lambda entries: entries.runs.count_by_status()) == {
        ("s", 0): 1,
        ("s", None): 1,
        ("t", None): 1,
    }


def test_work_that_raises_leaves_nothing(open_it: Open) -> None:
    catalogue = open_it()

    def half(entries: Entries) -> None:
        entries.enter_listed([wallpaper()])
        raise KeyError

    with pytest.raises(KeyError):
        catalogue.run(half)
    assert catalogue.run(lambda entries: entries.count("state")) == {}


def test_a_thousand_wallpapers_are_found_in_chunks(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    many = [wallpaper(f"{number}") for number in range(1_200)]
    catalogue.run(lambda entries: entries.enter_listed(many))
    for one in many[::100]:
        put(catalogue, store, one, image(f"sum{one.id}", f"s/{one.id}.jpg"))
    assert len(catalogue.run(lambda entries: entries.enter_listed(many))) == 12


def test_concurrent_programs_keep_one_path_of_each_content(
    open_it: Open, store: dict[str, int], url: URL
) -> None:
    """Sixteen contents under forty names each, stored by four programs in different orders."""
    open_it()
    work = [(f"{number}", f"sum{number % 16}") for number in range(80)]
    failures: list[BaseException] = []
    for number, content in work:
        store[f"s/{number}-{content}.jpg"] = 10

    def program(seed: int) -> None:
        catalogue = Catalogue.open(url, lambda path, size: store.get(path) == size)
        mine = work.copy()
        random.Random(seed).shuffle(mine)
        try:
            for number, content in mine:
                new, content_of_it = wallpaper(number), image(content, f"s/{number}-{content}.jpg")
                catalogue.run(partial(Entries.record, wallpaper=new, image=content_of_it))
        except BaseException as error:
            failures.append(error)
        finally:
            catalogue.close()

    threads = [threading.Thread(target=program, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    catalogue = open_it()
    assert catalogue.run(lambda entries: entries.formats()) == {"JPEG": (16, 160)}
    assert catalogue.run(lambda entries: entries.count("sha256")) == {
        (f"sum{number}",): 5 for number in range(16)
    }


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    url = make_url("postgresql+psycopg://me:canary-123@127.0.0.1:1/db")
    with pytest.raises(CatalogueError) as raised:
        Catalogue.open(url, lambda path, size: True)
    assert "postgresql+psycopg://me:***@127.0.0.1:1/db" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert "\n" not in str(raised.value)
