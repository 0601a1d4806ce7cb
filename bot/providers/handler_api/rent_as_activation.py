"""Rentals that are activations of a longer life: read, finished and cancelled as those are."""

from collections.abc import Callable, Collection, Iterable, Sequence

from bot.domain.errors import BadRequest
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import HOUR, Ms
from bot.providers.base import AllocateOutcome, Renewed, RenewOutcome, Sold, Stock
from bot.providers.handler_api import values
from bot.providers.handler_api.activations import Bought, bought
from bot.providers.handler_api.answers import Malformed, Reply
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.countries import CountryIds
from bot.providers.handler_api.dialects import Dialect, Rent
from bot.providers.handler_api.lost import Lost
from bot.providers.handler_api.memory import Memory
from bot.providers.handler_api.rent import Renting, gathered, popular_services
from bot.providers.values import money


class RentAsActivation(Renting):
    def __init__(
        self,
        calls: Calls,
        dialect: Dialect,
        rent: Rent,
        countries: CountryIds,
        memory: Memory,
        clock: Callable[[], Ms],
        lost: Lost,
    ) -> None:
        super().__init__(calls, dialect, rent, countries, memory, clock)
        self._lost = lost

    async def stock(self, service: str | None) -> Sequence[Stock]:
        """One request for each service: without one, for the popular ones and the whole numbers alone."""
        codes = [service] if service else popular_services()
        lists = await gathered((self._list(code) for code in codes), self._dialect.singles_at_once)
        return [row for rows in lists for row in rows]

    async def _list(self, service: str, number: str | None = None) -> Sequence[Stock]:
        cells = await self._calls.read("serviceCountRent", rent_prices, service=service, country=number)
        return [
            Stock(service, iso2, Kind.RENTAL, cost, left, hours)
            for country, hours, cost, left in cells
            if (iso2 := self._countries.iso2(country)) is not None and hours in self._rent.hours and cost > 0
        ]

    async def _on_sale(self, service: str, country: str) -> Iterable[Stock]:
        rows = await self._list(service, self._countries.number(country))
        return [row for row in rows if row.country == country]

    async def _take(self, offer: Offer, country: str, ref: str) -> AllocateOutcome:
        outcome = await self._calls.buy(
            "getRentNumber",
            bought,
            service=offer.service,
            country=country,
            operator=offer.operator,
            **{self._rent.time_param: offer.hours},
        )
        if not isinstance(outcome, Bought):
            return outcome
        return self._sold(outcome.ref, outcome.phone, offer, ref, self._clock(), outcome.cost)

    def _cancel_from(self, at: Ms) -> Ms | None:
        return at + self._dialect.cancel_after_ms

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str]) -> Sold | None:
        return await self._lost.find(offer, ref, since, known)

    async def renewal_cost(self, provider_ref: str, hours: int) -> Units:
        options = await self._calls.read("prolongOptions", renewal_options, id=provider_ref)
        if hours not in options:
            raise BadRequest("not for so many hours")
        return options[hours]

    async def renewed_hours(self, provider_ref: str) -> int:
        return await self._calls.read("prolongHistory", added_hours, id=provider_ref)

    async def _prolong(self, provider_ref: str, hours: int) -> RenewOutcome:
        params = {self._rent.time_param: hours}
        outcome = await self._calls.change("prolong", renewed_ref, id=provider_ref, **params)
        if not isinstance(outcome, str):
            return outcome
        return Renewed(outcome or provider_ref, self._clock() + hours * HOUR)


def rent_prices(reply: Reply) -> Sequence[tuple[str, int, Units, int]]:
    """country → hours → what is said of it."""
    if reply.data is None:
        raise Malformed("no price list")
    return [
        (str(country), values.whole(hours), money(cell.get("price")), values.whole(cell.get("count")))
        for country, lengths in values.row(reply.data).items()
        for hours, cell in values.row(lengths).items()
        if isinstance(cell, dict)
    ]


def renewal_options(reply: Reply) -> dict[int, Units]:
    """Hours and their price."""
    data = values.row(reply.data.get("data")) if isinstance(reply.data, dict) else {}
    if not isinstance(options := data.get("options"), list):
        raise Malformed("no options")
    found: dict[int, Units] = {}
    for option in options:
        length = values.row(values.row(option).get("duration"))
        if length.get("unit") == "hour":
            found[values.whole(length.get("value"))] = money(values.row(option).get("price"))
    return found


def added_hours(reply: Reply) -> int:
    if not isinstance(reply.data, dict) or not isinstance(items := reply.data.get("data"), list):
        raise Malformed("no record of renewals")
    return sum(values.whole(values.row(item).get("hours")) for item in items)


def renewed_ref(reply: Reply) -> str:
    if not isinstance(reply.data, dict) or not reply.data:
        raise Malformed("no rental")
    return values.optional_ident(reply.data.get("activationId"))
