"""Work that is handed to threads ends with a result or an error, also after they are closed."""

from __future__ import annotations

import asyncio

import pytest

from wallpapers.storage.batching import BatchExecutor, run_each


def test_all_work_fails_after_the_threads_are_closed() -> None:
    async def work() -> None:
        executor = BatchExecutor(1, "test", run_each)
        assert await executor.do(lambda: 1) == 1
        executor.close()
        for _ in range(2):
            with pytest.raises(RuntimeError):
                await asyncio.wait_for(executor.do(lambda: 1), 10)

    asyncio.run(work())
