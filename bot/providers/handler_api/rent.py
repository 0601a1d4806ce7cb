"""What both styles of renting share."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from bot.domain.catalogue import ANY_SERVICE, Catalogue
from bot.domain.errors import BadKey, BadRequest, Denied, Gone, NoNumbers, PriceRisen, ProviderError
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import HOUR, MINUTE, Ms
from bot.providers.base import AllocateOutcome, Refused, Renewed, RenewOutcome, Sold, Stock
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.countries import CountryIds
from bot.providers.handler_api.dialects import Dialect, Rent
from bot.providers.handler_api.memory import Memory

_T = TypeVar("_T")

SHOWS_WITHIN: Ms = 5 * MINUTE
"""A renewal that is not in the record by then never arrived."""


class Renting(ABC):
    """Neither style takes a cap with a purchase: the price is asked for right before it."""

    def __init__(
        self,
        calls: Calls,
        dialect: Dialect,
        rent: Rent,
        countries: CountryIds,
        memory: Memory,
        clock: Callable[[], Ms],
    ) -> None:
        self._calls = calls
        self._dialect = dialect
        self._rent = rent
        self._countries = countries
        self._memory = memory
        self._clock = clock

    @abstractmethod
    async def stock(self, service: str | None) -> Sequence[Stock]: ...

    @abstractmethod
    async def _on_sale(self, service: str, country: str) -> Iterable[Stock]: ...

    @abstractmethod
    async def _take(self, offer: Offer, country: str, ref: str) -> AllocateOutcome: ...

    @abstractmethod
    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str]) -> Sold | None: ...

    @abstractmethod
    async def renewal_cost(self, provider_ref: str, hours: int) -> Units: ...

    @abstractmethod
    async def _prolong(self, provider_ref: str, hours: int) -> RenewOutcome: ...

    @abstractmethod
    async def renewed_hours(self, provider_ref: str) -> int:
        """All that was added to it, by the member's own record. Raises ProviderError."""

    async def buy(self, offer: Offer, ref: str) -> AllocateOutcome:
        try:
            country = self._countries.number(offer.country)
            rows = [row for row in await self._on_sale(offer.service, offer.country) if row.hours == offer.hours]
        except ProviderError as error:
            return Refused(error)
        if not any(row.stock for row in rows):
            return Refused(NoNumbers())
        if min(row.cost for row in rows) > offer.cost:
            return Refused(PriceRisen())
        return await self._take(offer, country, ref)

    def _sold(self, provider_ref: str, phone: str, offer: Offer, ref: str, at: Ms, cost: Units | None = None) -> Sold:
        expires_at = at + offer.hours * HOUR
        known = self._memory.sold(provider_ref, Kind.RENTAL, expires_at, ref)
        known.renewed_hours = 0
        return Sold(
            provider_ref=provider_ref,
            phone=phone,
            cost=offer.cost if cost is None else cost,
            expires_at=expires_at,
            cancel_from=self._cancel_from(at),
            refund_until=at + self._rent.refund_ms,
        )

    def _cancel_from(self, at: Ms) -> Ms | None:
        return None

    async def renew(self, provider_ref: str, hours: int, cap: Units) -> RenewOutcome:
        """The record is read before and after: its growth is what a lost answer did."""
        known = self._memory.get(provider_ref)
        try:
            cost = await self.renewal_cost(provider_ref, hours)
            before = await self.renewed_hours(provider_ref)
        except ProviderError as error:
            return Refused(error)
        if cost > cap:
            return Refused(PriceRisen())
        known.renewed_hours = before
        known.renewal_asked_at = self._clock()
        outcome = await self._prolong(provider_ref, hours)
        if isinstance(outcome, Refused):
            known.renewal_asked_at = None
        if not isinstance(outcome, Renewed):
            return outcome
        moved = self._memory.get(outcome.provider_ref)
        moved.kind, moved.renewed_hours, moved.renewal_asked_at = Kind.RENTAL, before + hours, None
        now = self._clock()
        moved.expires_at = known.expires_at and max(known.expires_at, now) + hours * HOUR
        return Renewed(outcome.provider_ref, moved.expires_at or now + hours * HOUR)

    async def settled(self, refs: Sequence[str]) -> Sequence[str]:
        """Those whose end is sure, also after a renewal whose answer was lost. Raises ProviderError where none is."""
        sure: list[str] = []
        failure: ProviderError | None = None
        for ref in refs:
            try:
                await self._settle_renewal(ref)
                sure.append(ref)
            except ProviderError as error:
                failure = error
        if failure is not None and (not sure or isinstance(failure, BadKey)):
            raise failure
        return sure

    async def _settle_renewal(self, ref: str) -> None:
        """Move the end by what the record has grown; once it has, or is over, there is nothing left to look for."""
        known = self._memory.peek(ref)
        if known is None or known.renewal_asked_at is None or known.expires_at is None:
            return
        may_still_show = self._clock() - known.renewal_asked_at < SHOWS_WITHIN
        try:
            hours = await self.renewed_hours(ref)
        except (Denied, Gone):
            known.renewal_asked_at = None
            return
        grown = hours - (known.renewed_hours or 0)
        known.expires_at += grown * HOUR
        known.renewed_hours = hours
        if grown or not may_still_show:
            known.renewal_asked_at = None


async def gathered(questions: Iterable[Awaitable[_T]], at_once: int) -> list[_T]:
    """The answers; those that say there is nothing are left out. Raises the first other error."""
    few = asyncio.Semaphore(at_once)

    async def one(question: Awaitable[_T]) -> _T:
        async with few:
            return await question

    results = await asyncio.gather(*map(one, questions), return_exceptions=True)
    found: list[_T] = []
    for result in results:
        if isinstance(result, BaseException):
            if not isinstance(result, NoNumbers | BadRequest):
                raise result
        else:
            found.append(result)
    return found


def popular_services() -> Sequence[str]:
    """Where the whole list can only be had service by service."""
    return (ANY_SERVICE, *(service.code for service in Catalogue.shipped().popular()))
