"""What can be bought: services and countries by name, and the offers of all providers, best price first."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from bot.domain.catalogue import Catalogue, Service
from bot.domain.errors import NoOffer, NothingToSell, ProviderError
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import MINUTE, SECOND, Ms
from bot.providers.base import Provider, Stock
from bot.providers.registry import Registry
from bot.services.clock import Clock
from bot.services.pricing import Pricing

log = logging.getLogger(__name__)

FRESH_FOR = 15 * SECOND
"""How old a service's price list may be when it is shown; a purchase is capped at the price shown anyway."""
WHOLE_FRESH_FOR = 10 * MINUTE
"""As long for the list of everything, which tells only which services are sold at all."""
RECENT = 10 * MINUTE
"""How old a list may be that is shown because its provider does not answer."""
SPARED_FOR = 3 * SECOND
"""After a failure a provider is not asked for that list, so that one that hangs is not waited for by everybody."""


TOLERANCE_PERCENT = 125
"""How much more than the price another provider may ask, of 100; it is said before anybody confirms."""
FALLBACKS = 3


class Shelf:
    """The providers' price lists, each read again once it is stale, one request at a time for each."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._rows: dict[tuple[str, Kind, str | None], tuple[Ms, Sequence[Stock]]] = {}
        self._failed: dict[tuple[str, Kind, str | None], tuple[Ms, ProviderError]] = {}
        self._locks: dict[tuple[str, Kind, str | None], asyncio.Lock] = {}

    async def rows(self, provider: Provider, kind: Kind, service: str | None) -> Sequence[Stock]:
        """Raises ProviderError when there is no list, not even a recent one."""
        key = (provider.name, kind, service)
        async with self._locks.setdefault(key, asyncio.Lock()):
            at, rows = self._rows.get(key, (0, ()))
            if self._clock() - at <= (FRESH_FOR if service else WHOLE_FRESH_FOR):
                return rows
            failed_at, error = self._failed.get(key, (0, None))
            if error is None or self._clock() - failed_at > SPARED_FOR:
                try:
                    return await self._read(provider, key)
                except ProviderError as failure:
                    self._failed[key] = self._clock(), failure
                    error = failure
            if self._clock() - at <= RECENT:
                return rows
            raise error

    async def _read(self, provider: Provider, key: tuple[str, Kind, str | None]) -> Sequence[Stock]:
        rows = await provider.stock(key[1], key[2])
        self._rows[key] = self._clock(), rows
        self._failed.pop(key, None)
        return rows


class Offers:
    def __init__(self, registry: Registry, catalogue: Catalogue, pricing: Pricing, clock: Clock) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._pricing = pricing
        self._shelf = Shelf(registry, clock)

    @property
    def sells(self) -> bool:
        """Whether any provider is set up."""
        return len(self._registry) > 0

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    async def services(self, kind: Kind) -> list[Service]:
        """Services on sale: the popular ones in their order, then the rest by name."""
        codes = {row.service for _, row in await self._rows(kind, None) if row.stock > 0}
        known = [self._catalogue.services.get(code) or Service(code, code) for code in codes]
        return sorted(known, key=lambda one: (one.rank is None, one.rank or 0, one.name.casefold(), one.code))

    async def countries(self, kind: Kind, service: str) -> list[Offer]:
        """The best offer of each country where the service is in stock, cheapest first; of any length for a rental.

        Raises NothingToSell where no provider is set up, ProviderError when none of them answers.
        """
        return _cheapest(await self._on_sale(kind, service), lambda offer: offer.country)

    async def lengths(self, service: str, country: str) -> list[Offer]:
        """The best rental offer of each length, shortest first."""
        here = [offer for offer in await self._on_sale(Kind.RENTAL, service) if offer.country == country]
        return sorted(_cheapest(here, lambda offer: offer.hours), key=lambda offer: offer.hours)

    async def best(self, kind: Kind, service: str, country: str, hours: int = 0) -> Offer:
        """The cheapest offer now. Raises NoOffer."""
        for offer in sorted(await self._on_sale(kind, service), key=lambda offer: offer.price):
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
        return _cheapest(others, lambda one: one.provider)

    async def cap(self, offer: Offer) -> Units:
        """The most to agree to, so that another provider can serve when this one refuses."""
        others = await self.fallbacks(offer, offer.price * TOLERANCE_PERCENT // 100)
        return max((one.price for one in others[:FALLBACKS]), default=offer.price)

    async def _on_sale(self, kind: Kind, service: str) -> list[Offer]:
        return [
            self._offer(provider, row)
            for provider, row in await self._rows(kind, service)
            if row.service == service and row.stock > 0 and row.country in self._catalogue.countries
        ]

    def _offer(self, provider: str, row: Stock) -> Offer:
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

    async def _rows(self, kind: Kind, service: str | None) -> list[tuple[str, Stock]]:
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
                log.warning("%s has no price list: %s", provider.name, result.reason)
                errors.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                rows.extend((provider.name, row) for row in result)
        if errors and len(errors) == len(sellers):
            raise errors[0]
        return rows


def _cheapest(offers: Iterable[Offer], key: Callable[[Offer], object]) -> list[Offer]:
    best: dict[object, Offer] = {}
    for offer in offers:
        known = best.get(key(offer))
        if known is None or offer.price < known.price:
            best[key(offer)] = offer
    return sorted(best.values(), key=lambda offer: (offer.price, offer.country))
