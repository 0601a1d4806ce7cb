"""The mark-up: on every price, rounded up once, and never on what a provider is sent."""

from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.numbers import Kind, Offer, State
from bot.services.catalogue import TOLERANCE_PERCENT
from bot.services.pricing import Pricing
from tests.support.services import House, keep_house


@pytest.mark.parametrize(
    ("cost", "rate", "markup", "price"),
    [
        (10_000, "1", "0", 10_000),
        (10_000, "1", "12.5", 11_250),
        (10_000, "1", "1000", 110_000),
        (1, "1", "0.01", 2),
        (3, "1", "33.3333333333", 4),
        (100, "1", "1", 101),
        (101, "1", "1", 103),
        (10_000, "0.011", "15", 127),
        (10_001, "1.08", "15", 12_422),
        (0, "1", "50", 0),
    ],
)
def test_a_price_is_cost_times_rate_plus_the_mark_up_rounded_up_once(
    cost: int, rate: str, markup: str, price: int
) -> None:
    assert Pricing({"a": Decimal(rate)}, Decimal(markup)).price("a", cost) == price


def test_it_is_on_the_prices_of_every_provider_whether_its_rate_is_known_or_not() -> None:
    assert Pricing({"a": Decimal(2)}, Decimal(50)).price("b", 100) == 150
    assert Pricing().price("b", 100) == 100


async def test_what_is_shown_held_and_charged_has_it_and_what_the_provider_is_sent_has_not(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", markup_percent=Decimal("12.5")) as house:
        user = await house.person()
        before, _ = await house.money(user)
        offer = await house.offers.best(Kind.ACTIVATION, "wa", "GB")
        assert offer.price == -(-offer.cost * 1125 // 1000) > offer.cost
        number = await house.buy(user)
        assert (number.state, number.price, number.cost) == (State.ACTIVE, offer.price, offer.cost)
        assert await house.money(user) == (before - offer.price, offer.price)
        sent = [args["cap"] for verb, args in house.wire.calls if verb == "allocate"]
        assert sent == [offer.cost] == [house.world.record()[0]["cost"]]
        await house.hook(number)
        assert await house.money(user) == (before - offer.price, 0)


async def test_a_renewal_has_it_too(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", rates={"sandbox": Decimal("1.1")}, markup_percent=Decimal(30)) as house:
        user = await house.person(amount="500")
        number = await house.buy(user, hours=24)
        before, _ = await house.money(user)
        quote = await house.renewals.quote(user, number.id, 24)
        assert quote.offer.price == -(-quote.offer.cost * 143 // 100) > quote.offer.cost
        renewal, _ = await house.renewals.begin(user, quote.id)
        await house.renewals.renew(renewal)
        assert await house.money(user) == (before - quote.offer.price, 0)
        assert house.world.record()[0]["renewals"] == [{"hours": 24, "cost": quote.offer.cost}]


async def test_the_cap_of_a_failover_compares_prices_and_the_next_provider_is_sent_its_own_cost(
    tmp_path: Path,
) -> None:
    async with keep_house(tmp_path / "a.db", ("one", "two"), markup_percent=Decimal(200)) as house:
        user = await house.person()
        offer, other = await _two_close_offers(house)
        assert offer.price < other.price <= offer.price * TOLERANCE_PERCENT // 100
        house.worlds[offer.provider].faults.add("allocate", "refuse:no_numbers")
        quote = await house.purchases.quote(user, offer)
        assert quote.at_most == other.price == other.cost * 3
        number = await house.purchases.allocate(user, quote.id)
        assert (number.provider, number.price, number.cost) == (other.provider, other.price, other.cost)
        assert (await house.money(user))[1] == other.price
        sent = [args["cap"] for verb, args in house.wires[other.provider].calls if verb == "allocate"]
        assert sent == [other.cost]


async def _two_close_offers(house: House) -> tuple[Offer, Offer]:
    for service in ("wa", "tg", "go", "fb", "ig"):
        for offer in await house.offers.countries(Kind.ACTIVATION, service):
            for other in await house.offers.fallbacks(offer, offer.price * TOLERANCE_PERCENT // 100):
                if other.price > offer.price:
                    return offer, other
    raise AssertionError("no country has two close offers with these seeds")
