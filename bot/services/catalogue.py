"""What can be bought: services and countries by name, and the offers of all providers, best price first."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from bot.domain.catalogue import LiveCatalogue, Service
from bot.domain.errors import NoOffer, NothingToSell, ProviderError
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.record import UNRATED, Record
from bot.providers.base import Stock
from bot.providers.registry import Registry
from bot.services.pricing import Pricing
from bot.services.shelf import Shelf
from bot.services.tally import Tally

TOLERANCE_PERCENT = 125
"""How much more than the price another provider may ask, of 100; it is said before anybody confirms."""
FALLBACKS = 3

Order: TypeAlias = Callable[[Offer], tuple[Any, ...]]
"""Sorts the better offer first."""


class Offers:
    def __init__(
        self, registry: Registry, catalogue: LiveCatalogue, pricing: Pricing, shelf: Shelf, tally: Tally
    ) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._pricing = pricing
        self._shelf = shelf
        self._tally = tally

    @property
    def sells(self) -> bool:
        """Whether any provider is set up."""
        return len(self._registry) > 0

    async def services(self, kind: Kind) -> list[Service]:
        """Services on sale: the popular ones in their order, then the rest by name."""
        codes = {row.service for _, row in await self.rows(kind, None) if row.stock > 0}
        known = [self._catalogue.now.services.get(code) or Service(code, code) for code in codes]
        return sorted(known, key=lambda one: (one.rank is None, one.rank or 0, one.name.casefold(), one.code))

    def record(self, offer: Offer) -> Record | None:
        """How this provider's numbers for the service and country have done here; None while too few tell."""
        record = self._tally.of(offer.provider, offer.service, offer.country)
        return record if record.is_rated and offer.kind is Kind.ACTIVATION else None

    async def any_rated(self, kind: Kind, service: str) -> bool:
        """Whether sorting by what has worked would tell anything."""
        return any(self.record(offer) for offer in await self._on_sale(kind, service))

    async def countries(self, kind: Kind, service: str, *, reliable: bool = False) -> list[Offer]:
        """The best offer of each country where the service is in stock, of any length for a rental; the best first.

        That is the cheapest or, where `reliable`, the one with the best record: rate, time, then price; those without
        a rate follow by price. Raises NothingToSell where no provider is set up, ProviderError when none answers.
        """
        return _best(await self._on_sale(kind, service), lambda offer: offer.country, self._order(reliable))

    def _order(self, reliable: bool) -> Order:
        return self._by_record if reliable else _by_price

    def _by_record(self, offer: Offer) -> tuple[Any, ...]:
        record = self.record(offer)
        return (record.rank if record else UNRATED, *_by_price(offer))

    async def lengths(self, service: str, country: str) -> list[Offer]:
        """The best rental offer of each length, shortest first."""
        here = [offer for offer in await self._on_sale(Kind.RENTAL, service) if offer.country == country]
        return sorted(_best(here, lambda offer: offer.hours), key=lambda offer: offer.hours)

    async def best(self, kind: Kind, service: str, country: str, hours: int = 0, *, reliable: bool = False) -> Offer:
        """The cheapest offer now or, where `reliable`, the one with the best record. Raises NoOffer."""
        for offer in sorted(await self._on_sale(kind, service), key=self._order(reliable)):
            if offer.country == country and offer.hours == hours:
                return offer
        raise NoOffer

    async def fallbacks(self, offer: Offer, at_most: Units) -> list[Offer]:
        """What the other providers ask for the same, cheapest first, up to a price. Empty where none can be asked."""
        try:
            same = await self._on_sale(offer.kind, offer.service)
        except (ProviderError, NothingToSell):
            return []
        others = [
            one
            for one in same
            if (one.country, one.hours) == (offer.country, offer.hours)
            and one.provider != offer.provider
            and one.price <= at_most
        ]
        return _best(others, lambda one: one.provider)

    async def cap(self, offer: Offer) -> Units:
        """The most to agree to, so that another provider can serve when this one refuses."""
        others = await self.fallbacks(offer, offer.price * TOLERANCE_PERCENT // 100)
        return max((one.price for one in others[:FALLBACKS]), default=offer.price)

    async def _on_sale(self, kind: Kind, service: str) -> list[Offer]:
        return [
            self.offer(provider, row)
            for provider, row in await self.rows(kind, service)
            if row.service == service and row.stock > 0 and row.country in self._catalogue.now.countries
        ]

    def offer(self, provider: str, row: Stock) -> Offer:
        return Offer(
            provider=provider,
            service=row.service,
            country=row.country,
            kind=row.kind,
            cost=row.cost,
            price=self._pricing.price(provider, row.cost),
            stock=row.stock,
            hours=row.hours,
            operator=row.operator,
        )

    async def rows(self, kind: Kind, service: str | None) -> list[tuple[str, Stock]]:
        """What the providers list, with their names; `service` as in `Shelf.rows`."""
        sellers = [one for one in self._registry if kind is Kind.ACTIVATION or one.capabilities.rentals]
        if not len(self._registry):
            raise NothingToSell
        results = await asyncio.gather(
            *(self._shelf.rows(one, kind, service) for one in sellers), return_exceptions=True
        )
        rows: list[tuple[str, Stock]] = []
        errors: list[ProviderError] = []
        for provider, result in zip(sellers, results, strict=True):
            if isinstance(result, ProviderError):
                errors.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                rows.extend((provider.name, row) for row in result)
        if errors and len(errors) == len(sellers):
            raise errors[0]
        return rows


def _by_price(offer: Offer) -> tuple[Any, ...]:
    return (offer.price, offer.country)


def _best(offers: Iterable[Offer], of: Callable[[Offer], object], order: Order = _by_price) -> list[Offer]:
    """The first of each `of` by `order`, in that order."""
    best: dict[object, Offer] = {}
    for offer in sorted(offers, key=order):
        best.setdefault(of(offer), offer)
    return list(best.values())
