"""What is on sale: prices, stock, countries and services."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from bot.domain.keys import Caller
from bot.domain.numbers import Kind, Offer
from bot.texts import formats
from bot.web.api.deps import ApiDeps
from bot.web.compat.params import Params
from bot.web.compat.shapes import amount, as_json, price
from bot.web.compat.words import Word

ANY_OPERATOR = ("", "any")


class Shop:
    def __init__(self, deps: ApiDeps) -> None:
        self._board = deps.board
        self._offers = deps.offers
        self._catalogue = deps.catalogue

    async def service(self, p: Params, kind: Kind) -> str:
        """The service asked for: one that has a name here, or is on sale without."""
        code = p.text("service")
        if code not in self._catalogue.now.services and code not in await self._sold(kind):
            raise Word("BAD_SERVICE")
        return code

    async def _sold(self, kind: Kind) -> dict[str, str]:
        return {service.code: service.name for service in await self._offers.services(kind)}

    async def prices(self, who: Caller, p: Params) -> str:
        """Country → service → price and stock. A country is answered under the number that it was asked for by."""
        service = await self.service(p, Kind.ACTIVATION) if p.text("service") else None
        country = p.country(self._catalogue.now) if p.text("country") else None
        offers = await self._board.offers(Kind.ACTIVATION, service, country.iso2 if country else None)
        numbers = {one.iso2: one.number for one in self._catalogue.now.countries.values()}
        if country is not None:
            numbers[country.iso2] = p.text("country")
        return await asyncio.to_thread(_price_list, offers, numbers)

    async def numbers_status(self, who: Caller, p: Params) -> str:
        if p.text("operator") not in ANY_OPERATOR:
            return as_json({})
        country = p.country(self._catalogue.now)
        offers = await self._board.offers(Kind.ACTIVATION, country=country.iso2)
        return as_json({offer.service: str(offer.stock) for offer in offers if offer.stock})

    async def countries(self, who: Caller, p: Params) -> str:
        flags = {"visible": 1, "retry": 1, "rent": 1, "multiService": 0}
        return as_json(
            {
                one.number: {
                    "id": int(one.number),
                    "rus": formats.territory(one.iso2, "ru") or one.name,
                    "eng": one.name,
                    "chn": formats.territory(one.iso2, "zh") or one.name,
                    **flags,
                }
                for one in sorted(self._catalogue.now.countries.values(), key=lambda one: int(one.number))
            }
        )

    async def services(self, who: Caller, p: Params) -> str:
        """All that are on sale, or those of one country. Their names are the same in every language."""
        sold = await self._sold(Kind.ACTIVATION)
        if p.text("country"):
            country = p.country(self._catalogue.now)
            here = {one.service for one in await self._board.offers(Kind.ACTIVATION, country=country.iso2) if one.stock}
            sold = {code: name for code, name in sold.items() if code in here}
        rows = [{"code": code, "name": name} for code, name in sold.items()]
        return as_json({"status": "success", "services": rows})

    async def operators(self, who: Caller, p: Params) -> str:
        """Nobody can choose one here."""
        raise Word("OPERATORS_NOT_FOUND")

    async def top_countries(self, who: Caller, p: Params) -> str:
        """Where the service does best: by what has worked, then by price."""
        service = await self.service(p, Kind.ACTIVATION)
        offers = await self._offers.countries(Kind.ACTIVATION, service, reliable=True)
        countries = self._catalogue.now.countries
        numbered = [(int(countries[offer.country].number), offer) for offer in offers]
        return as_json(
            {str(place): _top_row(number, offer, p.flag("freePrice")) for place, (number, offer) in enumerate(numbered)}
        )


def _top_row(number: int, offer: Offer, free_price: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "country": number,
        "count": offer.stock,
        "price": price(offer.price),
        "retail_price": price(offer.price),
    }
    return {**row, "freePriceMap": {amount(offer.price): offer.stock}} if free_price else row


def _price_list(offers: Iterable[Offer], numbers: dict[str, str]) -> str:
    """Of everything it is megabytes: made in a thread."""
    found: defaultdict[str, dict[str, object]] = defaultdict(dict)
    for offer in offers:
        cell = {"cost": price(offer.price), "count": offer.stock, "physicalCount": offer.stock}
        found[numbers[offer.country]][offer.service] = cell
    return as_json(found)
