"""What programs do with a number, answered once it is decided, and the same when it is asked again."""

import asyncio

import pytest

from bot.domain.errors import CancelTooEarly, NotFound, NotRefundable, WrongState
from bot.domain.numbers import Kind, State
from bot.domain.time import DAY, MINUTE
from bot.services.orders import Wish
from bot.services.wire import api_state
from tests.support.services import House

WISH = Wish("wa", "GB")
RENTAL = Wish("wa", "GB", Kind.RENTAL, 4)


async def settle_soon(house: House) -> None:
    """What the program does by itself: the sweeps, and the ringing after them."""
    await house.bells.sweep()
    for _ in range(200):
        await asyncio.sleep(0.005)
        await house.check()
        await house.bells.sweep()


@pytest.fixture
async def settling(house):
    task = asyncio.create_task(settle_soon(house))
    yield house
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def cancellable(house: House):
    user = await house.person()
    number = (await house.orders.buy(user, WISH)).number
    house.clock.advance(max(0, (number.cancel_from or 0) - house.clock()))
    return user, number


async def test_a_release_is_answered_once_the_supplier_has_confirmed_it(settling):
    user, number = await cancellable(settling)
    answer = await settling.handling.release(user, number.id, required=True)
    assert (answer.number.state, answer.pending) == (State.CANCELLED, False)
    assert await settling.money(user) == (500_000, 0)
    again = await settling.handling.release(user, number.id, required=True)
    assert (again.number.state, settling.wire.count("cancel")) == (State.CANCELLED, 1)


async def test_a_release_that_is_not_confirmed_yet_is_pending(house):
    user, number = await cancellable(house)
    house.handling._patience = type(house.handling._patience)(release_s=0.05)
    answer = await house.handling.release(user, number.id)
    assert (api_state(answer.number), answer.pending) == ("cancelling", True)
    again = await house.handling.release(user, number.id)
    assert again.pending


async def test_a_release_before_its_time_changes_nothing_and_says_from_when(house):
    user = await house.person()
    number = (await house.orders.buy(user, WISH)).number
    assert number.cancel_from
    with pytest.raises(CancelTooEarly) as refusal:
        await house.handling.release(user, number.id)
    assert refusal.value.at == number.cancel_from
    assert await house.state(number) == "active"


async def test_a_release_after_an_sms_finishes_unless_the_money_is_wanted(house):
    user, number = await cancellable(house)
    await house.hook(number)
    with pytest.raises(NotRefundable):
        await house.handling.release(user, number.id, required=True)
    assert await house.state(number) == "active"
    assert (await house.handling.release(user, number.id)).number.state is State.COMPLETED
    with pytest.raises(NotRefundable):
        await house.handling.release(user, number.id, required=True)


async def test_an_sms_that_comes_before_the_release_is_done_withdraws_it(settling):
    user, number = await cancellable(settling)
    settling.wire.before["fetch"] = lambda: asyncio.sleep(0, settling.text(number))
    answer = await settling.handling.release(user, number.id, required=True)
    assert (api_state(answer.number), answer.pending) == ("received", False)


async def test_a_rental_is_refunded_inside_its_window_and_ended_after_it(settling):
    house, user = settling, await settling.person()
    first, second = [(await house.orders.buy(user, RENTAL)).number for _ in range(2)]
    assert first.refund_until
    assert (await house.handling.release(user, first.id, required=True)).number.state is State.CANCELLED
    house.clock.advance(first.refund_until - house.clock())
    with pytest.raises(NotRefundable):
        await house.handling.release(user, second.id, required=True)
    assert (await house.handling.release(user, second.id)).number.state is State.COMPLETED
    assert "refund" not in await house.ledger_of(second)


async def test_a_rental_can_be_finished_and_stays_paid(house):
    user = await house.person()
    rental = (await house.orders.buy(user, RENTAL)).number
    before = await house.money(user)
    assert (await house.handling.finish(user, rental.id)).number.state is State.COMPLETED
    assert await house.money(user) == before


async def test_finish_is_the_same_when_asked_again_and_wrong_without_an_sms(house):
    user, number = await cancellable(house)
    with pytest.raises(WrongState):
        await house.handling.finish(user, number.id)
    await house.hook(number)
    for _ in range(2):
        assert (await house.handling.finish(user, number.id)).number.state is State.COMPLETED
    assert house.wire.count("finish") == 1


async def test_another_code_makes_a_received_number_wait_until_the_next(house):
    user, number = await cancellable(house)
    with pytest.raises(WrongState):
        await house.handling.another_code(user, number.id)
    await house.hook(number)
    assert api_state(await house.number(number)) == "received"
    assert api_state((await house.handling.another_code(user, number.id)).number) == "waiting"
    await house.hook(number, "Your code is 999111")
    assert api_state(await house.number(number)) == "received"


@pytest.mark.parametrize("verb", ["finish", "another_code"])
async def test_a_verb_without_answer_is_pending_and_never_said_to_have_failed(house, verb):
    user, number = await cancellable(house)
    await house.hook(number)
    house.world.faults.add(verb, "lost_answer")
    answer = await getattr(house.handling, verb)(user, number.id)
    assert (answer.pending, api_state(answer.number)) == (True, "received")


@pytest.mark.parametrize("verb", ["finish", "another_code", "release"])
async def test_somebody_elses_number_is_not_there(house, verb):
    _, number = await cancellable(house)
    eve = await house.person(2)
    with pytest.raises(NotFound):
        await getattr(house.handling, verb)(eve, number.id)
    assert await house.state(number) == "active"


async def test_an_expired_number_is_neither_released_nor_finished(house):
    user, number = await cancellable(house)
    house.clock.advance(DAY)
    for _ in range(3):
        await house.expire()
        await house.check()
        house.clock.advance(MINUTE)
    assert await house.state(number) == "expired"
    for verb in (house.handling.release, house.handling.finish, house.handling.another_code):
        with pytest.raises(WrongState):
            await verb(user, number.id)
