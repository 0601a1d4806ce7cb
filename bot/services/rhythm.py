"""When things happen: the sweeps' names, how one is woken, and every span of time that a service waits."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bot.domain.errors import Throttled
from bot.domain.time import DAY, HOUR, MINUTE, SECOND, Ms


class Sweep(StrEnum):
    """One pass over due rows."""

    CLOCK = "clock"
    POLL = "poll"
    DELIVER = "deliver"
    EXPIRE = "expire"
    RECONCILE = "reconcile"
    PROVIDERS = "providers"
    PRUNE = "prune"
    TALLY = "tally"
    CATALOGUE = "catalogue"
    STORAGE = "storage"
    BACKUP = "backup"
    RING = "ring"
    WEBHOOKS = "webhooks"
    EXPIRING = "expiring"


Wake: TypeAlias = Callable[[Sweep], None]
"""Asks for a sweep at once; the scheduler's interval is the safety net."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Spans in milliseconds. Tests shorten them; an installation has no need to."""

    quote_life: Ms = 10 * MINUTE
    invite_life: Ms = 2 * DAY
    answer_due: Ms = 45 * SECOND
    """A purchase, cancel or renewal without its answer after this long is asked about."""
    ask_soon: Ms = 3 * SECOND
    """After it is known that no answer to a purchase will come, its provider is asked what it sold."""
    find_grace: Ms = 45 * SECOND
    """A purchase that the provider does not know of this long after it was sent never reached it."""
    retry: Ms = 15 * SECOND
    """Between two questions about the same undecided number, growing with the attempts."""
    retry_longest: Ms = 10 * MINUTE
    give_up: Ms = DAY
    """The money of a number whose provider has not answered for this long past its end goes back."""
    lost_slack: Ms = 2 * MINUTE
    """After the end that a number which cannot be found would have had at its provider."""
    failing_after: Ms = 2 * MINUTE
    """A provider without a usable answer, or that wants to be left alone, for so long is told to the admins."""
    well_after: Ms = 5 * MINUTE
    """As long must all its answers be usable before they are told that it works again."""
    unheard: Ms = HOUR
    """As long past its end a number that was used waits for its provider's last word: an SMS may stand in it."""
    cancel_slack: Ms = 3 * SECOND
    """After the time from which a provider takes a cancel, by its clock."""
    poll_young: Ms = 2 * SECOND
    poll_middle: Ms = 5 * SECOND
    poll_old: Ms = 10 * SECOND
    poll_early: Ms = SECOND // 2
    """How much earlier than its pace a poll may be: half of what lies between two beats of its sweep."""
    young: Ms = 2 * MINUTE
    middle: Ms = 5 * MINUTE
    longest_rest: Ms = HOUR
    """A provider that wants to be left alone for longer is asked again after this."""
    resend: Ms = 5 * SECOND
    """Before a message that did not, or may not have, arrived is sent again, growing with the attempts."""
    resend_longest: Ms = MINUTE
    keep_quotes: Ms = HOUR
    keep_outbox: Ms = 7 * DAY
    keep_events: Ms = 7 * DAY

    def before_retry(self, attempts: int) -> Ms:
        """The wait before a provider is asked once more what it did, doubling up to the longest."""
        return min(self.retry << min(attempts, 12), self.retry_longest)

    def is_silence(self, span: Ms, owed_for: Ms, attempts: int) -> bool:
        """Whether a provider that owes an answer for that long has been asked in vain for longer than `span`.

        The questions are what counts: a program that was off meanwhile has asked nobody.
        """
        return min(owed_for, sum(self.before_retry(attempt) for attempt in range(attempts))) > span

    def before_resend(self, attempts: int) -> Ms:
        return min(self.resend << min(attempts, 12), self.resend_longest)

    def poll_pace(self, age: Ms) -> Ms:
        """How long until a number of that age is asked about again; for a whole page, the age of the youngest.

        One from the future is as old as it is far: it was bought before the clock was set back.
        """
        if (age := abs(age)) < self.young:
            return self.poll_young
        return self.poll_middle if age < self.middle else self.poll_old

    def poll_is_due(self, waited: Ms, pace: Ms) -> bool:
        """Whether it is time again, `waited` after the last poll began. Sweeps beat, so the nearest beat counts."""
        return waited >= pace - min(self.poll_early, pace // 4)

    def rest(self, error: Throttled) -> Ms:
        """How long a provider is left alone that said so."""
        span = error.retry_after_s * SECOND
        if 0 <= span < self.longest_rest:
            return int(span)
        return 0 if span < 0 else self.longest_rest
