"""The right time, by which suppliers go; and the system's clock, which somebody sets."""

from bot.domain.time import Ms
from bot.services.clock import SteadyClock
from tests.support.services import ManualClock


class Clocks:
    def __init__(self) -> None:
        self.right = ManualClock()
        self.apart: Ms = 0
        """How far the system's clock is ahead of the right time."""
        self.ours = self.start()
        """What the program takes for the time, in this life of it."""

    def start(self) -> SteadyClock:
        """A process starts, and believes the system's clock."""
        self.ours = SteadyClock(lambda: self.right.now + self.apart, self.right)
        return self.ours
