"""What a member sells: prices and stock, and the names behind its codes and numbers."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.errors import BadRequest, NoNumbers, ProviderError
from bot.domain.money import Units
from bot.domain.numbers import Kind
from bot.providers.base import Stock
from bot.providers.handler_api import values
from bot.providers.handler_api.answers import Malformed, Reply
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.countries import CountryIds
from bot.providers.handler_api.dialects import Dialect
from bot.providers.values import money

_CODE = re.compile(r"([a-z0-9]{2,4}|full)(?:_[01])?", re.ASCII)
"""A suffix tells whether calls are forwarded."""
_NOT_SOLD = ("BAD_SERVICE", "WRONG_SERVICE", "BAD_COUNTRY", "WRONG_COUNTRY", "UNPROCESSABLE_ENTITY", "in words")


@dataclass(frozen=True, slots=True)
class TopCountry:
    """A country where a service sells best, in the member's order. `iso2` is None where the number is unknown."""

    iso2: str | None
    cost: Units
    stock: int


class Shelf:
    def __init__(self, calls: Calls, dialect: Dialect, countries: CountryIds) -> None:
        self._calls = calls
        self._dialect = dialect
        self._countries = countries
        self._to_learn = dialect.learn_countries

    async def prices(self, service: str | None) -> Sequence[Stock]:
        """Activations on sale. A service that the member does not know is one that it does not sell."""
        await self._learn()
        try:
            by_country = await self._calls.read("getPrices", price_list, service=service)
        except (BadRequest, NoNumbers) as error:
            if isinstance(error, BadRequest) and str(error) not in _NOT_SOLD:
                raise
            return ()
        found: list[Stock] = []
        for number, row in by_country.items():
            if (country := self._countries.iso2(number)) is not None:
                found += [one for one in stock_of(country, row) if service in (None, one.service)]
                await asyncio.sleep(0)
        return found

    async def _learn(self) -> None:
        if self._to_learn:
            try:
                await self.countries()
            except ProviderError:
                return  # the family's numbers are the best guess until it answers
            self._to_learn = False

    async def countries(self) -> Mapping[str, str]:
        """The member's numbers of countries with their English names."""
        named = await self._calls.read("getCountries", country_names)
        self._countries.learn(named.items())
        return named

    async def service_names(self) -> Mapping[str, str]:
        """By their codes; none where the member has no list of them."""
        return await self._calls.read("getServicesList", service_names, lang="en") if self._dialect.names else {}

    async def operators(self, country: str) -> Sequence[str]:
        """Of a country by ISO 3166; none where the member does not tell them apart."""
        if not self._dialect.operators:
            return ()
        number = self._countries.number(country)
        try:
            return await self._calls.read("getOperators", lambda reply: operator_names(reply, number), country=number)
        except NoNumbers:
            return ()

    async def top_countries(self, service: str) -> Sequence[TopCountry]:
        if not self._dialect.top_countries:
            return ()
        rows = await self._calls.read("getTopCountriesByService", _objects, service=service)
        return [
            TopCountry(
                self._countries.iso2(values.ident(row.get("country"))),
                money(row.get("price")),
                values.whole(row.get("count")),
            )
            for row in rows
            if values.optional_ident(row.get("country"))
        ]


def price_list(reply: Reply) -> Mapping[str, Mapping[object, object]]:
    """country → service → what is said of it. Raises Malformed where not a single row is of that shape."""
    if reply.data is None:
        raise Malformed("no price list")
    found = {str(number): row for number, row in values.row(reply.data).items() if isinstance(row, dict) and row}
    if reply.data and not found and any(row != [] and row != {} for row in values.row(reply.data).values()):
        raise Malformed("no price list")
    if found and not any(isinstance(cell, dict) for row in found.values() for cell in row.values()):
        raise Malformed("no price in the list")
    return found


def stock_of(country: str, row: Mapping[object, object]) -> Iterator[Stock]:
    """A cell that cannot be read is passed by: one of thousands must not hide the others."""
    for code, cell in row.items():
        match = _CODE.fullmatch(str(code))
        if match is None or not isinstance(cell, dict):
            continue
        try:
            cost, count = _cell(cell)
        except ValueError:
            continue
        if cost > 0:
            yield Stock(match[1], country, Kind.ACTIVATION, cost, count)


def _cell(cell: values.Row) -> tuple[Units, int]:
    """`{"cost", "count"}`, or a map of prices to counts, of which the lowest with any stock is meant."""
    if "cost" in cell or "price" in cell:
        return money(cell.get("cost", cell.get("price"))), values.whole(cell.get("count", 0))
    prices = sorted((money(price), values.whole(count)) for price, count in cell.items())
    return next((row for row in prices if row[1]), prices[0] if prices else (0, 0))


def country_names(reply: Reply) -> Mapping[str, str]:
    """From a list, or an object whose keys are numbers or names."""
    return {
        values.ident(row["id"]): values.text(row.get("eng") or row.get("name"))
        for row in _objects(reply)
        if values.optional_ident(row.get("id"))
    }


def service_names(reply: Reply) -> Mapping[str, str]:
    """A row that cannot be read is passed by, like one with a code that no price list can hold."""
    items = values.rows(values.row(reply.data).get("services")) if reply.data is not None else ()
    rows = [row for row in items if isinstance(row, dict)]
    named = [(_CODE.fullmatch(str(row.get("code"))), row.get("name")) for row in rows]
    found = {match[1]: name for match, name in named if match and isinstance(name, str)}
    if not found and (items or reply.data is None):
        raise Malformed("no names of services")
    return found


def operator_names(reply: Reply, number: str) -> Sequence[str]:
    if not isinstance(reply.data, dict):
        raise Malformed("no operators")
    names = values.row(reply.data.get("countryOperators", [])).get(number, [])
    return [name for name in values.rows(names) if isinstance(name, str)]


def _objects(reply: Reply) -> Sequence[values.Row]:
    if reply.data is None:
        raise Malformed("no list")
    items = values.rows(reply.data)
    found = [item for item in items if isinstance(item, dict)]
    if items and not found:
        raise Malformed("no row can be read")
    return found
