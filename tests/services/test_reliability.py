"""Sorting by what has worked: rate, then time, then price; what has no rate follows by price."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import NoOffer
from bot.domain.numbers import Kind, Offer
from bot.domain.record import ENOUGH, Record
from bot.domain.time import MINUTE
from bot.services.tally import SETTLED
from tests.support.history import Ended, remember
from tests.support.services import START, House, keep_house

PRICES = {
    "one": {"GB": 100, "DE": 200, "FR": 300, "PL": 400, "IT": 500},
    "two": {"GB": 150, "DE": 190, "ES": 50},
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with keep_house(tmp_path / "two.db", ("one", "two")) as made:
        for name, prices in PRICES.items():
            rows = [["wa", country, 0, cost, 5] for country, cost in prices.items()]

            async def says(verb: str, args: dict[str, Any], rows: Any = rows) -> dict[str, Any]:
                return {"ok": True, "rows": rows if args["kind"] == "activation" else []}

            made.providers[name]._backend = says
        yield made


async def did(house: House, provider: str, country: str, successes: int, after_s: int, samples: int = ENOUGH) -> None:
    ends = [Ended(START, after_s * 1_000 if at < successes else None, provider, "wa", country) for at in range(samples)]
    await remember(house.db, ends)
    house.clock.advance(SETTLED)
    await house.tally.catch_up()


async def listed(house: House, *, reliable: bool) -> list[tuple[str, str]]:
    offers = await house.offers.countries(Kind.ACTIVATION, "wa", reliable=reliable)
    return [(one.country, one.provider) for one in offers]


CHEAPEST = [("ES", "two"), ("GB", "one"), ("DE", "two"), ("FR", "one"), ("PL", "one"), ("IT", "one")]


async def test_without_a_rate_either_order_is_that_of_the_price(house: House) -> None:
    await did(house, "two", "ES", 10, 5, samples=ENOUGH - 1)
    assert await listed(house, reliable=False) == await listed(house, reliable=True) == CHEAPEST


async def test_rates_come_first_then_times_then_prices_and_the_unrated_by_price(house: House) -> None:
    await did(house, "one", "PL", 20, 30)
    await did(house, "one", "IT", 20, 10)
    await did(house, "one", "FR", 19, 5)
    await did(house, "two", "DE", 19, 5)
    await did(house, "two", "ES", 0, 0)
    assert await listed(house, reliable=True) == [
        ("IT", "one"), ("PL", "one"), ("DE", "two"), ("FR", "one"), ("ES", "two"), ("GB", "one"),
    ]  # fmt: skip
    assert await listed(house, reliable=False) == CHEAPEST


async def test_the_best_rated_of_a_countrys_providers_stands_for_it_and_is_what_is_quoted(house: House) -> None:
    await did(house, "one", "GB", 12, 5)
    await did(house, "two", "GB", 18, 60)
    await did(house, "one", "DE", 20, 5)
    assert (await listed(house, reliable=True))[:2] == [("DE", "one"), ("GB", "two")]
    best = await house.offers.best(Kind.ACTIVATION, "wa", "GB", reliable=True)
    assert (best.provider, best.price, house.offers.record(best)) == ("two", 150, Record(20, 18, 60_000))
    cheapest = await house.offers.best(Kind.ACTIVATION, "wa", "GB")
    assert (cheapest.provider, cheapest.price, house.offers.record(cheapest)) == ("one", 100, Record(20, 12, 5_000))
    with pytest.raises(NoOffer):
        await house.offers.best(Kind.ACTIVATION, "wa", "JP", reliable=True)


async def test_a_dear_one_that_was_chosen_for_its_record_agrees_to_its_own_price_and_no_more(house: House) -> None:
    await did(house, "two", "GB", 20, 5)
    user = await house.person()
    offer = await house.offers.best(Kind.ACTIVATION, "wa", "GB", reliable=True)
    quote = await house.purchases.quote(user, offer)
    found = await house.purchases.quoted(user, quote.id)
    assert (found.offer.provider, found.offer.price, found.at_most) == ("two", 150, 150)


async def test_a_rated_offer_that_is_not_the_cheapest_is_reason_enough_for_the_other_order(house: House) -> None:
    assert not await house.offers.any_rated(Kind.ACTIVATION, "wa")
    await did(house, "two", "GB", 20, 5)
    cheapest = await house.offers.countries(Kind.ACTIVATION, "wa")
    assert [one.country for one in cheapest if house.offers.record(one)] == []
    assert await house.offers.any_rated(Kind.ACTIVATION, "wa")


async def test_a_record_of_what_is_not_on_sale_is_no_reason_for_another_order(house: House) -> None:
    await did(house, "one", "JP", 20, 5)
    await did(house, "gone", "GB", 20, 5)
    assert not await house.offers.any_rated(Kind.ACTIVATION, "wa")


async def test_equal_records_and_prices_keep_one_order(house: House) -> None:
    for provider in PRICES:
        await did(house, provider, "DE", 20, 5)
    house.providers["one"]._backend = house.providers["two"]._backend
    house.clock.advance(MINUTE)
    assert ("DE", "one") in await listed(house, reliable=True)
    assert ("DE", "one") in await listed(house, reliable=False)
    assert isinstance((await house.offers.best(Kind.ACTIVATION, "wa", "DE", reliable=True)), Offer)
