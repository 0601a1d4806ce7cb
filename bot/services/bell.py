"""Waking who waits for news of a person (a long poll, an event stream), so that nobody asks the database in vain."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from storage import news
from storage.db import Reader


class Bell:
    """Rung when something of its person's has been committed; what it was, the waiter reads by itself."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether it rang, since the last wait or within this one."""
        try:
            async with asyncio.timeout(max(0.0, timeout_s)):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Bells:
    """One question finds out whose events are new, however many wait."""

    def __init__(self, db: Reader) -> None:
        self._db = db
        self._last_id: int | None = None
        self._waiting: dict[int, set[Bell]] = {}
        self.closed = False

    @contextmanager
    def of(self, user_id: int) -> Iterator[Bell]:
        """Hung up before its owner looks, so that nothing is missed between the look and the wait."""
        bell = Bell()
        self._waiting.setdefault(user_id, set()).add(bell)
        if self.closed:
            bell.ring()
        try:
            yield bell
        finally:
            left = self._waiting[user_id]
            left.discard(bell)
            if not left:
                del self._waiting[user_id]

    async def sweep(self) -> bool:
        """Ring for all whose events were written since the last time; at the first time, for everybody."""
        newest = await news.newest(self._db)
        if self._last_id is None:
            for user_id in self._waiting:
                self._ring(user_id)
        elif newest > self._last_id:
            for user_id in await news.people_since(self._db, self._last_id):
                self._ring(user_id)
        self._last_id = newest
        return False

    def _ring(self, user_id: int) -> None:
        for bell in self._waiting.get(user_id, ()):
            bell.ring()

    def close(self) -> None:
        """The program stops: nobody waits any longer."""
        self.closed = True
        for user_id in self._waiting:
            self._ring(user_id)
