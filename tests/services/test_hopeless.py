"""What no question can settle: until when money is held for it, and what the admins are told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.numbers import Number, State
from bot.domain.time import DAY, HOUR, MINUTE, Ms
from bot.providers.base import Sold
from bot.services.access import Door
from bot.services.rhythm import Sweep
from tests.support.services import House, keep_house

ADMIN, MEMBER = 1, 7


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    door = Door(open_to_all=True, admin_ids=frozenset({ADMIN}))
    async with keep_house(tmp_path / "house.db", door=door) as found:
        await found.person(ADMIN, amount="0")
        yield found


async def lost(house: House, hours: int = 0) -> Number:
    """A purchase whose answer was lost."""
    user = await house.person(MEMBER)
    house.world.faults.add("allocate", "lost_answer")
    return await house.buy(user, hours=hours)


def forgets(house: House, **capabilities: object) -> None:
    """The supplier cannot say what it sold."""
    provider = house.providers["sandbox"]
    provider.capabilities = replace(provider.capabilities, find=False, **capabilities)


async def told(house: House) -> list[tuple[int, str, int | None]]:
    rows = await house.db.read.all("SELECT chat_id, notice, number_id FROM outbox WHERE kind = 'notice' ORDER BY id")
    return [(row["chat_id"], row["notice"], row["number_id"]) for row in rows if row["chat_id"] == ADMIN]


async def ended_by(house: House, number: Number, until: Ms) -> None:
    """Not before `until`, and then at once: the money is back, and nothing is asked."""
    house.clock.now = until - 1
    await house.check()
    assert await house.state(number) == "buying"
    assert (await house.money(MEMBER))[1] == number.price
    house.clock.now = until
    await house.check()
    ended = await house.number(number)
    assert (ended.state, ended.reason) == (State.FAILED, "provider_fault")
    assert await house.ledger_of(number) == ["hold", "release"]
    assert house.wire.count("find") == 0


async def test_what_cannot_be_found_is_held_to_the_numbers_end_and_told_once(house: House) -> None:
    forgets(house)
    number = await lost(house)
    until = number.created_at + 20 * MINUTE + house.timing.lost_slack
    house.clock.advance(house.timing.answer_due)
    await house.check()
    assert await told(house) == [(ADMIN, f"unfindable:{until}", number.id)]
    assert Sweep.DELIVER in house.woken
    for _ in range(3):
        house.clock.advance(MINUTE)
        await house.check()
        await house.reconcile.after_start()
        await house.check()
    assert len(await told(house)) == 1
    await ended_by(house, number, until)
    assert len(await told(house)) == 1


async def test_a_service_whose_numbers_live_longer_is_held_for_longer(house: House) -> None:
    forgets(house, lasts_longer={"wa": HOUR})
    number = await lost(house)
    await ended_by(house, number, number.created_at + HOUR + house.timing.lost_slack)


async def test_a_rental_is_held_for_its_hours(house: House) -> None:
    forgets(house)
    number = await lost(house, hours=24)
    await ended_by(house, number, number.created_at + 24 * HOUR + house.timing.lost_slack)


async def test_the_end_that_was_told_stays_when_the_adapter_learns_otherwise(house: House) -> None:
    forgets(house)
    number = await lost(house)
    house.clock.advance(house.timing.answer_due)
    await house.check()
    forgets(house, lasts=5 * MINUTE)
    await house.reconcile.after_start()
    await ended_by(house, number, number.created_at + 20 * MINUTE + house.timing.lost_slack)


async def test_one_that_is_found_to_be_hopeless_only_after_its_end_is_told_as_given_up(house: House) -> None:
    forgets(house)
    number = await lost(house)
    house.clock.advance(DAY)
    await house.reconcile.after_start()
    await house.check()
    assert await house.state(number) == "failed"
    assert await told(house) == [(ADMIN, "given_up", number.id)]


async def test_an_admin_who_comes_later_is_told_after_the_next_start(tmp_path: Path) -> None:
    door = Door(open_to_all=True, admin_ids=frozenset({ADMIN}))
    async with keep_house(tmp_path / "house.db", door=door) as house:
        forgets(house)
        number = await lost(house)
        house.clock.advance(house.timing.answer_due)
        await house.check()
        await house.person(ADMIN, amount="0")
        await house.reconcile.after_start()
        await house.check()
        assert [(chat_id, number_id) for chat_id, _, number_id in await told(house)] == [(ADMIN, number.id)]


async def test_a_sale_that_is_told_after_all_is_kept_before_the_end_and_given_back_after_it(house: House) -> None:
    forgets(house)
    first, second = await lost(house), await lost(house)
    sales = [
        Sold(row["provider_ref"], row["phone"], row["cost"], house.clock() + 20 * MINUTE)
        for row in house.world.record()
    ]
    house.clock.advance(house.timing.answer_due)
    await house.check()
    await house.purchases.settle_purchase(first, sales[0])
    assert await house.state(first) == "active"
    house.clock.now = second.created_at + 20 * MINUTE + house.timing.lost_slack
    await house.check()
    await house.purchases.settle_purchase(second, sales[1])
    assert await house.state(second) == "failed"
    assert await house.ledger_of(second) == ["hold", "release"]
    orphans = await house.db.read.all("SELECT provider_ref FROM orphans")
    assert [row["provider_ref"] for row in orphans] == [sales[1].provider_ref]


async def test_one_that_could_be_found_by_a_provider_that_is_silent_waits_for_a_day_and_is_told(house: House) -> None:
    number = await lost(house)
    house.world.mode = "down"
    await house.keep_asking(23 * HOUR)
    assert await house.state(number) == "buying"
    assert await told(house) == []
    await house.keep_asking(2 * HOUR)
    assert await house.state(number) == "failed"
    assert await told(house) == [(ADMIN, "given_up", number.id)]


async def test_a_cancel_that_is_never_confirmed_is_told(house: House) -> None:
    user = await house.person(MEMBER)
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    house.world.mode = "down"
    await house.numbers.cancel(user, number.id)
    await house.keep_asking(DAY + HOUR)
    assert await house.state(number) == "expired"
    assert await told(house) == [(ADMIN, "cancel_given_up", number.id)]


@pytest.mark.parametrize(("refusal", "is_told"), [("denied", True), ("bad_key", True), ("gone", False)])
async def test_a_late_sale_that_is_not_taken_back_is_told_unless_it_is_gone(
    house: House, refusal: str, is_told: bool
) -> None:
    number = await lost(house)
    ref = house.world.record()[0]["provider_ref"]
    house.world.faults.add("find", "refuse:provider_fault", times=200)
    await house.keep_asking(DAY + HOUR)
    assert await house.state(number) == "failed"
    await house.purchases.settle_purchase(number, Sold(ref, house.world.record()[0]["phone"], 1, house.clock() + HOUR))
    house.world.faults.add("cancel", f"refuse:{refusal}")
    await house.check()
    about_orphans = [row for row in await told(house) if row[1].startswith("orphan_open")]
    assert about_orphans == [(ADMIN, f"orphan_open:sandbox:{ref}", number.id)] * is_told
    closed = await house.db.read.one("SELECT outcome FROM orphans")
    assert closed is not None
    assert closed["outcome"] == refusal


async def test_each_number_without_an_end_is_told_on_its_own(house: House) -> None:
    forgets(house)
    first, second = await lost(house), await lost(house)
    house.clock.advance(house.timing.answer_due)
    await house.check()
    assert sorted(number_id or 0 for _, _, number_id in await told(house)) == [first.id, second.id]


async def test_each_number_that_was_given_up_is_told_on_its_own(house: House) -> None:
    first, second = await lost(house), await lost(house)
    house.world.mode = "down"
    await house.keep_asking(DAY + HOUR)
    assert sorted(await told(house)) == [(ADMIN, "given_up", first.id), (ADMIN, "given_up", second.id)]


async def test_what_was_decided_meanwhile_is_given_up_by_nobody(house: House) -> None:
    """The question in vain was answered elsewhere before its end could be written down."""
    user = await house.person(MEMBER)
    buying, bought = await lost(house), await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, bought.id)
    cancelling = await house.number(bought)
    await house.check()
    assert (await house.state(buying), await house.state(bought)) == ("active", "cancelled")
    provider = house.providers["sandbox"]
    await house.reconcile._hopeless.never_said(buying)
    await house.reconcile._hopeless.never_said(cancelling)
    house.clock.advance(DAY)
    await house.reconcile._hopeless.cannot_be_found(provider, buying)
    assert await told(house) == []
    assert await house.state(buying) == "active"
    assert await house.ledger_of(bought) == ["hold", "release"]
