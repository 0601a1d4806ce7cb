"""Faults that a test or a script orders for the next calls of a verb."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from types import MappingProxyType
from typing import Any

_MOST_AT_ONCE = 100_000

REFUSALS = frozenset(
    {
        "no_numbers",
        "price_risen",
        "provider_funds",
        "bad_key",
        "bad_request",
        "gone",
        "denied",
        "cancel_too_early",
        "throttled",
        "provider_fault",
    }
)

GARBAGE: tuple[Mapping[str, Any], ...] = (
    MappingProxyType({}),
    MappingProxyType({"ok": True}),
    MappingProxyType({"ok": "yes", "number": None}),
    MappingProxyType({"ok": True, "number": {"phone": 15550100}, "numbers": {}, "rows": [["wa"]], "balance": "much"}),
    MappingProxyType({"ok": False}),
    MappingProxyType({"ok": False, "error": "<html>502 Bad Gateway</html>"}),
)
"""Answers of a broken supplier, given in turn. None of them may be taken for a success or for a refusal."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call. All but a refusal let the verb take effect first."""

    refuse: str = ""
    delay_s: float = 0.0
    lost_answer: bool = False
    garbage: bool = False


def parse_fault(kind: str) -> Fault:
    """Read `refuse:<reason>`, `price_risen`, `lost_answer`, `delay:<seconds>` or `garbage`. Raises ValueError."""
    head, _, rest = kind.partition(":")
    if kind == "price_risen" or (head == "refuse" and rest in REFUSALS):
        return Fault(refuse=rest or kind)
    if head == "delay" and 0 <= float(rest) <= 3600:
        return Fault(delay_s=float(rest))
    if kind == "lost_answer":
        return Fault(lost_answer=True)
    if kind == "garbage":
        return Fault(garbage=True)
    raise ValueError(f"no such fault: {kind}")


class FaultBook:
    """First ordered, first served; `"*"` stands for every verb."""

    def __init__(self) -> None:
        self._due: deque[tuple[str, Fault]] = deque()
        self._garbage = cycle(GARBAGE)

    def add(self, verb: str, kind: str, times: int = 1) -> None:
        """Raises ValueError for a kind that `parse_fault` does not know, or too many at once."""
        if not 1 <= times <= _MOST_AT_ONCE:
            raise ValueError("times is out of range")
        self._due.extend([(verb, parse_fault(kind))] * times)

    def take(self, verb: str) -> Fault:
        """The fault for this call; a Fault without effect when none is due."""
        for place, (wanted, fault) in enumerate(self._due):
            if wanted in (verb, "*"):
                del self._due[place]
                return fault
        return Fault()

    def clear(self) -> None:
        self._due.clear()

    def garbage(self) -> dict[str, Any]:
        return dict(next(self._garbage))
