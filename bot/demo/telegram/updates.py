"""Updates that wait for the bot, and the long poll that fetches them."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.telegram.errors import ApiError

KEPT_S = 24 * 3600
"""Telegram forgets an update that nobody fetched for a day."""
LONGEST_POLL_S = 50
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


@dataclass(frozen=True, slots=True)
class Update:
    body: dict[str, Any]
    """The Update object, `update_id` included."""
    lane: int
    """Updates of one lane (a chat) are delivered one after the other."""
    at: float

    @property
    def id(self) -> int:
        found: int = self.body["update_id"]
        return found


class UpdateQueue:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: OrderedDict[int, Update] = OrderedDict()
        self._next_id = 100_000_001
        self._poll: asyncio.Future[None] | None = None
        self._last_offset: int | None = None
        self._last_offset_at = 0.0
        self.allowed: frozenset[str] | None = None
        """Kinds that the bot asked for; None is Telegram's default set."""
        self.on_update: Callable[[Update], None] | None = None
        """Called with each new update, while a webhook is set."""
        self.repeat_wait_s = 0.0
        """Telegram's is 3.0: a short poll that repeats the last offset sooner has to wait that long."""
        self.closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, kind: str, payload: dict[str, Any], lane: int) -> None:
        """Queue an update, unless the bot did not ask for its kind."""
        wanted = kind in self.allowed if self.allowed is not None else kind not in NOT_BY_DEFAULT
        if not wanted:
            return
        update = Update({"update_id": self._next_id, kind: payload}, lane, self._clock())
        self._next_id += 1
        self._waiting[update.id] = update
        self._wake()
        if self.on_update is not None:
            self.on_update(update)

    def pending(self) -> list[Update]:
        self._forget_old()
        return list(self._waiting.values())

    def delivered(self, update_id: int) -> None:
        self._waiting.pop(update_id, None)

    def clear(self) -> None:
        self._waiting.clear()

    async def fetch(self, offset: int, limit: int, timeout_s: int) -> list[dict[str, Any]]:
        """getUpdates: forgets what comes before `offset`, then waits up to `timeout_s` for something to return.

        Raises ApiError 409 when a newer fetch takes this one's place.
        """
        if self.closed:
            raise ApiError(500, "Internal Server Error: restart")
        self._forget_old()
        self._confirm(offset)
        wait_s, limit = self._slow_down(offset, limit, min(timeout_s, LONGEST_POLL_S))
        if not self._waiting and wait_s > 0:
            await self._wait(wait_s)
        return [update.body for update, _ in zip(self._waiting.values(), range(limit), strict=False)]

    def interrupt(self, error: ApiError | None = None) -> None:
        """End the running long poll: with an error, or with what is there."""
        poll, self._poll = self._poll, None
        if poll is not None and not poll.done():
            if error is None:
                poll.set_result(None)
            else:
                poll.set_exception(error)

    def _wake(self) -> None:
        self.interrupt(None)

    async def _wait(self, timeout_s: float) -> None:
        self.interrupt(ApiError(409, CONFLICT))
        poll = self._poll = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await poll
        except TimeoutError:
            return
        finally:
            if self._poll is poll:
                self._poll = None

    def _confirm(self, offset: int) -> None:
        """A negative offset keeps that many of the newest; one from the future confirms nothing."""
        if offset < 0:
            while len(self._waiting) > -offset:
                self._waiting.popitem(last=False)
        elif 0 < offset <= self._next_id:
            while self._waiting and next(iter(self._waiting)) < offset:
                self._waiting.popitem(last=False)

    def _slow_down(self, offset: int, limit: int, timeout_s: float) -> tuple[float, int]:
        """What Telegram does to a client that asks for the same again at once."""
        now = asyncio.get_running_loop().time()
        age_s = now - self._last_offset_at if offset == self._last_offset else KEPT_S
        self._last_offset, self._last_offset_at = offset, now
        if timeout_s < self.repeat_wait_s and age_s < self.repeat_wait_s:
            timeout_s = self.repeat_wait_s
        return timeout_s, 1 if self.repeat_wait_s and age_s < 0.5 else limit

    def _forget_old(self) -> None:
        oldest = self._clock() - KEPT_S
        while self._waiting and next(iter(self._waiting.values())).at < oldest:
            self._waiting.popitem(last=False)
