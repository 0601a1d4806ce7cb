"""How well numbers have done here: what became of each activation, and the rate that comes of it."""

from dataclasses import dataclass

from bot.domain.time import DAY, MINUTE, Ms

WINDOW: Ms = 30 * DAY
"""What ended longer ago says nothing of today."""
NEWEST = 200
"""As many of a provider's last numbers for one service and country are counted, at most."""
ENOUGH = 20
"""Fewer tell too little for a rate to be shown."""
PATIENCE: Ms = 2 * MINUTE
"""Given back sooner than this, a number is no failure: its service had no time to send anything."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An activation that was sold and has ended. Spans count from its sale."""

    number_id: int
    provider: str
    service: str
    country: str
    closed_at: Ms
    code_after: Ms | None
    """Until the first SMS; None where none came while it was open."""
    withdrawn_after: Ms | None
    """Until its person asked to give it back; None unless that is how it ended."""

    @property
    def counts(self) -> bool:
        """A code is a success and none is a failure, unless it was not waited for."""
        waited = self.withdrawn_after is None or self.withdrawn_after >= PATIENCE
        return self.code_after is not None or waited


@dataclass(frozen=True, slots=True)
class Record:
    """Of `samples` numbers, `successes` got a code; half of these within `median_ms` of their sale."""

    samples: int
    successes: int
    median_ms: Ms | None
    """None without a success."""

    @property
    def is_rated(self) -> bool:
        return self.samples >= ENOUGH

    @property
    def percent(self) -> int:
        """Rounded down: 100 means all of them. Raises ZeroDivisionError without a sample."""
        return self.successes * 100 // self.samples

    @property
    def rank(self) -> tuple[float, Ms]:
        """Sorts the better record first: by its rate, then by its time."""
        return (-self.successes / self.samples, self.median_ms or 0)


UNRATED: tuple[float, Ms] = (1.0, 0)
"""The rank of what has no rate: behind everything that has one."""
