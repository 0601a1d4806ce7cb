"""Lanes: work at one provider goes on at most once at a time, and delays nobody else's."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from bot.services.background import Background

T = TypeVar("T")


class Lanes:
    """One lane for each name; whoever finds it taken comes again with the next sweep."""

    def __init__(self, background: Background, kind: str) -> None:
        self._background = background
        self._kind = kind
        self._taken: set[str] = set()
        self._all_free = asyncio.Event()

    def is_free(self, name: str) -> bool:
        return name not in self._taken

    def run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Start `work` in the background, unless the lane is taken."""
        if self.is_free(name):
            self._taken.add(name)
            self._all_free.clear()
            self._background.spawn(self._run(name, work), f"{self._kind}:{name}")

    async def _run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        finally:
            self._taken.discard(name)
            if not self._taken:
                self._all_free.set()

    async def settle(self, within_s: float) -> None:
        """Wait until all lanes are free, but no longer than that."""
        if self._taken:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_free.wait(), within_s)


async def each(items: Iterable[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """`work` on all items, a few at a time. Raises the first of its errors; the other items are not given up."""
    room = asyncio.Semaphore(at_once)

    async def one(item: T) -> None:
        async with room:
            await work(item)

    results = await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
