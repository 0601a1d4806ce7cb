"""The price board for programs: one offer for each service, country and length, from whichever provider."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.domain.catalogue import LiveCatalogue, is_code
from bot.domain.numbers import Kind, Offer
from bot.domain.time import MINUTE, Ms
from bot.providers.base import Stock
from bot.services.catalogue import Offers
from bot.services.clock import Clock
from bot.services.shelf import EVERYTHING

FRESH_FOR = MINUTE
"""How old the board of everything may be, so that its pages are of one reading."""
_AT_ONCE = 2_000
"""Rows looked at between two turns of the event loop."""

Rows: TypeAlias = Iterable[tuple[str, Stock]]
Key: TypeAlias = tuple[str, int]
"""Country and hours."""


@dataclass(slots=True)
class _Whole:
    offers: Sequence[Offer] = ()
    of_country: Mapping[str, Sequence[Offer]] = field(default_factory=dict)
    at: Ms = -FRESH_FOR - 1
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Board:
    """Everything can be 160,000 rows: it is put together once a minute at most, while other work goes on."""

    def __init__(self, offers: Offers, catalogue: LiveCatalogue, clock: Clock) -> None:
        self._offers = offers
        self._catalogue = catalogue
        self._clock = clock
        self._whole = {kind: _Whole() for kind in Kind}

    async def offers(self, kind: Kind, service: str | None = None, country: str | None = None) -> Sequence[Offer]:
        """By service, country and length: the cheapest in stock, or else the cheapest, whose stock is 0.

        Raises NothingToSell where no provider is set up, ProviderError when none answers.
        """
        if service is None:
            whole = await self._everything(kind)
            return whole.offers if country is None else whole.of_country.get(country, ())
        return [offer for offer in await self._of(kind, service) if country in (None, offer.country)]

    async def _of(self, kind: Kind, service: str) -> Sequence[Offer]:
        rows = await self._offers.rows(kind, service)
        return await self._best([row for row in rows if row[1].service == service])

    async def _everything(self, kind: Kind) -> _Whole:
        whole = self._whole[kind]
        async with whole.lock:
            if self._clock() - whole.at > FRESH_FOR:
                whole.offers = await self._best(await self._offers.rows(kind, EVERYTHING))
                whole.of_country = await _by_country(whole.offers)
                whole.at = self._clock()
            return whole

    async def _best(self, rows: Rows) -> Sequence[Offer]:
        """Sorted service by service: all at once, nothing else would run meanwhile."""
        countries, found = self._catalogue.now.countries, defaultdict[str, dict[Key, Offer]](dict)
        for place, (provider, row) in enumerate(rows, 1):
            if row.country in countries and is_code(row.service):
                offer, of_service, key = self._offers.offer(provider, row), found[row.service], (row.country, row.hours)
                if key not in of_service or _rank(offer) < _rank(of_service[key]):
                    of_service[key] = offer
            if place % _AT_ONCE == 0:
                await asyncio.sleep(0)
        best: list[Offer] = []
        for service in sorted(found):
            best += [found[service][key] for key in sorted(found[service])]
            await asyncio.sleep(0)
        return best


async def _by_country(offers: Sequence[Offer]) -> Mapping[str, Sequence[Offer]]:
    found: defaultdict[str, list[Offer]] = defaultdict(list)
    for start in range(0, len(offers), _AT_ONCE):
        for offer in offers[start : start + _AT_ONCE]:
            found[offer.country].append(offer)
        await asyncio.sleep(0)
    return found


def _rank(offer: Offer) -> tuple[bool, int]:
    return (offer.stock <= 0, offer.price)
