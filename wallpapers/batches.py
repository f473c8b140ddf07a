"""Threads for what blocks, each of which takes all the work that waits: one hop for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[], Any]


class Batches:
    """Does work outside of the reactor's thread, and bounds how much of it is done at once.

    A thread that is woken for each piece of work costs more than most of the pieces do: it and the
    reactor wait for the interpreter lock, again and again.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threads
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._called = False

    async def do(self, work: Callable[[], T]) -> T:
        """Have *work* done and return its result, or raise what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((work, future))
        if self._free and not self._called:  # whoever else asks in this turn goes along
            self._called = True
            loop.call_soon(self._begin, loop)
        return await future

    def close(self) -> None:
        """Let the threads go, when they have done what they are at."""
        self._threads.shutdown(wait=False)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._called = False
        batch, self._waiting = self._waiting, []
        self._free -= 1
        done = loop.run_in_executor(self._threads, _do_all, [work for work, _ in batch])
        done.add_done_callback(partial(self._end, loop, [future for _, future in batch]))

    def _end(
        self,
        loop: asyncio.AbstractEventLoop,
        futures: list[asyncio.Future[Any]],
        done: asyncio.Future[list[tuple[Any, Exception | None]]],
    ) -> None:
        self._free += 1
        if self._waiting and not self._called:
            self._begin(loop)
        for future, (result, error) in zip(futures, done.result(), strict=True):
            if future.done():  # whoever asked for it has gone
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)


def _do_all(works: list[Work]) -> list[tuple[Any, Exception | None]]:
    answers: list[tuple[Any, Exception | None]] = []
    for work in works:
        try:
            answers.append((work(), None))
        except Exception as error:  # each is told to who asked for it
            answers.append((None, error))
    return answers
