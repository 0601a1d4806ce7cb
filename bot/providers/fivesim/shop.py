"""Buying at 5sim: what is on sale, and at most at which price."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from bot.domain.catalogue import ANY_SERVICE
from bot.domain.errors import BadRequest, NoNumbers, PriceRisen, ProviderError, ProviderFault
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import Ms
from bot.providers import values
from bot.providers.base import Stock
from bot.providers.fields import Malformed
from bot.providers.fivesim import orders, prices
from bot.providers.fivesim.answers import Lost
from bot.providers.fivesim.api import Api
from bot.providers.fivesim.orders import Order
from bot.providers.fivesim.products import hosting_of, own_name, slug_of


class Shop:
    """Everything is bought from the operator `any`, the only one for which the protocol takes a highest price."""

    def __init__(self, api: Api, clock: Callable[[], Ms]) -> None:
        self._api = api
        self._clock = clock
        self._names: dict[str, str] | None = None

    async def activations(self, service: str | None) -> Sequence[Stock]:
        known = await self._api.countries()
        if service is None:
            rows = await prices.of_everything(await self._api.guest("prices"), known)
            self._names = {row.service: name for row in rows if (name := own_name(row.service)) is not None}
            return rows
        product = slug_of(service)
        if product is None:
            return ()
        try:
            answer = await self._api.guest("prices", {"product": product})
        except BadRequest:
            return ()
        return prices.of_product(answer, product, known)

    async def names(self) -> Mapping[str, str]:
        """Of the products that the catalogue does not have; read with the list of everything."""
        if self._names is None:
            await self.activations(None)
        return self._names or {}

    async def rentals(self, service: str | None) -> Sequence[Stock]:
        """Rented numbers take every SMS, so that they are on sale for no single service."""
        if service not in (None, ANY_SERVICE):
            return ()
        known = await self._api.countries()
        lists = await asyncio.gather(*(self._hosting(country, known.slugs[country]) for country in known.hosting))
        return [row for rows in lists for row in rows]

    async def _hosting(self, country: str, slug: str) -> list[Stock]:
        return prices.hosting(await self._api.guest(f"products/{slug}/any"), country)

    async def place(self, offer: Offer) -> tuple[str, str]:
        """The slugs of an offer's country and product. Raises BadRequest where 5sim has none."""
        country = (await self._api.countries()).slugs.get(offer.country)
        rental = offer.kind is Kind.RENTAL
        product = hosting_of(offer.hours) if rental else slug_of(offer.service)
        if country is None or product is None or (rental and offer.service != ANY_SERVICE):
            raise BadRequest
        return country, product

    async def buy(self, offer: Offer) -> Order:
        """Raises ProviderError where nothing was bought; Lost and Malformed where nobody knows."""
        country, product = await self._before_purchase(offer)
        category = orders.CATEGORIES[offer.kind]
        # Only for activations: a rental has no highest price on the wire, so its price was looked at a moment ago.
        # Without `reuse`, the same number cannot be had again.
        activation = offer.kind is Kind.ACTIVATION
        options = {"maxPrice": values.money_text(offer.cost), "reuse": "1"} if activation else None
        try:
            bought = await self._api.user(f"buy/{category}/{country}/any/{product}", options)
        except NoNumbers:
            raise await self._why_none(offer) from None
        return orders.order(bought, offer.kind)

    async def cost(self, offer: Offer) -> Units:
        """Of a new number of that service and country now, in stock or not. Raises NoNumbers where there is none."""
        rows = [row for row in await self.activations(offer.service) if row.country == offer.country]
        if not rows:
            raise NoNumbers
        return min(row.cost for row in rows)

    async def again(self, offer: Offer) -> Order:
        """Raises as `buy` does."""
        product = slug_of(offer.service)
        if product is None:
            raise BadRequest
        return orders.order(await self._api.user(f"reuse/{product}/{offer.phone.removeprefix('+')}"), offer.kind)

    async def _before_purchase(self, offer: Offer) -> tuple[str, str]:
        try:
            place = await self.place(offer)
            if offer.kind is Kind.RENTAL and await self._is_dearer(offer):
                raise PriceRisen
        except (Lost, Malformed) as why:
            raise ProviderFault(f"nothing was bought: {why}") from None
        return place

    async def _is_dearer(self, offer: Offer) -> bool:
        """Whether it is on sale, for more than the offer says."""
        if offer.kind is Kind.RENTAL:
            known = await self._api.countries()
            rows: Sequence[Stock] = await self._hosting(offer.country, known.slugs[offer.country])
        else:
            rows = await self.activations(offer.service)
        here = [row for row in rows if row.country == offer.country and row.hours == offer.hours and row.stock > 0]
        return bool(here) and min(row.cost for row in here) > offer.cost

    async def _why_none(self, offer: Offer) -> ProviderError:
        """`no free phones` also means: none at this price."""
        try:
            return PriceRisen() if await self._is_dearer(offer) else NoNumbers()
        except (ProviderError, Lost, Malformed):
            return NoNumbers()
