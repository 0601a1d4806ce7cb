"""A system's clock that a test turns, under the clock of the program; everybody else's is right."""

from bot.domain.time import Ms
from bot.services.clock import SteadyClock, now_ms, steady_ms
from tests.support.services import START


class TurnedClock(SteadyClock):
    """`right` is what all others go by; the system's clock is `apart` from it (above zero: ahead)."""

    def __init__(self, apart: Ms = 0) -> None:
        self._right = START
        self._apart = apart
        super().__init__(self.system, self.right)

    def right(self) -> Ms:
        return self._right

    def system(self) -> Ms:
        return self._right + self._apart

    def advance(self, ms: Ms) -> None:
        """Time passes, for everybody."""
        self._right += ms

    def turn(self, ms: Ms) -> None:
        """Somebody sets the system's clock: forward, or (below zero) back."""
        self._apart += ms


class OwnClock(SteadyClock):
    """The real time, but for a system's clock that a test turns."""

    def __init__(self) -> None:
        self._apart: Ms = 0
        super().__init__(lambda: now_ms() + self._apart, steady_ms)

    def turn(self, ms: Ms) -> None:
        self._apart += ms
