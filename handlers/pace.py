"""Telegram's limits, kept by us: so many messages a second over all chats, one a second in each, 20 a minute in groups.

Every request of the bot passes here. Codes (priority 0) are let through before answers (1) and edits (2).
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

CODE, ANSWER, EDIT = 0, 1, 2
"""Priorities, passed as PTB's rate_limit_args."""
COUNTED = ("send", "edit", "copy", "forward")
"""Methods that put or change a message; answers to presses and the like are not limited."""
BURST_S = 1.0
"""How much of the overall rate may be used at once after a pause."""
CHAT_INTERVAL_S, CHAT_BURST = 1.0, 8
GROUP_INTERVAL_S, GROUP_BURST = 3.0, 4
FORGET_AFTER = 10_000


class Pace(BaseRateLimiter[int]):
    """`rate` in messages a second over all chats; one much above Telegram's 30 lifts each chat's limit too."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._chat_scale = min(1.0, 30.0 / rate)
        self._next_at = 0.0
        self._chats: dict[int, float] = {}
        self._paused: dict[int, float] = {}
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._pump: asyncio.Task[None] | None = None

    async def initialize(self) -> None:
        """Nothing to set up."""

    async def shutdown(self) -> None:
        if self._pump is not None:
            self._pump.cancel()

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Any:
        if not endpoint.startswith(COUNTED):
            return await callback(*args, **kwargs)
        chat_id = data.get("chat_id")
        chat = int(chat_id) if isinstance(chat_id, int | str) and str(chat_id).lstrip("-").isdigit() else 0
        priority = ANSWER if rate_limit_args is None else rate_limit_args
        await self._wait_for_chat(chat, urgent=priority == CODE)
        await self._wait_for_all(priority)
        try:
            return await callback(*args, **kwargs)
        except RetryAfter as error:
            self._paused[chat] = asyncio.get_running_loop().time() + _seconds(error)
            raise

    async def _wait_for_chat(self, chat: int, *, urgent: bool) -> None:
        """A code is counted, but waits only where Telegram itself said so: short bursts are allowed in a chat."""
        now = asyncio.get_running_loop().time()
        interval, burst = (GROUP_INTERVAL_S, GROUP_BURST) if chat < 0 else (CHAT_INTERVAL_S, CHAT_BURST)
        interval *= self._chat_scale
        if len(self._chats) > FORGET_AFTER:
            self._chats = {known: at for known, at in self._chats.items() if at > now}
            self._paused = {known: at for known, at in self._paused.items() if at > now}
        at = max(self._chats.get(chat, 0.0), now - interval * (burst - 1))
        self._chats[chat] = at + interval
        wait = (self._paused.get(chat, 0.0) if urgent else max(at, self._paused.get(chat, 0.0))) - now
        if wait > 0:
            await asyncio.sleep(wait)

    async def _wait_for_all(self, priority: int) -> None:
        now = asyncio.get_running_loop().time()
        if not self._queue and self._free_at(now) <= now:
            self._take(now)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (priority, next(self._order), turn))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._let_through(), name="pace")
        await turn

    def _free_at(self, now: float) -> float:
        self._next_at = max(self._next_at, now - BURST_S)
        return self._next_at

    def _take(self, now: float) -> None:
        self._next_at = self._free_at(now) + 1.0 / self._rate

    async def _let_through(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            wait = self._free_at(loop.time()) - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            _, _, turn = heapq.heappop(self._queue)
            if not turn.done():
                self._take(loop.time())
                turn.set_result(None)


def _seconds(error: RetryAfter) -> float:
    wait = error.retry_after
    return float(wait.total_seconds() if hasattr(wait, "total_seconds") else wait)
