"""What one run of the world is: how much of everything, all of it from one seed."""

import random
from dataclasses import dataclass, field

SECOND = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """Rates are shares of 1. `real_program`: `python main.py run` as it is; otherwise the same, with shorter waits."""

    seed: int = 11
    purchases: int = 10_000
    kills: int = 100
    people: int = 160
    real_program: bool = True
    faults: float = 1.0
    """How ill-willed everything is; 0 is a quiet day."""
    broken: str = ""
    """A deliberate defect of the program, by its name in tests.chaos.world.broken."""

    lifetime_ms: int = 12 * SECOND
    cancel_from_ms: int = 2 * SECOND
    rental_refund_ms: int = 4 * SECOND
    settle_within_s: float = 240.0
    """How long all that is open may take to end once the people have left."""

    def chance(self, name: str) -> random.Random:
        """A generator of its own for each part, so that one part's use does not move the others'."""
        return random.Random(f"{self.seed}:{name}")


@dataclass(slots=True)
class Tally:
    """What happened, by kind, as the world saw it."""

    confirmed: int = 0
    killed_at: list[float] = field(default_factory=list)
    recoveries_s: list[float] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    deeds: dict[str, int] = field(default_factory=dict)

    def fault(self, kind: str) -> None:
        self.faults[kind] = self.faults.get(kind, 0) + 1

    def deed(self, kind: str) -> None:
        self.deeds[kind] = self.deeds.get(kind, 0) + 1
