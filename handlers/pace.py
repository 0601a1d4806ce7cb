"""Everything that the bot sends, kept under Telegram's limits (handlers/limits.py) and in the order of its importance.

Every request of the bot passes here. Where they have to wait, codes leave before answers, and answers before edits of
cards; those that are alike leave in the order in which they came, each chat at its own pace.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from handlers.limits import Chats, Overall

CODE, ANSWER, EDIT = 1, 2, 3
"""Priorities, passed as PTB's rate_limit_args. None is 0, which PTB would take for none given."""
COUNTED = ("send", "edit", "copy", "forward")
"""Methods that put or change a message; answers to presses and the like are not limited."""
USUAL_RATE = 30.0
"""With a higher one, the limits of chats are raised alike."""


@dataclass(eq=False, slots=True)
class Turn:
    """Leave to send one message into that chat, once it is given."""

    chat: int
    priority: int
    given: asyncio.Future[None]
    used: bool = field(default=False, init=False)


Claim: TypeAlias = Turn | int
"""What a request comes with: its turn, or the priority by which it is to wait for one."""


class Pace(BaseRateLimiter[Claim]):
    """`rate` in messages a second over all chats."""

    def __init__(self, rate: float) -> None:
        self._step_s = 1.0 / rate
        self._overall = Overall(rate)
        self._chats = Chats(min(1.0, USUAL_RATE / rate))
        self._waiting: dict[int, deque[Turn]] = {priority: deque() for priority in (CODE, ANSWER, EDIT)}
        self._given_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def initialize(self) -> None:
        """Nothing to set up."""

    async def shutdown(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @contextlib.asynccontextmanager
    async def turn(self, chat: int, priority: int) -> AsyncIterator[Turn]:
        """Waits until the limits allow a message, before it is written. To be passed on as rate_limit_args."""
        turn = await self._turn(chat, priority)
        try:
            yield turn
        finally:
            if not turn.used:
                self._give_back(turn)

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Claim | None,
    ) -> Any:
        if not endpoint.startswith(COUNTED):
            return await callback(*args, **kwargs)
        turn = await self._claimed(rate_limit_args or ANSWER, _chat_of(data))
        turn.used, left_at = True, time.monotonic()
        self._overall.leave(turn, left_at)
        try:
            return await callback(*args, **kwargs)
        except RetryAfter as error:
            self._chats.pause(turn.chat, time.monotonic() + _seconds(error))
            raise
        finally:
            now = time.monotonic()
            self._overall.answered(turn, now)
            self._chats.answered(turn.chat, now - left_at)
            self._let_through()

    async def _claimed(self, claim: Claim, chat: int) -> Turn:
        """A turn serves one request; further ones wait for turns of their own."""
        if isinstance(claim, int):
            return await self._turn(chat, claim)
        return await self._turn(chat, claim.priority) if claim.used else claim

    async def _turn(self, chat: int, priority: int) -> Turn:
        turn = Turn(chat, priority, asyncio.get_running_loop().create_future())
        self._waiting[priority].append(turn)
        self._let_through()
        try:
            await turn.given
        except asyncio.CancelledError:
            if not turn.given.cancelled():  # it was given at that very moment
                self._give_back(turn)
            raise
        return turn

    def _give_back(self, turn: Turn) -> None:
        self._overall.give_back()
        self._chats.give_back(turn.chat)
        self._let_through()

    def _let_through(self) -> None:
        """Give turns as far as the limits allow, and look again when they allow the next one."""
        if self._timer is not None:
            self._timer.cancel()
        while True:
            now = time.monotonic()
            at = self._overall.room_at(now)
            turn, at = self._next(now) if at <= now else (None, at)
            if turn is None:
                break
            self._give(turn, now)
        if at < math.inf and any(self._waiting.values()):
            self._timer = asyncio.get_running_loop().call_later(at - now, self._let_through)

    def _next(self, now: float) -> tuple[Turn | None, float]:
        """Whose turn it is; where nobody's, when it will be."""
        # A crowd leaves at even steps: whatever is more important finds a place within one of them.
        soonest = self._given_at + self._step_s if self._overall.is_half_used else now
        if soonest > now:
            return None, soonest
        soonest = math.inf
        for priority, line in self._waiting.items():
            while line and line[0].given.done():
                line.popleft()
            for turn in line:
                at = self._chats.ready_at(turn.chat, code=priority == CODE)
                if at <= now and not turn.given.done():
                    return turn, now
                soonest = min(soonest, at)
        return None, soonest

    def _give(self, turn: Turn, now: float) -> None:
        self._given_at = now
        self._overall.grant()
        self._chats.take(turn.chat, now)
        self._waiting[turn.priority].remove(turn)
        turn.given.set_result(None)


def _chat_of(data: dict[str, Any]) -> int:
    chat = data.get("chat_id")
    return int(chat) if isinstance(chat, int | str) and str(chat).lstrip("-").isdigit() else 0


def _seconds(error: RetryAfter) -> float:
    wait = error.retry_after
    return float(wait.total_seconds() if hasattr(wait, "total_seconds") else wait)
