"""The clock that services are given."""

import time
from collections.abc import Callable
from typing import Final, TypeAlias

from bot.domain.time import SECOND, Ms

Clock: TypeAlias = Callable[[], Ms]

NOTICED: Ms = 2 * SECOND
"""A clock that is apart by less was not set: it is read, and kept, no better than that."""
AT_ONCE: Ms = SECOND // 10
"""Two readings with more between them say nothing of how far two clocks are apart."""
_STEADY: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""The one that also counts while the machine sleeps."""


def now_ms() -> Ms:
    return time.time_ns() // 1_000_000


def steady_ms() -> Ms:
    """From an unknown beginning; nobody can set it."""
    return (time.monotonic_ns() if _STEADY is None else time.clock_gettime_ns(_STEADY)) // 1_000_000


class SteadyClock:
    """The system's time when this was made, and what has passed since, whatever is done to the system's clock.

    Spans that are under way are therefore as long as they were meant to be. Its owner takes the system's new time over
    (`adopt`) once everything is ready for it.
    """

    def __init__(self, system: Clock = now_ms, steady: Clock = steady_ms) -> None:
        self._system = system
        self._steady = steady
        self._ahead = system() - steady()

    def __call__(self) -> Ms:
        return self._steady() + self._ahead

    def step(self) -> Ms:
        """By how much the system's clock has been set, forward or (below zero) back; 0 where it was not."""
        before, system, after = self(), self._system(), self()
        apart = system - before
        return apart if abs(apart) >= NOTICED and after - before <= AT_ONCE else 0

    def adopt(self, step: Ms) -> None:
        self._ahead += step
