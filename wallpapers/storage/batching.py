"""Run blocking work in threads, each of which takes all queued work: one thread switch for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[], Any]


class BatchExecutor(Generic[T, R]):
    """A thread pool that hands all queued work to one thread at a time, to save thread switches.

    A thread that is woken for each piece of work costs more than most of the pieces do: it and the
    reactor wait for the interpreter lock, again and again.

    *do_all* is called in a thread with the queued work, and returns for each piece its result, or
    the error that its ``do`` raises.
    """

    def __init__(
        self, threads: int, name: str, do_all: Callable[[list[T]], Sequence[R | Exception]]
    ) -> None:
        self._do_all = do_all
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threads
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._called = False

    async def do(self, work: T) -> R:
        """Run *work* in a thread; return its result, or raise its error."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((work, future))
        if (
            self._free and not self._called
        ):  # what else is queued in this turn of the loop goes along
            self._called = True
            loop.call_soon(self._begin, loop)
        return await future

    def close(self) -> None:
        """Shut down after the running work has finished."""
        self._threads.shutdown(wait=False)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._called = False
        batch, self._waiting = self._waiting, []
        futures = [future for _, future in batch]
        self._free -= 1
        try:
            done = loop.run_in_executor(self._threads, self._do_all, [work for work, _ in batch])
        except RuntimeError as error:  # it is closed
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        else:
            done.add_done_callback(partial(self._end, loop, futures))

    def _end(
        self,
        loop: asyncio.AbstractEventLoop,
        futures: list[asyncio.Future[R]],
        done: asyncio.Future[Sequence[R | Exception]],
    ) -> None:
        self._free += 1
        if self._waiting and not self._called:
            self._begin(loop)
        answers = [fault] * len(futures) if (fault := done.exception()) else done.result()
        for future, answer in zip(futures, answers, strict=True):
            if future.done():  # its caller was cancelled
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def run_each(works: list[Work]) -> list[Any]:
    """Call each of *works*; return its result, or the exception that it raised."""
    answers: list[Any] = []
    for work in works:
        try:
            answers.append(work())
        except Exception as error:
            answers.append(error)
    return answers
