"""Purchases and renewals of programs: at most one under each Idempotency-Key, whatever happens in between."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.errors import (
    KeyReused,
    LimitReached,
    NoNumbers,
    NoOffer,
    NotFound,
    NotInvited,
    PriceRisen,
    TooLittleMoney,
    WrongState,
)
from bot.domain.numbers import Kind, State
from bot.domain.people import Limits, Role
from bot.domain.time import HOUR
from bot.services.orders import Wish
from tests.support.services import House, eventually, keep_house

WISH = Wish("wa", "GB")
RENTAL = Wish("wa", "GB", Kind.RENTAL, 4)


async def price_of(house: House, wish: Wish = WISH) -> int:
    return (await house.offers.best(wish.kind, wish.service, wish.country, wish.hours)).price


async def bought(house: House) -> int:
    return len(await house.db.read.all("SELECT id FROM numbers"))


async def test_a_number_is_bought_in_one_call_and_its_money_set_aside(house):
    user, price = await house.person(), await price_of(house)
    answer = await house.orders.buy(user, WISH)
    assert (answer.number.state, answer.number.price, answer.pending, answer.replayed) == (
        State.ACTIVE,
        price,
        False,
        False,
    )
    assert await house.money(user) == (500_000 - price, price)


async def test_without_a_key_each_call_buys(house):
    user = await house.person()
    first, second = [await house.orders.buy(user, WISH) for _ in range(2)]
    assert first.number.id != second.number.id


async def test_the_same_key_buys_once_and_answers_the_number_as_it_is_now(house):
    user = await house.person()
    first = await house.orders.buy(user, WISH, "k")
    await house.hook(first.number)
    again = await house.orders.buy(user, WISH, "k")
    assert (again.number.id, again.replayed, again.number.sms_count) == (first.number.id, True, 1)
    assert (house.wire.count("allocate"), await bought(house)) == (1, 1)


async def test_ten_calls_at_once_under_one_key_buy_one_number(house):
    user = await house.person()
    answers = await asyncio.gather(*(house.orders.buy(user, WISH, "k") for _ in range(10)))
    assert len({answer.number.id for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 9
    assert all(answer.number.state is State.ACTIVE for answer in answers)
    assert house.wire.count("allocate") == 1
    assert house.orders._turns == {}


@pytest.mark.parametrize(
    "other",
    [Wish("tg", "GB"), Wish("wa", "DE"), Wish("wa", "GB", max_price=10_000_000), RENTAL],
    ids=["service", "country", "price", "kind"],
)
async def test_the_same_key_with_other_parameters_is_a_mistake(house, other):
    user = await house.person()
    await house.orders.buy(user, WISH, "k")
    with pytest.raises(KeyReused):
        await house.orders.buy(user, other, "k")
    assert await bought(house) == 1


async def test_a_key_is_its_persons(house):
    ada, eve = await house.person(1), await house.person(2)
    first, second = await house.orders.buy(ada, WISH, "k"), await house.orders.buy(eve, WISH, "k")
    assert (first.number.user_id, second.number.user_id, second.replayed) == (1, 2, False)
    assert [shown.number.id for shown in await house.listing.by_key(eve, "k")] == [second.number.id]


async def test_a_number_is_found_by_its_key_and_none_by_another(house):
    user = await house.person()
    answer = await house.orders.buy(user, WISH, "k")
    assert [shown.number.id for shown in await house.listing.by_key(user, "k")] == [answer.number.id]
    assert await house.listing.by_key(user, "j") == []


async def test_a_price_above_the_cap_is_refused_and_stays_refused_under_its_key(house):
    user, price = await house.person(), await price_of(house)
    wish = Wish("wa", "GB", max_price=price - 1)
    for _ in range(2):
        with pytest.raises(PriceRisen) as refusal:
            await house.orders.buy(user, wish, "k")
        assert refusal.value.price == price
    assert await bought(house) == 0
    assert (await house.orders.buy(user, Wish("wa", "GB", max_price=price), "j")).number.price == price


async def test_what_nobody_sells_stays_refused_under_its_key_even_once_it_is_sold(house):
    user = await house.person()
    house.world.mode = "empty"
    with pytest.raises(NoOffer):
        await house.orders.buy(user, WISH, "k")
    house.world.mode = "normal"
    house.clock.advance(20_000)
    with pytest.raises(NoOffer):
        await house.orders.buy(user, WISH, "k")
    assert (await house.orders.buy(user, WISH, "j")).number.state is State.ACTIVE


async def test_too_little_money_leaves_no_trace_under_the_key(house):
    user = await house.person(amount="0.01")
    with pytest.raises(TooLittleMoney):
        await house.orders.buy(user, WISH, "k")
    await house.wallet.credit_as(None, user.id, "50", "more", key="more")
    assert not (await house.orders.buy(user, WISH, "k")).replayed


async def test_a_limit_leaves_no_trace_under_the_key(tmp_path):
    async with keep_house(tmp_path / "house.db", limits=Limits(1, 100, 100)) as house:
        user = await house.person()
        first = await house.orders.buy(user, WISH)
        with pytest.raises(LimitReached):
            await house.orders.buy(user, WISH, "k")
        await house.hook(first.number)
        await house.handling.finish(user, first.number.id)
        assert not (await house.orders.buy(user, WISH, "k")).replayed


async def test_a_guest_buys_nothing(house):
    user = replace(await house.person(), role=Role.GUEST)
    with pytest.raises(NotInvited):
        await house.orders.buy(user, WISH, "k")
    with pytest.raises(NotInvited):
        await house.orders.renew(user, 1, 4, None, "k")


async def test_a_refusing_supplier_fails_the_purchase_and_the_key_answers_so_again(house):
    user = await house.person()
    house.world.faults.add("allocate", "refuse:no_numbers")
    for replayed in (False, True):
        answer = await house.orders.buy(user, WISH, "k")
        assert (answer.number.state, answer.replayed) == (State.FAILED, replayed)
        assert isinstance(await house.orders.why_failed(answer.number), NoNumbers)
    assert (house.wire.count("allocate"), await house.money(user)) == (1, (500_000, 0))


async def test_a_price_that_rose_at_the_supplier_is_told_with_what_it_costs_now(house):
    user, price = await house.person(), await price_of(house)
    house.world.faults.add("allocate", "price_risen")
    answer = await house.orders.buy(user, Wish("wa", "GB", max_price=price))
    why = await house.orders.why_failed(answer.number)
    assert isinstance(why, PriceRisen)
    assert why.price == price


async def test_a_lost_answer_is_pending_and_the_key_tells_how_it_ended(house):
    user = await house.person()
    house.world.faults.add("allocate", "lost_answer")
    answer = await house.orders.buy(user, WISH, "k")
    assert (answer.number.state, answer.pending) == (State.BUYING, True)
    assert (await house.orders.buy(user, WISH, "k")).pending
    house.clock.advance(60_000)
    await house.check()
    again = await house.orders.buy(user, WISH, "k")
    assert (again.number.state, again.pending, again.replayed) == (State.ACTIVE, False, True)
    assert await bought(house) == 1


async def test_a_slow_supplier_is_not_waited_for_but_the_number_comes(tmp_path):
    async with keep_house(tmp_path / "house.db", patience_s=0.05) as house:
        user, gate = await house.person(), asyncio.Event()
        house.wire.before["allocate"] = gate.wait
        answer = await house.orders.buy(user, WISH, "k")
        assert answer.pending
        gate.set()
        await house.background.drain(2)
        assert (await house.orders.buy(user, WISH, "k")).number.state is State.ACTIVE
        assert house.wire.count("allocate") == 1


async def test_a_caller_who_leaves_gets_the_number_all_the_same(house):
    user, gate = await house.person(), asyncio.Event()
    house.wire.before["allocate"] = gate.wait
    call = asyncio.create_task(house.orders.buy(user, WISH, "k"))

    async def asked() -> bool:
        return house.wire.count("allocate") > 0

    await eventually(asked)
    call.cancel()
    gate.set()
    await house.background.drain(2)
    again = await house.orders.buy(user, WISH, "k")
    assert (again.number.state, again.replayed, house.wire.count("allocate")) == (State.ACTIVE, True, 1)


async def test_a_rental_is_renewed_once_under_its_key(house):
    user = await house.person()
    rental = (await house.orders.buy(user, RENTAL)).number
    price, end = await house.orders.renewal_price(user, rental.id, 4)
    first = await house.orders.renew(user, rental.id, 4, price, "r")
    again = await house.orders.renew(user, rental.id, 4, price, "r")
    assert first.number.expires_at == again.number.expires_at == end == (rental.expires_at or 0) + 4 * HOUR
    assert (first.replayed, again.replayed, house.wire.count("renew")) == (False, True, 1)
    with pytest.raises(KeyReused):
        await house.orders.renew(user, rental.id, 8, price, "r")
    with pytest.raises(KeyReused):
        await house.orders.buy(user, WISH, "r")


async def test_a_renewal_above_the_cap_is_refused_and_stays_so(house):
    user = await house.person()
    rental = (await house.orders.buy(user, RENTAL)).number
    price, _ = await house.orders.renewal_price(user, rental.id, 4)
    for _ in range(2):
        with pytest.raises(PriceRisen) as refusal:
            await house.orders.renew(user, rental.id, 4, price - 1, "r")
        assert refusal.value.price == price
    assert house.wire.count("renew") == 0


async def test_a_renewal_without_answer_is_pending_until_its_end_tells(house):
    user = await house.person()
    rental = (await house.orders.buy(user, RENTAL)).number
    house.world.faults.add("renew", "lost_answer")
    answer = await house.orders.renew(user, rental.id, 4, None, "r")
    assert answer.pending
    assert (await house.listing.one(user, rental.id)).renewing
    with pytest.raises(WrongState):
        await house.orders.renew(user, rental.id, 4, None, "another")
    house.clock.advance(60_000)
    await house.check()
    again = await house.orders.renew(user, rental.id, 4, None, "r")
    assert (again.pending, again.replayed) == (False, True)
    assert (again.number.expires_at or 0) > (rental.expires_at or 0)


async def test_a_renewal_that_the_supplier_refuses_costs_nothing_and_stays_refused(house):
    user = await house.person()
    rental = (await house.orders.buy(user, RENTAL)).number
    before = await house.money(user)
    house.world.faults.add("renew", "price_risen")
    for _ in range(2):
        with pytest.raises(PriceRisen):
            await house.orders.renew(user, rental.id, 4, None, "r")
    assert house.wire.count("renew") == 1
    assert await house.money(user) == before


async def test_somebody_elses_rental_and_an_activation_are_not_renewed(house):
    ada, eve = await house.person(1), await house.person(2)
    rental = (await house.orders.buy(ada, RENTAL)).number
    activation = (await house.orders.buy(ada, WISH)).number
    with pytest.raises(NotFound):
        await house.orders.renew(eve, rental.id, 4, None)
    with pytest.raises(NotFound):
        await house.orders.renewal_price(eve, rental.id, 4)
    with pytest.raises(WrongState):
        await house.orders.renew(ada, activation.id, 4, None)
