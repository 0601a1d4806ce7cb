"""A circuit breaker around any provider: one that keeps failing is left alone for a while, and then tried carefully.

    closed ──(faults in a row)──► open ──(its time is over)──► half open ──(one call works)──► closed
                                   ▲                               └──(it fails)──► open, for twice as long

Only faults of the line count: a refusal is an answer. While it is open, nothing leaves: a purchase is surely not made,
so that the next provider may serve; SMS already bought wait for the next poll or webhook.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.domain.errors import ProviderError, ProviderFault
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import MINUTE, SECOND, Ms
from bot.providers.base import (
    AllocateOutcome,
    Provider,
    Refused,
    RemoteNumber,
    RenewOutcome,
    Sold,
    Stock,
    Unknown,
    VerbOutcome,
    WebhookEvent,
    WebhookRequest,
)
from bot.providers.standing import Circuit, Standing, after

FAULTS = 5
PAUSE: Ms = 15 * SECOND
LONGEST_PAUSE: Ms = 5 * MINUTE

T = TypeVar("T")


class Breaker:
    """A Provider that guards another one. Every call passes here, so `standing` tells all that is known of its line."""

    def __init__(self, provider: Provider, clock: Callable[[], Ms]) -> None:
        self.name = provider.name
        self.capabilities = provider.capabilities
        self._provider = provider
        self._clock = clock
        self._faults = 0
        self._pause = PAUSE
        self._opened_at: Ms = 0
        self._open_until: Ms = 0
        self._trying = False
        self._seen = Standing()

    @property
    def inner(self) -> Provider:
        """The provider itself, unguarded."""
        return self._provider

    @property
    def circuit(self) -> Circuit:
        if self._faults < FAULTS:
            return Circuit.CLOSED
        rests = self._opened_at <= self._clock() < self._open_until  # or else the clock was set back
        return Circuit.OPEN if rests or self._trying else Circuit.HALF_OPEN

    @property
    def standing(self) -> Standing:
        return replace(self._seen, circuit=self.circuit)

    async def stock(self, kind: Kind, service: str | None = None) -> Sequence[Stock]:
        return await self._read(lambda: self._provider.stock(kind, service))

    async def service_names(self) -> Mapping[str, str]:
        return await self._read(self._provider.service_names)

    async def again_cost(self, offer: Offer) -> Units:
        return await self._read(lambda: self._provider.again_cost(offer))

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str] = ()) -> Sold | None:
        return await self._read(lambda: self._provider.find(offer, ref, since, known))

    async def fetch(self, provider_refs: Sequence[str]) -> Sequence[RemoteNumber]:
        return await self._read(lambda: self._provider.fetch(provider_refs))

    async def renewal_cost(self, provider_ref: str, hours: int) -> Units:
        return await self._read(lambda: self._provider.renewal_cost(provider_ref, hours))

    async def balance(self) -> Units:
        return await self._read(self._provider.balance)

    async def allocate(self, offer: Offer, ref: str) -> AllocateOutcome:
        return await self._change(lambda: self._provider.allocate(offer, ref))

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        return await self._change(lambda: self._provider.again(offer, ref))

    async def another_code(self, provider_ref: str) -> VerbOutcome:
        return await self._change(lambda: self._provider.another_code(provider_ref))

    async def finish(self, provider_ref: str) -> VerbOutcome:
        return await self._change(lambda: self._provider.finish(provider_ref))

    async def cancel(self, provider_ref: str) -> VerbOutcome:
        return await self._change(lambda: self._provider.cancel(provider_ref))

    async def renew(self, provider_ref: str, hours: int, cap: Units, key: str) -> RenewOutcome:
        return await self._change(lambda: self._provider.renew(provider_ref, hours, cap, key))

    def parse_webhook(self, request: WebhookRequest) -> Sequence[WebhookEvent]:
        return self._provider.parse_webhook(request)

    async def aclose(self) -> None:
        await self._provider.aclose()

    async def _read(self, call: Callable[[], Awaitable[T]]) -> T:
        if self.circuit is Circuit.OPEN:
            raise ProviderFault("circuit open")
        trial = self.circuit is Circuit.HALF_OPEN
        self._trying = self._trying or trial
        try:
            result = await call()
        except ProviderError as error:
            self._note(error)
            raise
        finally:
            self._trying = self._trying and not trial
        self._note(None)
        return result

    async def _change(self, call: Callable[[], Awaitable[T]]) -> T | Refused:
        if self.circuit is Circuit.OPEN:
            return Refused(ProviderFault("circuit open"))
        trial = self.circuit is Circuit.HALF_OPEN
        self._trying = self._trying or trial
        try:
            outcome = await call()
        finally:
            self._trying = self._trying and not trial
        lost = ProviderFault("no answer") if isinstance(outcome, Unknown) else None
        self._note(outcome.error if isinstance(outcome, Refused) else lost)
        return outcome

    def _note(self, error: ProviderError | None) -> None:
        now = self._clock()
        self._seen = after(self._seen, error, now)
        if not isinstance(error, ProviderFault):
            if self._faults >= FAULTS:
                self._seen = replace(self._seen, circuit_at=now)
            self._faults, self._pause = 0, PAUSE
            return
        self._faults += 1
        if self._faults == FAULTS:
            self._seen = replace(self._seen, circuit_at=now)
        elif self._faults > FAULTS:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if self._faults >= FAULTS:
            self._opened_at, self._open_until = now, now + self._pause


def standing_of(provider: Provider) -> Standing:
    """Of one that is not guarded, nothing is known."""
    return provider.standing if isinstance(provider, Breaker) else Standing()


__all__ = ["Breaker", "Circuit", "Standing", "standing_of"]
