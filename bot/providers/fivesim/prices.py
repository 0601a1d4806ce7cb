"""5sim's price lists and countries. A shape that is not the protocol's raises Malformed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.catalogue import ANY_SERVICE
from bot.domain.money import Units
from bot.domain.numbers import Kind
from bot.providers import fields, values
from bot.providers.base import Stock
from bot.providers.fields import Malformed, Row
from bot.providers.fivesim.products import HOSTING_HOURS, code_of


@dataclass(frozen=True, slots=True)
class Countries:
    """Slugs and ISO 3166 codes, one to one."""

    slugs: Mapping[str, str]
    codes: Mapping[str, str]
    hosting: tuple[str, ...]
    """ISO codes of those with an operator whose numbers can be rented."""


def countries(value: object) -> Countries:
    slugs: dict[str, str] = {}
    hosting: list[str] = []
    for slug, entry in sorted(fields.as_row(value, "countries").items()):
        row = fields.as_row(entry, "country")
        iso = row.get("iso")
        code = next(iter(iso), "").upper() if isinstance(iso, dict) else ""
        if len(code) != 2 or not code.isascii() or code in slugs:
            continue
        slugs[code] = slug
        if any(isinstance(operator, dict) and operator.get("hosting") for operator in row.values()):
            hosting.append(code)
    if not slugs:
        raise Malformed("countries are none")
    return Countries(slugs, {slug: code for code, slug in slugs.items()}, tuple(hosting))


def of_product(value: object, product: str, known: Countries) -> list[Stock]:
    """product → country → operator; nothing at all where it is not sold."""
    prices = fields.as_row({} if value is None else value, "prices")
    if not prices:
        return []
    row = prices.get(product)
    by_country = fields.as_row(row, "product")
    found = (_activation(product, slug, operators, known) for slug, operators in by_country.items())
    return [stock for stock in found if stock is not None]


async def of_everything(value: object, known: Countries) -> list[Stock]:
    """country → product → operator; 9 MB of it, so that each country is followed by a turn of the event loop."""
    found: list[Stock] = []
    for slug, products in fields.as_row({} if value is None else value, "prices").items():
        for product, operators in fields.as_row(products, "country").items():
            stock = _activation(product, slug, operators, known)
            if stock is not None:
                found.append(stock)
        await asyncio.sleep(0)
    return found


def _activation(product: str, slug: str, operators: object, known: Countries) -> Stock | None:
    service, country = code_of(product), known.codes.get(slug)
    if service is None or country is None:
        return None
    cheapest = _cheapest(fields.as_row(operators, "operators"))
    return None if cheapest is None else Stock(service, country, Kind.ACTIVATION, *cheapest)


def _cheapest(operators: Row) -> tuple[Units, int] | None:
    """The lowest cost that is in stock, and how many there are at it; the lowest of all when nothing is."""
    offers = [_offer(fields.as_row(one, "operator")) for one in operators.values()]
    offers = [(cost, count) for cost, count in offers if cost > 0]
    if not offers:
        return None
    lowest = min(cost for cost, count in offers if count > 0 or not any(left for _, left in offers))
    return lowest, sum(count for cost, count in offers if cost == lowest)


def _offer(row: Row) -> tuple[Units, int]:
    return _cost(row, "cost"), max(0, fields.whole(row, "count"))


def hosting(value: object, country: str) -> list[Stock]:
    """product → `{Category, Qty, Price}`, of which the lengths are for rent."""
    rows = fields.as_row({} if value is None else value, "products")
    found = []
    for product, hours in HOSTING_HOURS.items():
        if product in rows:
            row = fields.mapping(rows, product)
            if fields.text(row, "Category") != "hosting":
                continue
            left = max(0, fields.whole(row, "Qty"))
            found.append(Stock(ANY_SERVICE, country, Kind.RENTAL, _cost(row, "Price"), left, hours))
    return [stock for stock in found if stock.cost > 0]


def _cost(row: Row, key: str) -> Units:
    try:
        return values.money(row.get(key))
    except ValueError:
        raise Malformed(f"{key} is no amount") from None
