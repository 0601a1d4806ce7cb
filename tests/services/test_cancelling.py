"""Giving a number back: queued, denied, raced by a code or by the clock; the money moves once."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import WrongState
from bot.domain.numbers import Kind, State
from bot.domain.time import DAY, HOUR, MINUTE, SECOND
from tests.support.services import House, direct, eventually, keep_house


async def test_an_early_cancel_is_queued_until_the_provider_takes_it(house: House) -> None:
    user = await house.person()
    before = await house.money(user)
    number = await house.buy(user)
    cancelled = await house.numbers.cancel(user, number.id)
    assert cancelled.state is State.CANCELLING
    await house.check()
    assert house.wire.count("cancel") == 0, "the provider said from when on"
    assert (await house.money(user))[1] == number.price
    house.clock.now = int(number.cancel_from or 0)
    await house.check()
    assert house.wire.count("cancel") == 0, "its clock may be behind"
    house.clock.advance(house.timing.cancel_slack)
    await house.check()
    assert await house.state(number) == "cancelled"
    assert await house.money(user) == before
    assert house.world.record()[0]["state"] == "cancelled"
    await house.deliver()
    assert house.letters.notices() == ["cancelled"]


async def test_a_second_cancel_changes_nothing(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    states = await asyncio.gather(*(house.numbers.cancel(user, number.id) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(one, WrongState) or one.state is State.CANCELLING for one in states)
    await asyncio.gather(house.check(), house.check())
    assert house.wire.count("cancel") == 1
    assert await house.ledger_of(number) == ["hold", "release"]
    with pytest.raises(WrongState):
        await house.numbers.cancel(user, number.id)


async def test_a_provider_that_wants_the_cancel_later_is_asked_later(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    house.world.faults.add("cancel", "refuse:cancel_too_early")
    await house.check()
    found = await house.number(number)
    assert (found.state, found.cancel_sent) == (State.CANCELLING, False)
    await house.check()
    assert house.wire.count("cancel") == 1
    house.clock.advance(house.timing.retry)
    await house.check()
    assert await house.state(number) == "cancelled"


async def test_a_code_withdraws_a_cancel_that_is_only_queued(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    await house.numbers.cancel(user, number.id)
    await house.hook(number)
    found = await house.number(number)
    assert (found.state, found.reason) == (State.ACTIVE, "code_came")
    assert await house.ledger_of(number) == ["hold", "capture"]
    house.clock.advance(10 * MINUTE)
    await house.check()
    assert house.wire.count("cancel") == 0


async def test_a_code_between_the_look_and_the_cancel_refuses_it(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    view = await house.numbers.view(user, number.id)
    assert view.actions.cancel
    await house.hook(number)
    with pytest.raises(WrongState):
        await house.numbers._start_cancel(view.number)
    assert await house.state(number) == "active"
    with pytest.raises(WrongState):
        await house.numbers.cancel(user, number.id)


async def test_a_code_during_a_cancel_that_the_provider_grants_is_delivered_free(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)

    async def code_comes() -> None:
        await house.inbox.receive("sandbox", [direct(number, "s-1", "Your code is 111222", house.clock())])

    house.wire.after["cancel"] = code_comes
    await house.check()
    assert await house.state(number) == "cancelled"
    assert await house.ledger_of(number) == ["hold", "release"]
    await house.deliver()
    assert house.letters.texts() == ["Your code is 111222"]


async def test_a_code_during_a_cancel_that_the_provider_denies_is_paid_and_the_number_kept(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)

    async def code_comes() -> None:
        await house.hook(number, "Your code is 111222")

    house.wire.before["cancel"] = code_comes
    await house.check()
    found = await house.number(number)
    assert (found.state, found.reason) == (State.ACTIVE, "cancel_refused")
    assert await house.ledger_of(number) == ["hold", "capture"]
    await house.deliver()
    assert house.letters.texts() == ["Your code is 111222"]
    assert house.letters.notices() == ["cancel_refused"]


async def test_a_code_just_before_the_cancel_arrives_is_found_by_the_providers_denial(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)

    async def code_comes() -> None:
        house.text(number, "Your code is 333444")

    house.wire.before["cancel"] = code_comes
    await house.check()
    assert (await house.number(number)).reason == "cancel_refused"
    assert await house.ledger_of(number) == ["hold", "capture"]
    await house.deliver()
    assert house.letters.texts() == ["Your code is 333444"]


async def test_a_cancel_whose_answer_is_lost_is_asked_again_ever_less_often(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    house.world.faults.add("cancel", "lost_answer")
    await house.check()
    assert await house.state(number) == "cancelling"
    house.world.mode = "down"
    before = len(house.wire.calls)
    for _ in range(20):
        house.clock.advance(15 * SECOND)
        await house.check()
    assert 3 <= len(house.wire.calls) - before <= 6
    assert (await house.money(user))[1] == number.price
    house.world.mode = "normal"
    house.clock.advance(house.timing.retry_longest)
    await house.check()
    assert await house.state(number) == "cancelled"
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_a_throttled_cancel_waits_as_long_as_it_is_told(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)

    async def throttle(verb: str, args: dict[str, object]) -> dict[str, object]:
        return {"ok": False, "error": "throttled", "retry_after_s": 90}

    house.providers["sandbox"]._backend = throttle  # type: ignore[assignment]
    await house.check()
    house.providers["sandbox"]._backend = house.wire
    for _ in range(8):
        house.clock.advance(10 * SECOND)
        await house.check()
    assert house.wire.count("cancel") == 0
    house.clock.advance(10 * SECOND)
    await house.check()
    assert await house.state(number) == "cancelled"


async def test_a_cancel_that_meets_the_end_gives_the_money_back_once(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.now = int(number.expires_at or 0) - 1
    await house.numbers.cancel(user, number.id)
    house.clock.advance(1)
    await asyncio.gather(house.watch.expire(), house.reconcile.sweep(), house.watch.poll())
    await house.background.drain(5)
    await house.check()
    assert await house.state(number) == "cancelled"
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_an_expiry_that_meets_a_cancel_under_way_leaves_it_to_the_cancel(house: House) -> None:
    """The expire sweep has picked the number up when its person cancels it, and the provider answers both."""
    user = await house.person()
    number = await house.buy(user)
    house.clock.now = int(number.expires_at or 0) - 1
    await house.numbers.cancel(user, number.id)

    async def expire() -> None:
        house.clock.advance(10)
        stale = number
        await house.watch._expire_one(stale, (await house.providers["sandbox"].fetch([str(number.provider_ref)]))[0])

    house.wire.after["cancel"] = expire
    await house.check()
    assert await house.state(number) == "cancelled"
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_a_number_that_its_provider_closed_unpaid_is_given_back_although_the_cancel_is_denied(
    house: House,
) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    house.clock.now = int(number.expires_at or 0) + 5
    await house.check()
    assert await house.state(number) == "cancelled"
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_a_cancel_that_nobody_answers_for_a_day_past_the_end_gives_the_money_back(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    house.world.mode = "down"
    house.clock.now = int(number.expires_at or 0)
    await house.keep_asking(DAY)
    assert await house.state(number) == "cancelling"
    await house.keep_asking(HOUR)
    found = await house.number(number)
    assert (found.state, found.reason) == (State.EXPIRED, "no_answer")
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_a_denied_cancel_past_the_end_is_asked_again_and_not_told_every_second(house: House) -> None:
    """A provider that neither closes nor takes back: the person hears of it once at most."""
    user = await house.person()
    number = await house.buy(user)
    end = int(number.expires_at or 0)
    waiting = {"provider_ref": number.provider_ref, "state": "waiting", "expires_at": end, "sms": []}

    async def stubborn(verb: str, args: dict[str, object]) -> dict[str, object]:
        if verb == "fetch":
            return {"ok": True, "numbers": [waiting]}
        return {"ok": False, "error": "denied"}

    house.providers["sandbox"]._backend = stubborn  # type: ignore[assignment]
    house.clock.now = end
    for _ in range(40):
        await house.expire()
        await house.check()
        house.clock.advance(SECOND)
    await house.deliver()
    assert house.letters.notices() == []
    assert await house.state(number) == "cancelling"
    house.providers["sandbox"]._backend = house.wire
    house.clock.advance(house.timing.retry_longest)
    await house.check()
    assert await house.state(number) == "expired"
    await house.deliver()
    assert house.letters.notices() == ["expired_no_code"]


async def test_a_cancel_at_one_hanging_provider_delays_none_at_another(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "two.db", ("slow", "quick")) as house:
        user = await house.person(amount="500")
        offer = replace(await house.offers.best(Kind.ACTIVATION, "wa", "GB"), cost=10**6)
        quotes = [await house.purchases.quote(user, replace(offer, provider=name)) for name in ("slow", "quick")]
        slow, quick = [await house.purchases.allocate(user, quote.id) for quote in quotes]
        hang = asyncio.Event()
        house.wires["slow"].before["cancel"] = hang.wait
        house.clock.advance(3 * MINUTE)
        await house.numbers.cancel(user, slow.id)
        await house.numbers.cancel(user, quick.id)
        await house.reconcile.sweep()

        async def done() -> bool:
            return await house.state(quick) == "cancelled"

        await eventually(done)
        assert await house.state(slow) == "cancelling"
        hang.set()
        await house.background.drain(5)
        assert await house.state(slow) == "cancelled"
