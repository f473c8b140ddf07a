"""Process a wallpaper alone, so that it is the cause if the worker dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Isolation:
    """Let blocks of code run together, or one of them alone."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._together = 0
        self._alone = 0  # running or waiting
        self._is_taken = False

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Run the block while no block runs alone or waits for it."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._alone)
            self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            async with self._changed:
                self._changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Run the block while no other block runs."""
        self._alone += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._together and not self._is_taken)
                self._is_taken = True
            try:
                yield
            finally:
                self._is_taken = False
        finally:
            self._alone -= 1
            async with self._changed:
                self._changed.notify_all()
