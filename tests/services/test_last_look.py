"""Before money goes back, by whichever way, the provider's last word is read with the SMS that nobody has seen yet."""

from typing import Any

import pytest

from bot.domain.numbers import Number, State
from bot.domain.time import DAY, MINUTE, SECOND
from tests.support.services import House

CODE = "Your code is 454647"


class Lenient:
    """A supplier that takes every cancel, also of a number whose code has come."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.asked: list[str] = []
        house.providers["sandbox"]._backend = self

    async def __call__(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(verb)
        answer = await self.house.wire(verb, args)
        return {"ok": True} if verb == "cancel" else answer


async def told_once_and_paid(house: House, number: Number, state: str) -> None:
    await house.deliver()
    assert house.letters.texts() == [CODE]
    assert await house.state(number) == state
    assert await house.ledger_of(number) == ["hold", "capture"]


async def told_once_and_given_back(house: House, number: Number, state: str) -> None:
    await house.deliver()
    assert house.letters.texts() == [CODE]
    assert await house.state(number) == state
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_at_the_end_of_its_time(house: House) -> None:
    number = await house.buy(await house.person())
    house.clock.now = int(number.expires_at or 0) - 1
    house.text(number, CODE)
    house.clock.advance(1)
    await house.expire()
    await told_once_and_paid(house, number, "completed")


async def test_when_a_cancel_is_asked_for(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    supplier = Lenient(house)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    house.text(number, CODE)
    await house.check()
    assert supplier.asked == ["fetch"], "a cancel would have been taken, and the code lost"
    await told_once_and_paid(house, number, "active")


async def test_when_a_cancel_has_waited_until_it_is_allowed(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    supplier = Lenient(house)
    await house.numbers.cancel(user, number.id)
    house.text(number, CODE)
    house.clock.now = int(number.cancel_from or 0) + house.timing.cancel_slack
    await house.check()
    assert supplier.asked == ["fetch"]
    await told_once_and_paid(house, number, "active")


async def test_when_the_answer_to_a_cancel_was_lost(house: House) -> None:
    """The supplier took it, and notes what comes later all the same."""
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    house.world.faults.add("cancel", "lost_answer")
    await house.check()
    house.text(number, CODE)
    house.clock.advance(house.timing.retry)
    await house.check()
    assert house.wire.count("cancel") == 1, "it is seen to be cancelled already"
    await told_once_and_given_back(house, number, "cancelled")


async def test_when_a_cancel_whose_answer_was_lost_never_arrived(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    supplier = Lenient(house)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    house.world.mode = "down"
    await house.check()
    house.world.mode = "normal"
    house.text(number, CODE)
    house.clock.advance(house.timing.retry)
    await house.check()
    assert "cancel" not in supplier.asked
    await told_once_and_paid(house, number, "active")


async def test_when_an_unused_number_is_closed_at_its_end_and_that_takes_a_second_try(house: House) -> None:
    number = await house.buy(await house.person())
    waiting = {"provider_ref": number.provider_ref, "state": "waiting", "expires_at": number.expires_at, "sms": []}
    late = {"id": "s", "sender": "S", "text": CODE, "received_at": number.expires_at}
    shown = [waiting]

    async def answers(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if verb == "fetch":
            return {"ok": True, "numbers": shown}
        return {"ok": False, "error": "provider_fault"} if shown[0] is waiting else {"ok": True}

    house.providers["sandbox"]._backend = answers
    house.clock.now = int(number.expires_at or 0)
    await house.expire()
    await house.check()
    assert await house.state(number) == "cancelling"
    shown[0] = {**waiting, "sms": [late]}
    house.clock.advance(house.timing.retry)
    await house.check()
    await told_once_and_given_back(house, number, "expired")


@pytest.mark.parametrize("lives", ["before its end", "after its end"])
async def test_when_the_provider_is_seen_to_have_cancelled_it(house: House, lives: str) -> None:
    number = await house.buy(await house.person())
    sms = {"id": "s", "sender": "S", "text": CODE, "received_at": house.clock() + SECOND}
    row = {"provider_ref": number.provider_ref, "state": "cancelled", "expires_at": number.expires_at, "sms": [sms]}

    async def answers(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "numbers": [row]}

    house.providers["sandbox"]._backend = answers
    house.clock.advance(2 * SECOND)
    if lives == "before its end":
        await house.poll()
        await told_once_and_given_back(house, number, "cancelled")
    else:
        house.clock.now = int(number.expires_at or 0)
        await house.expire()
        await told_once_and_given_back(house, number, "expired")


async def test_when_an_sms_that_cannot_be_kept_now_comes_with_a_cancellation(house: House) -> None:
    """What was read with the end must be safe before the money moves."""
    number = await house.buy(await house.person())
    sms = {"id": "s", "sender": "S", "text": CODE, "received_at": house.clock()}
    row = {"provider_ref": number.provider_ref, "state": "cancelled", "expires_at": number.expires_at, "sms": [sms]}

    async def answers(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "numbers": [row]}

    house.providers["sandbox"]._backend = answers
    async with house.db.transaction() as tx:
        await tx.all("CREATE TRIGGER full BEFORE INSERT ON sms BEGIN SELECT RAISE(ABORT, 'full'); END")
    house.clock.advance(2 * SECOND)
    await house.poll()
    assert await house.ledger_of(number) == ["hold"]
    async with house.db.transaction() as tx:
        await tx.all("DROP TRIGGER full")
    house.clock.advance(2 * SECOND)
    await house.poll()
    await told_once_and_given_back(house, number, "cancelled")


@pytest.mark.parametrize("wish", ["none", "cancel"])
async def test_when_the_provider_answers_at_last_after_a_day(house: House, wish: str) -> None:
    """Due to be given up, it is asked once more all the same."""
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    house.text(number, CODE)
    if wish == "cancel":
        await house.numbers.cancel(user, number.id)
    house.world.mode = "down"
    house.clock.now = int(number.expires_at or 0) + 10 * SECOND
    await house.expire()
    await house.check()
    house.clock.now = int(number.expires_at or 0) + DAY + MINUTE
    house.world.mode = "normal"
    for _ in range(2):
        await house.expire()
        await house.check()
    await told_once_and_paid(house, number, "completed")


async def test_without_a_last_word_nothing_is_cancelled(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    house.world.faults.add("fetch", "refuse:provider_fault")
    await house.check()
    found = await house.number(number)
    assert (found.state, found.cancel_sent, house.wire.count("cancel")) == (State.CANCELLING, False, 0)
    house.clock.advance(house.timing.retry)
    await house.check()
    assert await house.state(number) == "cancelled"
    assert await house.ledger_of(number) == ["hold", "release"]
