"""Purchases whose answer was lost: which of the open numbers is the one?

The protocol does not carry our reference back. What is left are the open numbers of that service and country that
were sold in the minutes after, cost no more than was allowed, and belong to no other purchase of ours. Any of them
will do: two lost purchases of one service and country are as good as each other, so long as they are told different
numbers.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

from bot.domain.errors import ProviderFault
from bot.domain.numbers import Kind, Offer
from bot.domain.time import HOUR, MINUTE, Ms
from bot.providers.base import Sold
from bot.providers.handler_api import active, values
from bot.providers.handler_api.activations import lifetime
from bot.providers.handler_api.active import Active
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.countries import CountryIds
from bot.providers.handler_api.dialects import Dialect
from bot.providers.handler_api.memory import Memory

EARLIER: Ms = 2 * MINUTE
"""By so much the member's clock may be behind ours."""
LATER: Ms = 5 * MINUTE
"""A purchase has reached the member by then, whatever it waited for, and its clock may be ahead."""


class Lost:
    def __init__(
        self, calls: Calls, dialect: Dialect, countries: CountryIds, memory: Memory, clock: Callable[[], Ms]
    ) -> None:
        self._calls = calls
        self._dialect = dialect
        self._countries = countries
        self._memory = memory
        self._clock = clock
        self._under_way: dict[asyncio.Event, tuple[str, str]] = {}
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def buying(self, offer: Offer) -> AsyncIterator[None]:
        """Around each purchase: its number may be in the list before its answer is here."""
        over = asyncio.Event()
        self._under_way[over] = (offer.service, offer.country)
        try:
            yield
        finally:
            del self._under_way[over]
            over.set()

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str]) -> Sold | None:
        """Raises ProviderError."""
        if self._dialect.batch is None:
            raise ProviderFault("this dialect does not list what it has sold")
        async with self._one:
            rows = await active.every(self._calls, self._dialect.batch)
            await self._settled(offer)
            fitting = [row for row in rows.values() if self._fits(row, offer, ref, since, known)]
            if not fitting:
                return None
            mine = [row for row in fitting if self._memory.owner(row.ref) == ref]
            row = min(mine or fitting, key=lambda row: (str(row.time), len(row.ref), row.ref))
            return self._adopt(row, offer, ref, since)

    async def _settled(self, offer: Offer) -> None:
        """Purchases of the same kind that began before the list was read have their answers, or lost them too."""
        shelf = (offer.service, offer.country)
        for over in [over for over, other in self._under_way.items() if other == shelf]:
            await over.wait()

    def _fits(self, row: Active, offer: Offer, ref: str, since: Ms, known: Collection[str]) -> bool:
        owner = self._memory.owner(row.ref)
        rental = row.subtype == active.RENTAL_SUBTYPE
        return (
            (owner == ref or (owner is None and row.ref not in known))
            and bool(row.phone)
            and offer.phone in ("", row.phone)
            and row.service in ("", offer.service)
            and self._in_country(row, offer.country)
            and rental is (offer.kind is Kind.RENTAL)
            and (row.cost is None or row.cost <= offer.cost)
            and in_window(row.time, since)
        )

    def _in_country(self, row: Active, iso2: str) -> bool:
        if row.country:
            return row.country == self._countries.number(iso2)
        return self._countries.fits(iso2, row.phone)

    def _adopt(self, row: Active, offer: Offer, ref: str, since: Ms) -> Sold:
        """Its time is counted from when it was asked for: by our clock, and rather too early than too late."""
        rental = offer.kind is Kind.RENTAL
        expires_at = since + (offer.hours * HOUR if rental else lifetime(self._dialect, offer.service))
        self._memory.sold(row.ref, offer.kind, expires_at, ref)
        return Sold(
            provider_ref=row.ref,
            phone=row.phone,
            cost=offer.cost if row.cost is None else row.cost,
            expires_at=expires_at,
            cancel_from=since + self._dialect.cancel_after_ms,
            refund_until=since + self._dialect.rent.refund_ms if rental and self._dialect.rent else None,
        )


def in_window(time: object, since: Ms) -> bool:
    """Whether that time can be of a purchase begun at `since`. Without a zone it is compared within the hour."""
    at = values.comparable(time)
    if at is None:
        return True
    first = since - EARLIER
    if isinstance(time, str) and values.as_if_utc(time) is not None:
        return (at - first) % HOUR <= EARLIER + LATER
    return first <= at <= since + LATER
