"""Times are integers: milliseconds since 1970 UTC, named `*_at`. Spans are named with their unit."""

from typing import TypeAlias

Ms: TypeAlias = int

SECOND: Ms = 1_000
MINUTE: Ms = 60 * SECOND
HOUR: Ms = 60 * MINUTE
DAY: Ms = 24 * HOUR


def is_within(span: Ms, at: Ms | None, now: Ms) -> bool:
    """Whether `at` lies no further from now than that, on either side: a clock that was set back prolongs nothing."""
    return at is not None and abs(now - at) <= span
