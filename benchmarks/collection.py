"""Measure what the collection's commands cost: ``python -m benchmarks.collection look|neighbours``.

``look`` compares `wallpapers look` with a bare pool of processes that calls the same function, or
prints the peak memory of all its processes. ``neighbours`` compares fingerprints, all with all.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import resource
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from time import monotonic

import numpy
import psutil
from sqlalchemy import URL

from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.collection.kinds import MAX_BITS
from wallpapers.collection.looking import look_at_images
from wallpapers.collection.neighbours import new_neighbours
from wallpapers.demo import scenes
from wallpapers.inspection.inspect_file import inspect_file
from wallpapers.inspection.messages import ImageRequirements, Task
from wallpapers.items import StoredImage, Wallpaper
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.reading import FolderReader

_REQUIREMENTS = ImageRequirements("structure", 10**8, look=True)
_DISTINCT = 40  # drawn pictures; the others differ in a comment only
_SIZE = 1600, 900


def main() -> None:
    """Run the benchmark that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("look", "neighbours"))
    parser.add_argument("--images", type=int, default=2_400)
    parser.add_argument("--memory", action="store_true", help="peak memory, which costs time")
    parser.add_argument("--fingerprints", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=None, help="default: all of them")
    options = parser.parse_args()
    if options.what == "look":
        _look(options.images, memory=options.memory)
    else:
        _neighbours(options.fingerprints, options.queries or options.fingerprints)


def _look(count: int, *, memory: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStorage(folder)
        url = URL.create("sqlite", database=f"{folder}/.catalogue.db")
        catalogue = Catalogue.open(url, store.holds)
        paths = list(_make_store(catalogue, store, count))
        pool = get_context("spawn").Pool(os.cpu_count(), _use_one_thread)
        with _measured("bare pool"), pool:
            assert sum(pool.imap_unordered(_look_at, paths, chunksize=8)) == count
        with _peak_memory() if memory else _measured("wallpapers look"):
            report = look_at_images(catalogue, FolderReader(store), _REQUIREMENTS)
        assert report.seen == count
        assert catalogue.run(lambda entries: entries.looks.count_without_look()) == 0
        catalogue.close()


def _make_store(catalogue: Catalogue, store: LocalStorage, count: int) -> Iterator[str]:
    """Store *count* different images, and yield their paths."""
    drawn = []
    for number in range(min(count, _DISTINCT)):
        file = io.BytesIO()
        scene = scenes.KINDS[number % len(scenes.KINDS)]
        scenes.draw(scene, number, *_SIZE).save(file, "JPEG", quality=88)
        drawn.append(file.getvalue())
    listed = []
    for number in range(count):
        comment = b"\xff\xfe\x00\x0a" + f"{number:08}".encode()
        content = drawn[number % len(drawn)]
        content = content[:2] + comment + content[2:]
        path = store.root / f"{number}.jpg"
        path.write_bytes(content)
        image = StoredImage(
            url="",
            path=path.name,
            checksum=hashlib.sha256(content).hexdigest(),
            status="downloaded",
            width=_SIZE[0],
            height=_SIZE[1],
            format="JPEG",
            size=len(content),
        )
        listed.append((Wallpaper(str(number), ["http://a.test/"], source="s"), image))
        yield str(path)
    catalogue.run(lambda entries: entries.record_all(listed))


def _use_one_thread() -> None:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def _look_at(path: str) -> bool:
    inspection = inspect_file(Task(path, 0), _REQUIREMENTS, lambda pixels: nullcontext())
    return inspection.look is not None


def _neighbours(count: int, queries: int) -> None:
    random = numpy.random.default_rng(1)
    fingerprints = random.integers(0, 256, (count, 32), numpy.uint8)
    originals = random.permutation(count // 2)[: count // 5]
    copies = count - 1 - numpy.arange(len(originals))
    noise = numpy.packbits(random.random((len(originals), 256)) < 0.1, axis=1)
    fingerprints[copies] = fingerprints[originals] ^ noise  # 26 bits differ, on the average
    with _measured(f"{queries:,} new fingerprints with {count:,}"):
        neighbours = new_neighbours(fingerprints, count - queries, MAX_BITS)
        found = sum(len(one.rows) for one in neighbours)
    print(f"{found:,} pairs")
    assert found > 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak / 1024:,.0f} MB")


@contextmanager
def _measured(what: str) -> Iterator[None]:
    begin, used = monotonic(), _processor_time()
    yield
    print(
        f"{what}: {monotonic() - begin:.1f} s, {_processor_time() - used:.1f} s of processor time"
    )


def _processor_time() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@contextmanager
def _peak_memory() -> Iterator[None]:
    """Print the peak of the proportional set size of this process and its children."""
    ended = threading.Event()
    peak = 0

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.5):
            total = 0
            this = psutil.Process()
            for process in (this, *this.children(recursive=True)):
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            peak = max(peak, total)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    ended.set()
    thread.join()
    print(f"peak memory {peak / 2**20:.0f} MB in all processes")


if __name__ == "__main__":
    main()
