"""The same number again: a purchase like any other, of one phone and at one provider."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import LimitReached, NotAgain, NotFound, NotInvited, ProviderFault, TooLittleMoney, WrongState
from bot.domain.money import to_decimal
from bot.domain.numbers import Kind, Number, State
from bot.domain.people import Limits, Seen, User
from bot.domain.time import MINUTE
from bot.providers.registry import Registry
from bot.services.access import Door
from tests.support.services import House, keep_house


async def used_up(house: House, user: User, *, country: str = "GB") -> Number:
    number = await house.buy(user, country=country)
    await house.hook(number)
    return await house.numbers.finish(user, number.id)


async def again(house: House, user: User, number: Number) -> Number:
    quote = await house.again.quote(user, number.id)
    return await house.purchases.allocate(user, quote.id)


async def test_the_phone_is_bought_once_more_and_its_next_code_is_paid(house: House) -> None:
    user = await house.person()
    first = await used_up(house, user)
    before, _ = await house.money(user)
    quote = await house.again.quote(user, first.id)
    assert (quote.offer.phone, quote.offer.again_of, quote.at_most) == (first.phone, first.provider_ref, first.price)
    second = await house.purchases.allocate(user, quote.id)
    assert (second.state, second.phone) == (State.ACTIVE, first.phone)
    assert second.provider_ref != first.provider_ref
    assert await house.money(user) == (before - second.price, second.price)
    await house.hook(second, "Your code is 654321")
    assert await house.money(user) == (before - second.price, 0)
    assert (await house.numbers.view(user, second.id)).code == "654321"
    assert (await house.number(first)).sms_count == 1
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456", "Your code is 654321"]


async def test_the_button_is_there_for_a_completed_activation_alone(house: House) -> None:
    user = await house.person()
    opened, unused, rental = await house.buy(user), await house.buy(user), await house.buy(user, hours=4)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, unused.id)
    await house.check()
    await house.hook(rental)
    await house.numbers.release(user, rental.id)
    used = await used_up(house, user)
    offered = {one.id: (await house.numbers.view(user, one.id)).actions.again for one in (unused, rental, used)}
    assert offered == {unused.id: False, rental.id: False, used.id: True}
    for number in (opened, unused, rental):
        with pytest.raises(WrongState):
            await house.again.quote(user, number.id)


async def test_a_double_tap_buys_the_phone_once(house: House) -> None:
    user = await house.person()
    quote = await house.again.quote(user, (await used_up(house, user)).id)
    taps = await asyncio.gather(*(house.purchases.allocate(user, quote.id) for _ in range(5)))
    assert len({number.id for number in taps}) == 1
    assert house.wire.count("again") == 1


async def test_a_lost_answer_is_found_by_the_sweep_and_nobody_else_is_asked(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "two.db", ("one", "two")) as house:
        user = await house.person()
        first = await used_up(house, user)
        house.worlds[first.provider].faults.add("again", "lost_answer")
        second = await again(house, user, first)
        assert second.state is State.BUYING
        assert (await house.money(user))[1] == second.price
        house.clock.advance(MINUTE)
        await house.check()
        second = await house.number(second)
        assert (second.state, second.phone, second.provider) == (State.ACTIVE, first.phone, first.provider)
        assert sum(wire.count("allocate") for wire in house.wires.values()) == 1  # that of the first number


async def test_a_lost_answer_to_what_never_arrived_gives_the_money_back(house: House) -> None:
    user = await house.person()
    first = await used_up(house, user)
    before = await house.money(user)
    quote = await house.again.quote(user, first.id)

    async def lost(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if verb == "again":
            await asyncio.sleep(60)
        return await house.wire(verb, args)

    house.providers["sandbox"]._backend = lost
    house.providers["sandbox"]._timeout_s = 0.01
    second = await house.purchases.allocate(user, quote.id)
    assert second.state is State.BUYING
    house.providers["sandbox"]._timeout_s = 5.0
    house.clock.advance(MINUTE)
    await house.check()
    assert await house.state(second) == "failed"
    assert await house.money(user) == before


@pytest.mark.parametrize("reason", ["denied", "gone", "no_numbers", "price_risen", "provider_funds"])
async def test_a_refusal_gives_the_money_back_and_no_other_provider_is_tried(tmp_path: Path, reason: str) -> None:
    async with keep_house(tmp_path / "two.db", ("one", "two")) as house:
        user = await house.person()
        first = await used_up(house, user)
        before = await house.money(user)
        house.worlds[first.provider].faults.add("again", f"refuse:{reason}")
        second = await again(house, user, first)
        assert (second.state, second.reason, second.attempt) == (State.FAILED, reason, 1)
        assert await house.money(user) == before
        assert sum(wire.count("allocate") for wire in house.wires.values()) == 1


@pytest.mark.parametrize("reason", ["denied", "gone", "no_numbers", "bad_request"])
async def test_where_the_provider_says_no_there_is_no_price(house: House, reason: str) -> None:
    user = await house.person()
    first = await used_up(house, user)
    house.world.faults.add("again_cost", f"refuse:{reason}")
    with pytest.raises(NotAgain):
        await house.again.quote(user, first.id)
    house.world.mode = "down"
    with pytest.raises(ProviderFault):
        await house.again.quote(user, first.id)


async def test_a_provider_that_cannot_or_is_gone_offers_nothing(house: House) -> None:
    user = await house.person()
    first = await used_up(house, user)
    provider = house.providers["sandbox"]
    provider.capabilities = type(provider.capabilities)(again=False)  # type: ignore[misc]
    assert not (await house.numbers.view(user, first.id)).actions.again
    with pytest.raises(WrongState):
        await house.again.quote(user, first.id)
    house.again._registry = house.numbers._registry = Registry({})
    with pytest.raises(WrongState):
        await house.again.quote(user, first.id)


async def test_another_phone_than_the_wanted_one_is_given_back_with_the_money(house: House) -> None:
    user = await house.person()
    first = await used_up(house, user)
    before = await house.money(user)
    quote = await house.again.quote(user, first.id)

    async def sells_another(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if verb != "again":
            return await house.wire(verb, args)
        wish = {"kind": "activation", "service": "wa", "country": "GB", "hours": 0}
        return await house.wire("allocate", {"ref": args["ref"], "cap": args["cap"], **wish})

    house.providers["sandbox"]._backend = sells_another
    second = await house.purchases.allocate(user, quote.id)
    assert (second.state, second.reason) == (State.FAILED, "no_numbers")
    assert await house.money(user) == before
    house.clock.advance(3 * MINUTE)
    await house.check()
    assert house.world.open_numbers() == 0


async def test_it_is_subject_to_the_same_terms_as_any_purchase(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", limits=Limits(active_numbers=1, purchases_per_minute=99)) as house:
        user = await house.person()
        quote = await house.again.quote(user, (await used_up(house, user)).id)
        await house.buy(user)
        with pytest.raises(LimitReached):
            await house.purchases.begin(user, quote.id)
        poor = await house.person(8, amount="1")
        quote = await house.again.quote(poor, (await used_up(house, poor)).id)
        left, _ = await house.money(poor)
        await house.wallet.credit_as(None, poor.id, str(to_decimal(-left)), "taken", key="all")
        with pytest.raises(TooLittleMoney):
            await house.purchases.begin(poor, quote.id)


async def test_it_is_for_nobody_but_its_person(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=Door()) as house:
        user, other = await house.person(7), await house.person(8)
        first = await used_up(house, user)
        with pytest.raises(NotFound):
            await house.again.quote(other, first.id)
        async with house.db.transaction() as tx:
            await tx.all("UPDATE users SET role = 'guest' WHERE id = 7")
        guest = await house.access.see(Seen(7, user.name, language="en"))
        with pytest.raises(NotInvited):
            await house.again.quote(guest, first.id)
        assert house.wire.count("again_cost") == 0


async def test_a_phone_that_is_had_again_twice_at_once_is_sold_once(house: House) -> None:
    user = await house.person()
    first = await used_up(house, user)
    quotes = [await house.again.quote(user, first.id) for _ in range(2)]
    bought = [await house.purchases.allocate(user, quote.id) for quote in quotes]
    assert [number.state for number in bought] == [State.ACTIVE, State.FAILED]
    assert bought[1].reason == "denied"


async def test_a_phone_had_again_can_be_had_again_after_that(house: House) -> None:
    user = await house.person()
    number = await used_up(house, user)
    for _ in range(2):
        following = await again(house, user, number)
        assert following.phone == number.phone
        await house.hook(following)
        number = await house.numbers.finish(user, following.id)
    assert number.kind is Kind.ACTIVATION
    assert number.again_phone == number.phone
