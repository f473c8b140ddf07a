"""Read and write the catalogue in a thread, so that the reactor never waits for it.

Calls that arrive within 20 milliseconds, or during a transaction, share the next transaction,
because most of its cost does not depend on their number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from wallpapers.errors import CatalogueError
from wallpapers.items import Key, StoredImage, Wallpaper

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.catalogue.held import Entered, Held
    from wallpapers.run.records import RunEnd

T = TypeVar("T")
A = TypeVar("A")
R = TypeVar("R")
Work = Callable[["Entries"], Any]
HasFile = Callable[[], bool]
_Found = tuple[dict[Key, "Held"], set[Key], set[Key]]  # images, fetched elsewhere, hidden

_GATHER_S = 0.02  # a caller that waits for a row holds no place
_FORCE_S = 0.5


class Listed(NamedTuple):
    """What is known of a wallpaper that a listing names."""

    held: Held | None  # its image
    has_file: bool  # False if it has an image or is hidden
    is_fetched_elsewhere: bool  # another run is fetching it
    is_hidden: bool


class Writer:
    """The catalogue as coroutines, which do not block. All raise CatalogueError."""

    def __init__(self, open_catalogue: Callable[[], Catalogue]) -> None:
        self._open = open_catalogue
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wallpapers-catalogue")
        self._catalogue: Catalogue | None = None
        self._open_error: CatalogueError | None = None  # of a failed attempt to open it
        self._waiting = _Calls()
        self._working: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the catalogue, which may take a while."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._opened)

    async def enter_listed(self, wallpaper: Wallpaper, has_file: HasFile) -> Listed:
        """Insert the row of *wallpaper* if it is new, and claim it if it has no image.

        If it has none, *has_file* is called in the thread, where it may block on the disk.
        """
        return await self._queued(self._waiting.listed, (wallpaper, has_file))

    async def record(self, wallpaper: Wallpaper, image: StoredImage) -> Entered | None:
        """Record that *wallpaper* has *image*, whose file is complete; see ``Entries.record``."""
        return await self._queued(self._waiting.stored, (wallpaper, image))

    async def do(self, work: Callable[[Entries], T]) -> T:
        """Return the result of *work*, which may be called again after a conflict."""
        return await self._queued(self._waiting.works, work)

    async def do_alone(self, work: Callable[[Entries], T]) -> T:
        """Return the result of *work*, in a transaction that does not wait for other calls."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    def close(self, end: RunEnd | None = None) -> None:
        """Record the end of the run and close the catalogue; no other call may be running."""
        self._thread.submit(self._close, end)
        self._thread.shutdown()

    def close_by_force(self, end: RunEnd) -> None:
        """Close the catalogue from any thread, if it is open and its thread is free soon."""
        if self._catalogue is not None:
            with suppress(TimeoutError, RuntimeError):  # at work, or closed already
                self._thread.submit(self._close, end).result(_FORCE_S)

    async def _queued(self, queue: list[tuple[A, asyncio.Future[R]]], what: A) -> R:
        """Return the result of a call, which waits in *queue* for the next transaction."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        queue.append((what, future))
        if self._working is None:
            self._working = asyncio.ensure_future(self._work())
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(_GATHER_S)
            calls, self._waiting = self._waiting, _Calls()
            try:
                results = await loop.run_in_executor(self._thread, self._run, calls)
            except Exception as error:
                for future in calls.futures():
                    if not future.done():
                        future.set_exception(error)
                continue
            for future, result in zip(calls.futures(), results, strict=True):
                if not future.done():
                    future.set_result(result)
        self._working = None

    def _opened(self) -> Catalogue:
        if self._open_error is not None:
            raise self._open_error  # another wait for a lock would delay the shutdown
        if self._catalogue is None:
            try:
                self._catalogue = self._open()
            except CatalogueError as error:
                self._open_error = error
                raise
        return self._catalogue

    def _close(self, end: RunEnd | None) -> None:
        """Close the catalogue if it was opened. Runs in its thread, which may be opening it."""
        if self._catalogue is not None:
            self._catalogue.close(end)

    def _do(self, work: Callable[[Entries], T]) -> T:
        return self._opened().run(work)

    def _run(self, calls: _Calls) -> list[Any]:
        """Process all calls in one transaction; runs in the catalogue's thread."""
        listed = [what for what, _ in calls.listed]

        def process_all(entries: Entries) -> tuple[_Found, list[Any]]:
            held = entries.enter_listed([wallpaper for wallpaper, _ in listed])
            found = held, entries.fetched_elsewhere, entries.hidden_listed
            stored = entries.record_all([what for what, _ in calls.stored])
            return found, [*stored, *(work(entries) for work, _ in calls.works)]

        (images, elsewhere, hidden), results = self._opened().run(process_all)
        answers: list[Any] = []
        for wallpaper, has_file in listed:
            key = wallpaper.source, wallpaper.id
            held, is_hidden = images.get(key), key in hidden
            is_there = held is None and not is_hidden and has_file()
            answers.append(Listed(held, is_there, key in elsewhere, is_hidden))
        return answers + results


class _Calls:
    """The calls that wait for a transaction, in the order of processing, with their futures."""

    def __init__(self) -> None:
        self.listed: list[tuple[tuple[Wallpaper, HasFile], asyncio.Future[Listed]]] = []
        self.stored: list[tuple[tuple[Wallpaper, StoredImage], asyncio.Future[Entered | None]]] = []
        self.works: list[tuple[Work, asyncio.Future[Any]]] = []

    def __bool__(self) -> bool:
        return bool(self.listed or self.stored or self.works)

    def futures(self) -> list[asyncio.Future[Any]]:
        calls: list[tuple[Any, asyncio.Future[Any]]]
        calls = [*self.listed, *self.stored, *self.works]
        return [future for _, future in calls]
