"""What Telegram takes of a bot, by its FAQ: 30 messages a second, one a second in a chat, 20 a minute in a group.

An edit counts as a message. How short the bursts are that a chat may exceed its second by, the FAQ does not say.
"""

import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable

from bot.demo.telegram.faults import Fault, FaultBook

COUNTED = ("sendmessage", "senddocument", "sendphoto", "edit", "copymessage", "forwardmessage")
OVERALL, OVERALL_S = 30, 1.0
GROUP, GROUP_S = 20, 60.0
CHAT_S, CHAT_BURST = 1.0, 8
"""A chat takes so many at once, and another one for each second that passes."""


class Window:
    """At most `most` in any span of `span_s`."""

    def __init__(self, most: int, span_s: float) -> None:
        self._most = most
        self._span_s = span_s
        self._taken: deque[float] = deque()

    def wait_s(self, now: float) -> float:
        while self._taken and self._taken[0] <= now - self._span_s:
            self._taken.popleft()
        return 0.0 if len(self._taken) < self._most else self._taken[0] + self._span_s - now

    def take(self, now: float) -> None:
        self._taken.append(now)


class Bucket:
    """A burst of `burst`, then one each `every_s`."""

    def __init__(self, burst: int, every_s: float) -> None:
        self._burst = burst
        self._every_s = every_s
        self._left = float(burst)
        self._at = 0.0

    def wait_s(self, now: float) -> float:
        self._left = min(self._burst, self._left + (now - self._at) / self._every_s)
        self._at = now
        return max(0.0, (1.0 - self._left) * self._every_s)

    def take(self, now: float) -> None:
        self._left -= 1.0


class Limits(FaultBook):
    """A book of faults which refuses with 429 what is beyond the limits. A refused request takes no one's place."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._overall = Window(OVERALL, OVERALL_S)
        self._groups: dict[int, Window] = defaultdict(lambda: Window(GROUP, GROUP_S))
        self._chats: dict[int, Bucket] = defaultdict(lambda: Bucket(CHAT_BURST, CHAT_S))
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """By limit."""

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        fault = super().take(method, chat_id)
        if fault is not None or not method.lower().startswith(COUNTED):
            return fault
        now, chat = self._clock(), chat_id or 0
        limits = {"30 a second": self._overall, "1 a second in a chat": self._chats[chat]}
        if chat < 0:
            limits = {"30 a second": self._overall, "20 a minute in a group": self._groups[chat]}
        waits = {name: limit.wait_s(now) for name, limit in limits.items()}
        worst = max(waits, key=lambda name: waits[name])
        if waits[worst] > 1e-9:
            self.refused[worst] += 1
            return Fault(method.lower(), "429", 1, chat_id, math.ceil(waits[worst]), None, 0)
        for limit in limits.values():
            limit.take(now)
        self.taken[method] += 1
        return None
