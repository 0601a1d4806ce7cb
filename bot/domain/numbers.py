"""A number's life: its states, the transitions allowed between them, and the values that describe it.

buying ──► active ──► completed            the hold was captured: a code came, or a rental ran its time
   │         ├──────► expired              its time passed without a code: money back
   │         └─► cancelling ──► cancelled  the provider confirmed: money back
   │                   └──────► active     the provider refused, because a code had come
   └──► failed                             the provider sold nothing: money back
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.money import Units
from bot.domain.time import Ms


class State(StrEnum):
    BUYING = "buying"
    ACTIVE = "active"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


OPEN = frozenset({State.BUYING, State.ACTIVE, State.CANCELLING})
"""A number in one of these occupies the person's limit and may hold money."""

TRANSITIONS: frozenset[tuple[State, State]] = frozenset(
    {
        (State.BUYING, State.ACTIVE),
        (State.BUYING, State.FAILED),
        (State.ACTIVE, State.CANCELLING),
        (State.ACTIVE, State.COMPLETED),
        (State.ACTIVE, State.EXPIRED),
        (State.ACTIVE, State.CANCELLED),
        (State.CANCELLING, State.ACTIVE),
        (State.CANCELLING, State.CANCELLED),
        (State.CANCELLING, State.COMPLETED),
        (State.CANCELLING, State.EXPIRED),
    }
)
"""The schema's trigger keeps the same list; a test holds the two equal."""


class Kind(StrEnum):
    ACTIVATION = "activation"
    RENTAL = "rental"


class Purpose(StrEnum):
    BUY = "buy"
    RENEW = "renew"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a provider would sell now. `price` is ours, in the installation's currency; `cost` is the provider's."""

    provider: str
    service: str
    country: str
    """ISO 3166 alpha-2, upper case."""
    kind: Kind
    cost: Units
    price: Units
    stock: int
    hours: int = 0
    """How long a rental lasts; 0 for an activation."""
    operator: str = ""
    again_of: str = ""
    """The provider's reference of an activation that is over, whose phone is wanted once more."""
    phone: str = ""
    """That very phone; empty where any will do."""


@dataclass(frozen=True, slots=True)
class Quote:
    """An offer promised to one person, at our price, until a time. Buttons carry its id and nothing else."""

    id: str
    user_id: int
    purpose: Purpose
    offer: Offer
    expires_at: Ms
    number_id: int | None = None
    """The number to be renewed, for Purpose.RENEW."""
    cap: Units = 0
    """The most that the person agreed to pay, when another provider has to serve; never less than the price."""

    @property
    def at_most(self) -> Units:
        return max(self.cap, self.offer.price)


@dataclass(frozen=True, slots=True)
class Number:
    """A phone number allocated to one person, from `buying` to its end."""

    id: int
    user_id: int
    quote_id: str
    provider: str
    ref: str
    """Our reference, sent with the purchase, by which an unanswered one is found again."""
    provider_ref: str | None
    phone: str | None
    """E.164 with the plus, once the provider has sold it."""
    service: str
    country: str
    kind: Kind
    state: State
    price: Units
    cost: Units
    hours: int
    test: bool
    """From the sandbox: no real phone behind it."""
    created_at: Ms
    expires_at: Ms | None
    cancel_from: Ms | None
    """The provider refuses a cancel before this time."""
    refund_until: Ms | None
    """A rental released before this time, with no SMS, is refunded."""
    cancel_sent: bool
    """A cancel may have reached the provider: only its answer decides about the money."""
    sms_count: int
    reason: str
    card_chat_id: int | None
    card_message_id: int | None
    closed_at: Ms | None
    check_attempts: int = 0
    """How often its provider was asked in vain what became of it."""
    operator: str = ""
    attempt: int = 1
    """Which provider is being asked, counting from 1: another one may serve when the first refuses."""
    again_of: str = ""
    """The provider's reference of the activation whose phone this is once more."""
    again_phone: str = ""
    asked_after: int = 0
    """How many SMS there were when another one was last asked for."""
    clock_moved: Ms = 0
    """By how much the clock was set while it was open, all in all; forward, that took the end along."""

    @property
    def told_expires_at(self) -> Ms | None:
        """Its end by the provider's clock."""
        return None if self.expires_at is None else self.expires_at - max(0, self.clock_moved)

    @property
    def offer(self) -> Offer:
        """What is being bought, or was: the provider's own part of the number."""
        return Offer(
            provider=self.provider,
            service=self.service,
            country=self.country,
            kind=self.kind,
            cost=self.cost,
            price=self.price,
            stock=0,
            hours=self.hours,
            operator=self.operator,
            again_of=self.again_of,
            phone=self.again_phone,
        )

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def awaits_sms(self) -> bool:
        """None has come, or none since another one was asked for."""
        return self.sms_count <= self.asked_after


@dataclass(frozen=True, slots=True)
class Actions:
    """What can be done with a number now; a button is shown only while its verb can work."""

    another_code: bool = False
    finish: bool = False
    cancel: bool = False
    renew: bool = False
    release: bool = False
    again: bool = False


def actions(number: Number, *, can_retry: bool, can_renew: bool, now: Ms, can_again: bool = False) -> Actions:
    """The verbs open to the owner of `number`, given what its provider is capable of."""
    if number.state is State.COMPLETED and number.kind is Kind.ACTIVATION:
        return Actions(again=can_again)
    if number.state is not State.ACTIVE or (number.expires_at is not None and number.expires_at <= now):
        return Actions()
    if number.kind is Kind.RENTAL:
        return Actions(renew=can_renew, release=True)
    got_code = number.sms_count > 0
    return Actions(another_code=got_code and can_retry, finish=got_code, cancel=not got_code)
