"""Events that programs are told of, and the rules of telling them."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.time import DAY, HOUR, MINUTE, SECOND, Ms

MOST_WEBHOOKS = 5
"""Of one person."""
RETRIES: tuple[Ms, ...] = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR)
"""Waits after each attempt that failed; then comes the last attempt, a day after the first."""
PATIENCE: Ms = DAY
"""An event is tried for so long; an address that has taken nothing for so long is switched off."""
OUTAGE: Ms = MINUTE
"""A shorter failure is no outage: what waits keeps its own times when the next event is taken."""
SECRETS_OVERLAP: Ms = DAY
"""For so long after a change of secret the old one signs too."""


class Topic(StrEnum):
    """What a person may ask to be told of."""

    SMS_RECEIVED = "sms.received"
    NUMBER_ACTIVE = "number.active"
    NUMBER_COMPLETED = "number.completed"
    NUMBER_EXPIRING = "number.expiring"
    NUMBER_RENEWED = "number.renewed"


TEST = "webhook.test"
"""The type of an event that an owner asked for; nobody subscribes to it."""


class Off(StrEnum):
    """Why an address is switched off."""

    OWNER = "owner"
    FAILING = "failing"
    """It has taken nothing for PATIENCE."""
    GONE = "gone"
    """It answered 410."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address of a person's that is told of their events."""

    id: int
    user_id: int
    slot: int
    """Its place among the person's, from 1."""
    url: str = field(repr=False)
    secret: str = field(repr=False)
    old_secret: str = field(repr=False)
    old_secret_until: Ms
    topics: frozenset[Topic]
    off: Off | None
    """None: it is on."""
    failing_since: Ms | None
    """When the first attempt failed since the last one that was taken."""
    created_at: Ms

    def secrets(self, now: Ms) -> tuple[str, ...]:
        """What an event is signed with now, the newest first."""
        return (self.secret, self.old_secret) if self.old_secret and now < self.old_secret_until else (self.secret,)


class Progress(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one address."""

    id: int
    webhook_id: int
    event_id: int
    type: str
    number_id: int | None
    progress: Progress
    attempts: int
    first_attempt_at: Ms | None
    next_attempt_at: Ms
    """Of a pending one."""
    done_at: Ms | None
    status: int | None
    """The HTTP status of the last answer, None where there was none."""
    error: str
    """Why the last attempt failed, a stable word; empty where it did not."""
    created_at: Ms
    """When the event happened."""


def next_attempt(attempts: int, first_attempt_at: Ms, now: Ms) -> Ms | None:
    """When an event is tried again after that many attempts have failed; None: it is given up."""
    last = first_attempt_at + PATIENCE
    if now >= last:
        return None
    wait = RETRIES[attempts - 1] if attempts <= len(RETRIES) else PATIENCE
    return min(now + wait, last)
