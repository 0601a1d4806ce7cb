"""What Telegram takes, counted: so many messages in any second over all chats, and fewer in each one.

Telegram counts when a message reaches it, somewhere between its leaving here and its answer. A second after the answer,
surely a second has passed for Telegram too, however long any message was on its way. Moments are seconds of the
monotonic clock.
"""

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

MOST_LATE_S = 5.0
"""What is without an answer for longer holds up nothing else: Telegram hangs."""
FORGET_AFTER = 10_000


class Overall:
    """At most `rate` messages in any second: each has a place from before it leaves until a second after its answer."""

    def __init__(self, rate: float) -> None:
        self._most = max(1, int(rate))
        self._span_s = self._most / rate
        self._granted = 0
        self._away: dict[Hashable, float] = {}
        self._free_at: deque[float] = deque()

    def grant(self) -> None:
        """A place for a message, which then leaves, or gives it back."""
        self._granted += 1

    def give_back(self) -> None:
        self._granted -= 1

    def leave(self, message: Hashable, now: float) -> None:
        self._granted -= 1
        self._away[message] = now

    def answered(self, message: Hashable, now: float) -> None:
        if self._away.pop(message, None) is not None:
            self._free_at.append(now + self._span_s)

    def room_at(self, now: float) -> float:
        """From when another one may leave: now, a moment to come, or infinity, where only an answer can tell."""
        while self._free_at and self._free_at[0] <= now:
            self._free_at.popleft()
        longest_s = self._span_s + MOST_LATE_S
        while (oldest := next(iter(self._away.items()), None)) is not None and oldest[1] + longest_s <= now:
            del self._away[oldest[0]]
        if self._used < self._most:
            return now
        ends = self._free_at[0] if self._free_at else math.inf
        return ends if oldest is None else min(ends, oldest[1] + longest_s)

    @property
    def _used(self) -> int:
        return self._granted + len(self._away) + len(self._free_at)

    @property
    def is_half_used(self) -> bool:
        return self._used > self._most // 2


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`burst` messages at once, then one each `interval_s`; the last `kept` of a burst are for codes alone."""

    burst: int
    interval_s: float
    kept: int = 2


PRIVATE = Rhythm(8, 1.0)
"""One a second is documented, and that short bursts may exceed it; how long they may be is not."""
GROUP = Rhythm(5, 4.0)
"""No more than 20 in any minute."""


class Chats:
    """Each chat's own limit; `scale` shortens its intervals. A chat that is not known by a number (0) has none."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._rested_at: dict[int, float] = {}
        """From when on a whole burst may be used again."""
        self._paused_until: dict[int, float] = {}

    def ready_at(self, chat: int, *, code: bool) -> float:
        if chat == 0:
            return 0.0
        rhythm = _rhythm(chat)
        burst = rhythm.burst if code else rhythm.burst - rhythm.kept
        rested_at = self._rested_at.get(chat, 0.0) - (burst - 1) * rhythm.interval_s * self._scale
        return max(rested_at, self._paused_until.get(chat, 0.0))

    def take(self, chat: int, now: float) -> None:
        if len(self._rested_at) > FORGET_AFTER:
            self._rested_at = {known: at for known, at in self._rested_at.items() if at > now}
            self._paused_until = {known: at for known, at in self._paused_until.items() if at > now}
        self._rested_at[chat] = max(self._rested_at.get(chat, 0.0), now) + _rhythm(chat).interval_s * self._scale

    def give_back(self, chat: int) -> None:
        self._rested_at[chat] = self._rested_at.get(chat, 0.0) - _rhythm(chat).interval_s * self._scale

    def answered(self, chat: int, took_s: float) -> None:
        late_s = min(took_s, MOST_LATE_S) * self._scale
        self._rested_at[chat] = self._rested_at.get(chat, 0.0) + late_s

    def pause(self, chat: int, until: float) -> None:
        """Telegram said so."""
        self._paused_until[chat] = until


def _rhythm(chat: int) -> Rhythm:
    return GROUP if chat < 0 else PRIVATE
