"""What every supplier of numbers looks like from above, whatever its wire format.

Reads raise `ProviderError`. Verbs that change something answer with an outcome instead, because there are three:
`Refused` (surely not done), a result (surely done), and `Unknown` (no answer: it may have happened). Unknown is
reconciled by asking again, never guessed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from bot.domain.errors import ProviderError
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.sms import IncomingSms
from bot.domain.time import HOUR, MINUTE, Ms


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How a provider tells of SMS by itself, as far as it documents that."""

    event: str = ""
    """What to choose at the provider; empty: there is no choice."""
    sources: tuple[str, ...] = ()
    """The addresses that they come from."""
    signed: bool = False
    """By Standard Webhooks, with a secret that both sides know."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do at all; buttons and sweeps ask these, never a provider's name."""

    batch: bool = True
    """`fetch` is one request, however many numbers."""
    page: int = 100
    """How many numbers are handed to one `fetch`; a provider that lists all of them anyway takes all at once."""
    batch_rentals: bool = True
    """Of rentals too; False: they are asked about one by one, like all numbers where `batch` is False."""
    at_once: int = 4
    """How many such questions may be under way."""
    another_code: bool = True
    rentals: bool = False
    renew: bool = False
    again: bool = False
    """The phone of an activation that is over can be bought once more."""
    find: bool = True
    """An unanswered purchase can be found again by our reference."""
    webhooks: Webhooks | None = None
    """None: it sends none, and is polled."""
    test: bool = False
    """Numbers are not real; every card says so."""
    lasts: Ms = 20 * MINUTE
    """How long an activation lives at the provider, from its purchase, where nothing comes."""
    lasts_longer: Mapping[str, Ms] = field(default_factory=dict, hash=False)
    """For the services whose activations live longer than that."""

    def life(self, offer: Offer) -> Ms:
        """How long a number that was bought by `offer` can still be charged for at the provider."""
        if offer.kind is Kind.RENTAL:
            return offer.hours * HOUR
        return self.lasts_longer.get(offer.service, self.lasts)


@dataclass(frozen=True, slots=True)
class Sold:
    """A number that the provider has sold us."""

    provider_ref: str
    phone: str
    """E.164 with the plus."""
    cost: Units
    expires_at: Ms
    cancel_from: Ms | None = None
    refund_until: Ms | None = None


class RemoteState(StrEnum):
    WAITING = "waiting"
    """Open, no SMS yet (or none since the last request for another)."""
    RECEIVED = "received"
    """Open, and charged: at least one SMS came."""
    FINISHED = "finished"
    """Closed and charged."""
    CANCELLED = "cancelled"
    """Closed, not charged."""
    EXPIRED = "expired"
    """Closed by time, not charged."""
    GONE = "gone"
    """The provider does not know it."""

    @property
    def charged(self) -> bool:
        return self in (RemoteState.RECEIVED, RemoteState.FINISHED)

    @property
    def closed(self) -> bool:
        return self not in (RemoteState.WAITING, RemoteState.RECEIVED)


@dataclass(frozen=True, slots=True)
class RemoteNumber:
    """A number as its provider sees it: the truth about its time, its SMS and whether it is charged."""

    provider_ref: str
    state: RemoteState
    expires_at: Ms | None = None
    sms: tuple[IncomingSms, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """The verb took effect."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """A rental's new end, and its reference from now on (some providers give a new one)."""

    provider_ref: str
    expires_at: Ms


@dataclass(frozen=True, slots=True)
class Refused:
    """Surely not done, and why."""

    error: ProviderError


@dataclass(frozen=True, slots=True)
class Unknown:
    """No usable answer: it may have happened. `detail` is for the log and carries no secret."""

    detail: str = ""


AllocateOutcome: TypeAlias = Sold | Refused | Unknown
VerbOutcome: TypeAlias = Done | Refused | Unknown
RenewOutcome: TypeAlias = Renewed | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Stock:
    """What a provider sells, in its own currency: one row per service, country and length."""

    service: str
    country: str
    kind: Kind
    cost: Units
    stock: int
    hours: int = 0
    operator: str = ""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What a provider's webhook tells. Untrusted ones are hints: the state is read again before it is believed."""

    provider_ref: str
    trusted: bool
    sms: tuple[IncomingSms, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """`headers` in lower case; `body` as it came."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class BadWebhook(Exception):
    """A body that is no event of this provider (answered so that the sender stops), or a forged one.

    `forged` is True where the protocol signs and the signature does not hold: answered 401.
    """

    def __init__(self, why: str, *, forged: bool = False) -> None:
        super().__init__(why)
        self.forged = forged


class Provider(Protocol):
    """One supplier. Every call has its own timeout inside; none of them is called in a transaction."""

    name: str
    capabilities: Capabilities

    async def stock(self, kind: Kind, service: str | None = None) -> Sequence[Stock]:
        """All that is on sale of one kind, or of one service of it. Costs in the provider's currency."""
        ...

    async def service_names(self) -> Mapping[str, str]:
        """What it calls the services that it sells, by their codes; empty where the protocol has no names.

        Text from outside: `Catalogue.with_names` makes it fit to be shown.
        """
        ...

    async def allocate(self, offer: Offer, ref: str) -> AllocateOutcome:
        """Buy one number at `offer.cost` or less. `ref` is ours, unique, at most 40 characters."""
        ...

    async def again_cost(self, offer: Offer) -> Units:
        """What `offer.phone` would cost once more, in the provider's currency; the offer's own cost is not looked at.

        Raises Denied, Gone or NoNumbers where it cannot be had any more.
        """
        ...

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        """Buy `offer.phone`, that of the activation `offer.again_of`, once more: as `allocate`, under a new `ref`."""
        ...

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str] = ()) -> Sold | None:
        """The number bought under `ref` by a call whose answer was lost; None when there is surely none yet.

        `known` are the provider's references that are somebody's already: where no reference of ours travels with a
        purchase, a lost one is what is left. Raises ProviderError where it cannot be told.
        """
        ...

    async def fetch(self, provider_refs: Sequence[str]) -> Sequence[RemoteNumber]:
        """The state and all SMS of these numbers: one row for each ref that could be asked, GONE where it is unknown.

        A row is missing only where its own question failed; ProviderError means that none was answered.
        """
        ...

    async def another_code(self, provider_ref: str) -> VerbOutcome: ...

    async def finish(self, provider_ref: str) -> VerbOutcome: ...

    async def cancel(self, provider_ref: str) -> VerbOutcome:
        """Give the number back. Done means: not charged. Refused(Denied) means: closed, or a code has come."""
        ...

    async def renewal_cost(self, provider_ref: str, hours: int) -> Units:
        """What `hours` more would cost, in the provider's currency."""
        ...

    async def renew(self, provider_ref: str, hours: int, cap: Units, key: str) -> RenewOutcome:
        """Add `hours` to a rental for at most `cap`. Equal `key`s mean the same renewal where the protocol allows."""
        ...

    async def balance(self) -> Units:
        """What is left on the operator's account, in the provider's currency."""
        ...

    def parse_webhook(self, request: WebhookRequest) -> Sequence[WebhookEvent]:
        """Raises BadWebhook."""
        ...

    async def aclose(self) -> None: ...
