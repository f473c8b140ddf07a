"""Run blocking work in threads, in batches, so that a batch costs a single thread switch."""

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
    """A thread pool that gives all queued work to one thread at a time, to save thread switches.

    Waking a thread for each item would take longer than most items do, because the thread and the
    reactor compete for the interpreter lock.

    *run_batch* is called in a thread with all queued items. It returns one result for each, or the
    exception that ``do`` raises for it.
    """

    def __init__(
        self, threads: int, name: str, run_batch: Callable[[list[T]], Sequence[R | Exception]]
    ) -> None:
        self._run_batch = run_batch
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threads
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._scheduled = False

    async def do(self, work: T) -> R:
        """Run *work* in a thread; return its result, or raise its error."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((work, future))
        if self._free and not self._scheduled:
            # Work that is queued in the same iteration of the event loop joins the batch.
            self._scheduled = True
            loop.call_soon(self._start_batch, loop)
        return await future

    def close(self) -> None:
        """Shut down after the running work has finished."""
        self._threads.shutdown(wait=False)

    def _start_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        batch, self._waiting = self._waiting, []
        futures = [future for _, future in batch]
        try:
            done = loop.run_in_executor(self._threads, self._run_batch, [work for work, _ in batch])
        except RuntimeError as error:  # the executor is closed
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        else:
            self._free -= 1
            done.add_done_callback(partial(self._batch_done, loop, futures))

    def _batch_done(
        self,
        loop: asyncio.AbstractEventLoop,
        futures: list[asyncio.Future[R]],
        done: asyncio.Future[Sequence[R | Exception]],
    ) -> None:
        self._free += 1
        if self._waiting and not self._scheduled:
            self._start_batch(loop)
        results = [error] * len(futures) if (error := done.exception()) else done.result()
        for future, result in zip(futures, results, strict=True):
            if future.done():  # the caller was cancelled
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


def run_each(batch: list[Work]) -> list[Any]:
    """Call each function of *batch*; return their results, or the exceptions that they raised."""
    results: list[Any] = []
    for work in batch:
        try:
            results.append(work())
        except Exception as error:
            results.append(error)
    return results
