"""Blocks that run together wait for one that runs alone, and only for that."""

from __future__ import annotations

import asyncio

from wallpapers.cluster.isolation import Isolation


def test_a_block_that_is_cancelled_while_it_waits_blocks_no_other() -> None:
    async def run() -> None:
        isolation = Isolation()

        async def run_alone() -> None:
            async with isolation.alone():
                raise AssertionError

        async with isolation.together():
            waiting = asyncio.create_task(run_alone())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        async with asyncio.timeout(10), isolation.together():
            pass

    asyncio.run(run())
