"""Messages that wait for Telegram's limits: what they make way for, what they tell in the end, what a stop does."""

import asyncio

from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import MINUTE
from bot.services.delivery import Delivery
from storage.db import Database, Row, Value
from tests.support.services import House


async def _with_a_number(house: House, user_id: int) -> tuple[User, Number]:
    """Somebody whose card is up to date, and to whom nothing is owed."""
    user = await house.person(user_id)
    number = await house.buy(user)
    await house.deliver()
    house.letters.sent.clear()
    house.letters.tried.clear()
    return user, number


async def _sweep(house: House, delivery: Delivery | None = None) -> None:
    """As the pulse does: again while something asks for it."""
    asked = -1
    while asked != len(house.woken):
        asked = len(house.woken)
        await (delivery or house.delivery).sweep()
        await asyncio.sleep(0.05)


def _nothing_leaves(house: House, *chats: int) -> None:
    house.letters.turns |= {chat: asyncio.Event() for chat in chats}


def _leaves(house: House, *chats: int) -> None:
    for chat in chats:
        house.letters.turns.pop(chat).set()


async def test_a_card_that_waits_makes_way_for_a_code_of_its_chat(house: House) -> None:
    user, number = await _with_a_number(house, 7)
    _nothing_leaves(house, 7)
    await house.numbers.move_card(user, number.id, 7, 99)
    await _sweep(house)
    await house.hook(number, "Your code is 123456")
    await _sweep(house)
    _leaves(house, 7)
    await _sweep(house)
    assert [one.owed.kind for one in house.letters.sent] == ["sms", "card"]


async def test_a_card_that_is_under_way_is_not_called_back(house: House) -> None:
    user, number = await _with_a_number(house, 7)
    gate = house.letters.gates[7] = asyncio.Event()
    await house.numbers.move_card(user, number.id, 7, 99)
    await _sweep(house)
    await house.hook(number, "Your code is 123456")
    await _sweep(house)
    gate.set()
    await house.deliver()
    assert [one.owed.kind for one in house.letters.sent] == ["card", "sms", "card"]


async def test_cards_that_wait_leave_room_for_the_codes_of_other_chats(house: House) -> None:
    house.delivery = house.new_delivery(in_flight=2)
    _, number = await _with_a_number(house, 9)
    waiting = [await _with_a_number(house, user_id) for user_id in (7, 8)]
    _nothing_leaves(house, 7, 8)
    for user, one in waiting:
        await house.numbers.move_card(user, one.id, user.id, 99)
    await _sweep(house)
    await house.hook(number, "Your code is 123456")
    await _sweep(house)
    assert house.letters.texts(9) == ["Your code is 123456"]
    _leaves(house, 7, 8)
    await house.deliver()
    assert await house.owed("pending") == [], "those that made way are not forgotten"


async def test_a_card_that_waited_tells_what_is_true_when_it_leaves_and_is_edited_once(house: House) -> None:
    user, number = await _with_a_number(house, 7)
    _nothing_leaves(house, 7)
    await house.numbers.move_card(user, number.id, 7, 99)
    await _sweep(house)
    await house.numbers.cancel(user, number.id)
    _leaves(house, 7)
    await house.deliver()
    shown = [one.view.number.state.value for one in house.letters.sent if one.view and one.owed.kind == "card"]
    assert shown == ["cancelling"]


async def test_ends_of_the_process_while_a_code_waits_for_its_turn_use_up_none_of_its_copies(house: House) -> None:
    _, number = await _with_a_number(house, 7)
    await house.hook(number, "Your code is 123456")
    _nothing_leaves(house, 7)
    for _ in range(5):
        await _sweep(house)
        await house.delivery.stop(0)
        house.delivery = house.new_delivery()
        await house.reconcile.after_start()
    _leaves(house, 7)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]


async def test_a_stop_puts_back_what_waits_and_lets_what_is_under_way_end(house: House) -> None:
    (_, waits), (_, leaves) = [await _with_a_number(house, user_id) for user_id in (7, 8)]
    _nothing_leaves(house, 7)
    gate = house.letters.gates[8] = asyncio.Event()
    await house.hook(waits, "Your code is 123456")
    await house.hook(leaves, "Your code is 654321")
    await _sweep(house)
    stopping = asyncio.create_task(house.delivery.stop(5))
    await asyncio.sleep(0.05)
    gate.set()
    async with asyncio.timeout(3):
        await stopping
    assert house.letters.texts() == ["Your code is 654321"]
    house.letters.turns.clear()
    house.delivery = house.new_delivery()
    await house.reconcile.after_start()
    house.clock.advance(MINUTE)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 654321", "Your code is 123456"]


class _Counting:
    """The house's database, which counts how often is asked what is due."""

    def __init__(self, db: Database) -> None:
        self.read, self.transaction, self._reader = self, db.transaction, db.read
        self.asked = 0

    async def all(self, sql: str, *args: Value) -> list[Row]:
        self.asked += "FROM outbox o JOIN" in sql
        return await self._reader.all(sql, *args)

    async def one(self, sql: str, *args: Value) -> Row | None:
        return await self._reader.one(sql, *args)


async def test_what_is_due_is_not_asked_at_each_code_while_enough_of_them_wait(house: House) -> None:
    residents = [await _with_a_number(house, user_id) for user_id in range(7, 27)]
    house.db, db = _Counting(house.db), house.db  # type: ignore[assignment]
    house.delivery = house.new_delivery(in_flight=8)
    house.db, counting = db, house.db
    _nothing_leaves(house, *(user.id for user, _ in residents))
    for user, number in residents:
        await house.hook(number, f"Your code is {100_000 + user.id}")
    for _ in range(10):
        await house.delivery.sweep()
    assert counting.asked == 1  # type: ignore[attr-defined]
    _leaves(house, *(user.id for user, _ in residents))
    await house.deliver()
    assert len(house.letters.texts()) == 20


async def test_a_code_finds_the_card_that_can_make_way_behind_one_that_is_under_way(house: House) -> None:
    (first, waits), (second, leaves), (_, gets) = [await _with_a_number(house, user_id) for user_id in (7, 8, 9)]
    delivery = house.new_delivery(in_flight=2)
    _nothing_leaves(house, 7)
    gate = house.letters.gates[8] = asyncio.Event()
    await house.numbers.move_card(first, waits.id, 7, 98)
    await _sweep(house, delivery)
    await house.numbers.move_card(second, leaves.id, 8, 99)
    await _sweep(house, delivery)
    await house.hook(gets, "Your code is 123456")
    await _sweep(house, delivery)
    assert house.letters.texts(9) == ["Your code is 123456"]
    gate.set()
    _leaves(house, 7)
    await _sweep(house, delivery)
    await delivery.drain(5)


async def test_a_stop_waits_no_longer_than_it_may_for_a_message_that_hangs(house: House) -> None:
    _, number = await _with_a_number(house, 7)
    gate = house.letters.gates[7] = asyncio.Event()
    await house.hook(number, "Your code is 123456")
    await _sweep(house)
    assert house.letters.tried
    try:
        async with asyncio.timeout(5):
            await house.delivery.stop(0.05)
    finally:
        gate.set()
    await house.delivery.drain(5)
    assert house.letters.texts() == ["Your code is 123456"]
