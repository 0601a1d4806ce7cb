"""When a provider surely refuses, the next one serves, within the price that was agreed to."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import NoNumbers
from bot.domain.numbers import Kind, Offer, State
from bot.domain.time import MINUTE
from bot.providers.base import Refused
from bot.services.settle import subject
from storage import ledger
from tests.support.services import House, keep_house

NAMES = ("first", "second", "third")


async def three_close_offers(house: House) -> Offer:
    """The cheapest of three offers for one service and country that are all within what a quote agrees to."""
    for service in ("wa", "tg", "go", "fb", "ig"):
        for offer in await house.offers.countries(Kind.ACTIVATION, service):  # the cheapest of each
            others = await house.offers.fallbacks(offer, offer.price * 125 // 100)
            if len(others) == 2 and len({offer.price, *(one.price for one in others)}) == 3:
                return offer
    raise AssertionError("no country has three close offers with these seeds")


async def test_the_third_provider_sells_at_its_own_price_when_two_refuse(tmp_path: Path):
    async with keep_house(tmp_path / "a.db", NAMES) as house:
        user = await house.person(7)
        before = await house.wallet.balance(user)
        offer = await three_close_offers(house)
        second, third = await house.offers.fallbacks(offer, offer.price * 125 // 100)
        house.worlds[offer.provider].mode = "empty"
        house.worlds[second.provider].faults.add("allocate", "price_risen")
        quote = await house.purchases.quote(user, offer)
        assert quote.at_most == third.price > offer.price
        number = await house.purchases.allocate(user, quote.id)
        assert (number.state, number.provider, number.price, number.attempt) == (
            State.ACTIVE,
            third.provider,
            third.price,
            3,
        )
        assert await house.wallet.balance(user) == before - third.price
        await house.hook(number)
        assert await ledger.captured(house.db.read, subject(number))
        assert await house.wallet.balance(user) == before - third.price
        assert sum(world.open_numbers() for world in house.worlds.values()) == 1


async def test_nobody_else_is_asked_after_an_answer_was_lost(tmp_path: Path):
    async with keep_house(tmp_path / "a.db", NAMES) as house:
        user = await house.person(7)
        offer = await three_close_offers(house)
        house.worlds[offer.provider].faults.add("allocate", "lost_answer")
        quote = await house.purchases.quote(user, offer)
        number = await house.purchases.allocate(user, quote.id)
        assert (number.state, number.provider, number.attempt) == (State.BUYING, offer.provider, 1)
        assert sum(wire.count("allocate") for wire in house.wires.values()) == 1
        house.clock.advance(60_000)
        await house.check()
        found = await house.number(number)
        assert (found.state, found.provider) == (State.ACTIVE, offer.provider)


async def test_when_all_refuse_the_whole_price_is_back(tmp_path: Path):
    async with keep_house(tmp_path / "a.db", NAMES) as house:
        user = await house.person(7)
        before = await house.wallet.balance(user)
        offer = await three_close_offers(house)
        for world in house.worlds.values():
            world.faults.add("allocate", "refuse:no_numbers")
        quote = await house.purchases.quote(user, offer)
        number = await house.purchases.allocate(user, quote.id)
        assert (number.state, number.reason, number.attempt) == (State.FAILED, "no_numbers", 3)
        assert await house.wallet.balance(user) == before


async def test_a_dearer_provider_is_not_asked_when_the_balance_does_not_reach(tmp_path: Path):
    async with keep_house(tmp_path / "a.db", NAMES) as house:
        user = await house.person(7, "0")
        offer = await three_close_offers(house)
        await house.wallet.credit_as(None, user.id, f"{offer.price / 10_000:.4f}", "just enough", key="k")
        house.worlds[offer.provider].faults.add("allocate", "refuse:no_numbers")
        quote = await house.purchases.quote(user, offer)
        number = await house.purchases.allocate(user, quote.id)
        assert (number.state, number.attempt) == (State.FAILED, 1)
        assert await house.wallet.balance(user) == offer.price


@pytest.mark.parametrize("mode", ["empty", "down"])
async def test_a_provider_that_is_empty_or_down_in_process_is_passed_over(tmp_path: Path, mode: str):
    async with keep_house(tmp_path / "a.db", NAMES) as house:
        user = await house.person(7)
        offer = await three_close_offers(house)
        quote = await house.purchases.quote(user, offer)
        house.worlds[offer.provider].mode = mode
        number = await house.purchases.allocate(user, quote.id)
        assert (number.state, number.attempt) == (State.ACTIVE, 2)


async def test_a_provider_that_cannot_find_a_lost_purchase_is_not_asked_to_and_the_money_waits(tmp_path: Path):
    async with keep_house(tmp_path / "a.db") as house:
        user = await house.person(7)
        provider = house.providers["sandbox"]
        provider.capabilities = replace(provider.capabilities, find=False)
        house.world.faults.add("allocate", "lost_answer")
        number = await house.buy(user)
        for _ in range(2):
            house.clock.advance(10 * MINUTE)
            await house.check()
        assert house.wire.count("find") == 0
        assert await house.state(number) == "buying"
        assert (await house.money(user))[1] == number.price


async def test_a_provider_that_serves_for_another_is_asked_when_its_answer_is_lost(tmp_path: Path):
    async with keep_house(tmp_path / "a.db", NAMES) as house:
        user = await house.person(7)
        offer = await three_close_offers(house)
        second = (await house.offers.fallbacks(offer, offer.price * 125 // 100))[0]
        quote = await house.purchases.quote(user, offer)
        number, _ = await house.purchases.begin(user, quote.id)
        house.worlds[offer.provider].faults.add("allocate", "refuse:no_numbers")

        async def crash() -> None:
            raise asyncio.CancelledError

        house.wires[second.provider].after["allocate"] = crash  # nothing after the sale is written down
        with pytest.raises(asyncio.CancelledError):
            await house.purchases.buy(number)
        house.clock.advance(house.timing.answer_due)
        await house.check()
        found = await house.number(number)
        assert (found.state, found.provider, found.attempt) == (State.ACTIVE, second.provider, 2)
        assert await house.ledger_of(number) == ["hold", "release", "hold"]


async def test_the_card_shows_the_wait_at_the_next_provider(tmp_path: Path):
    async with keep_house(tmp_path / "a.db", NAMES) as house:
        user = await house.person(7)
        offer = await three_close_offers(house)
        second = (await house.offers.fallbacks(offer, offer.price * 125 // 100))[0]
        quote = await house.purchases.quote(user, offer)
        number, _ = await house.purchases.begin(user, quote.id)
        await house.deliver()
        assert await house.owed() == []
        owed = []
        house.worlds[offer.provider].faults.add("allocate", "refuse:no_numbers")

        async def look() -> None:
            owed.extend(await house.owed())

        house.wires[second.provider].before["allocate"] = look
        await house.purchases.buy(number)
        assert owed == [f"card:{number.id}"]


async def test_a_wish_that_was_decided_meanwhile_is_not_taken_to_another_provider(tmp_path: Path):
    async with keep_house(tmp_path / "a.db", NAMES) as house:
        user = await house.person(7)
        before = await house.wallet.balance(user)
        offer = await three_close_offers(house)
        quote = await house.purchases.quote(user, offer)
        number, _ = await house.purchases.begin(user, quote.id)
        house.worlds[offer.provider].faults.add("allocate", "refuse:no_numbers")
        settle = house.purchases.settle_purchase
        house.wires[offer.provider].after["allocate"] = lambda: settle(number, Refused(NoNumbers()))
        assert (await house.purchases.buy(number)).state is State.FAILED
        assert sum(wire.count("allocate") for wire in house.wires.values()) == 1
        assert await house.ledger_of(number) == ["hold", "release"]
        assert await house.wallet.balance(user) == before


async def test_without_prepayment_another_provider_serves_and_no_money_moves(tmp_path: Path):
    async with keep_house(tmp_path / "a.db", NAMES, prepaid=False) as house:
        user = await house.person(7, "0")
        offer = await three_close_offers(house)
        quote = await house.purchases.quote(user, offer)
        house.worlds[offer.provider].faults.add("allocate", "refuse:no_numbers")
        number = await house.purchases.allocate(user, quote.id)
        assert (number.state, number.attempt) == (State.ACTIVE, 2)
        assert await house.ledger_of(number) == []
