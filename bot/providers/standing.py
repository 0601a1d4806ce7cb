"""How a provider's line stands: when it last answered, and since when it does not."""

from dataclasses import dataclass, replace
from enum import StrEnum

from bot.domain.errors import BadKey, ProviderError, ProviderFault, Throttled
from bot.domain.time import DAY, MINUTE, SECOND, Ms

LONGEST_BAR: Ms = 30 * DAY
LONG_SILENCE: Ms = MINUTE


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Standing:
    """What this process has seen of it since its start; None stands for what has not been.

    A usable answer is a result, or a refusal of what was asked: not one of the key, nor of too many requests.
    """

    circuit: Circuit = Circuit.CLOSED
    circuit_at: Ms | None = None
    """Since when it is open, or closed again."""
    answered_at: Ms | None = None
    """The last usable answer."""
    well_since: Ms | None = None
    """Since when there has been no fault, and no long silence, between usable answers; None while there is."""
    silent_since: Ms | None = None
    """The first call that brought no usable answer after the last one that did."""
    barred_since: Ms | None = None
    barred_until: Ms | None = None
    """It said to be left alone until then; may be over."""

    def is_barred(self, now: Ms) -> bool:
        """Not before it began either: the clock was set back since."""
        return (self.barred_since or 0) <= now < (self.barred_until or 0)


def after(standing: Standing, error: ProviderError | None, now: Ms) -> Standing:
    """The standing once one more call has ended, in `error` or well."""
    if isinstance(error, Throttled):
        return _barred(standing, error, now)
    if isinstance(error, ProviderFault):
        return replace(standing, well_since=None, silent_since=_first(standing.silent_since, now))
    if isinstance(error, BadKey):
        return replace(standing, well_since=None, silent_since=None)
    was_silent = standing.silent_since is not None and now - standing.silent_since >= LONG_SILENCE
    well_since = now if was_silent else _first(standing.well_since, now)
    return replace(standing, answered_at=now, well_since=well_since, silent_since=None)


def _barred(standing: Standing, error: Throttled, now: Ms) -> Standing:
    until = now + min(int(error.retry_after_s * SECOND), LONGEST_BAR)
    silent = replace(standing, silent_since=_first(standing.silent_since, now))
    if standing.barred_until is None or not standing.is_barred(now):
        return replace(silent, barred_since=now, barred_until=until)
    return replace(silent, barred_until=max(standing.barred_until, until))


def _first(earlier: Ms | None, now: Ms) -> Ms:
    """One that is later than now was noted before the clock was set back."""
    return now if earlier is None else min(earlier, now)
