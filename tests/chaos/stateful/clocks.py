"""Two clocks: the suppliers' is right; the program's may be ahead of it or behind."""

from bot.domain.time import Ms
from tests.support.services import ManualClock


class Clocks:
    def __init__(self) -> None:
        self.right = ManualClock()
        self.ahead: Ms = 0

    @property
    def ours(self) -> Ms:
        """What the program takes for the time."""
        return self.right.now + self.ahead
