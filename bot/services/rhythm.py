"""When things happen: the sweeps' names, how one is woken, and every span of time that a service waits."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bot.domain.time import DAY, HOUR, MINUTE, SECOND, Ms


class Sweep(StrEnum):
    """One pass over due rows."""

    POLL = "poll"
    DELIVER = "deliver"
    EXPIRE = "expire"
    RECONCILE = "reconcile"
    PRUNE = "prune"


Wake: TypeAlias = Callable[[Sweep], None]
"""Asks for a sweep at once; the scheduler's interval is the safety net."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Spans in milliseconds. Tests shorten them; an installation has no need to."""

    quote_life: Ms = 10 * MINUTE
    invite_life: Ms = 2 * DAY
    answer_due: Ms = 45 * SECOND
    """A purchase, cancel or renewal without its answer after this long is asked about."""
    find_grace: Ms = 30 * SECOND
    """A purchase that the provider does not know of this long after it was sent never reached it."""
    retry: Ms = 15 * SECOND
    """Between two questions about the same undecided number, growing with the attempts."""
    retry_longest: Ms = 10 * MINUTE
    give_up: Ms = DAY
    """The money of a number whose provider has not answered for this long past its end goes back."""
    cancel_slack: Ms = 3 * SECOND
    """After the time from which a provider takes a cancel, by its clock."""
    poll_young: Ms = 2 * SECOND
    poll_middle: Ms = 5 * SECOND
    poll_old: Ms = 10 * SECOND
    young: Ms = 2 * MINUTE
    middle: Ms = 5 * MINUTE
    resend: Ms = 5 * SECOND
    """Before a message that did not, or may not have, arrived is sent again, growing with the attempts."""
    resend_longest: Ms = MINUTE
    keep_quotes: Ms = HOUR
    keep_outbox: Ms = 7 * DAY

    def before_retry(self, attempts: int) -> Ms:
        """The wait before a provider is asked once more what it did, doubling up to the longest."""
        return min(self.retry << min(attempts, 12), self.retry_longest)

    def before_resend(self, attempts: int) -> Ms:
        return min(self.resend << min(attempts, 12), self.resend_longest)

    def poll_pace(self, age: Ms) -> Ms:
        """How long until the next poll of a provider whose youngest live number is `age` old."""
        if age < self.young:
            return self.poll_young
        return self.poll_middle if age < self.middle else self.poll_old
