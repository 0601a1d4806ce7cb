"""How often a key may call: so many times a second, and a burst after a pause."""

import time
from collections.abc import Callable, Hashable

from bot.domain.errors import TooOften

BURSTS = 5
"""As many seconds' worth may come at once."""
FORGET_AFTER = 10_000


class Allowance:
    """`rate` in calls a second. Kept in memory: a restart forgives."""

    def __init__(self, rate: float, seconds: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1.0 / rate
        self._burst = BURSTS
        self._seconds = seconds
        self._used_up_to: dict[Hashable, float] = {}

    def take(self, who: Hashable) -> None:
        """Raises TooOften, with how long to wait, where nothing is left; that call is not counted."""
        now = self._seconds()
        earliest = now - max(self._burst, self._interval)
        at = max(self._used_up_to.get(who, earliest), earliest)
        if at + self._interval > now:
            raise TooOften(at + self._interval - now)
        if who not in self._used_up_to and len(self._used_up_to) >= FORGET_AFTER:
            self._used_up_to = {known: used for known, used in self._used_up_to.items() if used > earliest}
        self._used_up_to[who] = at + self._interval
