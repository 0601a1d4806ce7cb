"""Updates side by side, but those of one chat in their order."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from telegram import CallbackQuery, Update
from telegram.error import TelegramError
from telegram.ext import BaseUpdateProcessor

PATIENCE_S = 1.5
"""A press that waits longer for the one before it is answered without words, for the client's spinner's sake."""


class OrderedByChat(BaseUpdateProcessor):
    """A queue for each chat: a lock that exists while somebody holds it or waits."""

    def __init__(self, max_concurrent_updates: int = 256) -> None:
        super().__init__(max_concurrent_updates)
        self._locks: dict[int, tuple[asyncio.Lock, int]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.closed = False

    async def do_process_update(self, update: object, coroutine: Coroutine[Any, Any, Any]) -> None:  # type: ignore[override]
        task = asyncio.current_task()
        if self.closed or task is None:
            coroutine.close()
            return
        self._tasks.add(task)
        try:
            await self._in_turn(update, coroutine)
        finally:
            self._tasks.discard(task)
            coroutine.close()  # for one that was cut off before its turn

    async def _in_turn(self, update: object, coroutine: Coroutine[Any, Any, Any]) -> None:
        chat_id = update.effective_chat.id if isinstance(update, Update) and update.effective_chat else 0
        lock, waiting = self._locks.get(chat_id, (asyncio.Lock(), 0))
        self._locks[chat_id] = (lock, waiting + 1)
        query = update.callback_query if isinstance(update, Update) and lock.locked() else None
        calm = asyncio.create_task(_calm(query)) if query is not None else None
        try:
            async with lock:
                if calm is not None:
                    calm.cancel()
                await coroutine
        finally:
            if calm is not None:
                calm.cancel()  # also where the turn never came
            _, waiting = self._locks[chat_id]
            if waiting == 1:
                del self._locks[chat_id]
            else:
                self._locks[chat_id] = (lock, waiting - 1)

    def cut_off(self) -> None:
        """End what runs and waits, and take nothing more."""
        self.closed = True
        for task in self._tasks:
            task.cancel()

    async def initialize(self) -> None:
        """Nothing to set up."""

    async def shutdown(self) -> None:
        """Nothing to tear down."""


async def _calm(query: CallbackQuery) -> None:
    await asyncio.sleep(PATIENCE_S)
    with contextlib.suppress(TelegramError):
        await query.answer()
