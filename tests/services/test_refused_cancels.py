"""A cancel that its provider refuses: how the number ended there decides about the money."""

from collections.abc import Awaitable, Callable

from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import DAY, HOUR, MINUTE
from bot.providers.base import Sold
from bot.services.rhythm import Sweep
from tests.support.services import House


async def _cancelling(house: House) -> tuple[User, Number]:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    return user, number


async def _refused(house: House, reason: str, meanwhile: Callable[[], Awaitable[object]]) -> None:
    """The provider refuses the cancel; `meanwhile` happens just before."""
    house.world.faults.add("cancel", f"refuse:{reason}")
    house.wire.before["cancel"] = meanwhile
    await house.check()


async def test_a_code_during_a_cancel_that_comes_too_early_keeps_the_number_and_pays(house: House) -> None:
    _, number = await _cancelling(house)
    await _refused(house, "cancel_too_early", lambda: house.hook(number))
    found = await house.number(number)
    assert (found.state.value, found.reason) == ("active", "cancel_refused")
    assert await house.ledger_of(number) == ["hold", "capture"]


async def test_a_number_that_ran_out_there_meanwhile_is_given_back(house: House) -> None:
    _, number = await _cancelling(house)

    async def runs_out() -> None:
        house.clock.now = int(number.expires_at or 0) + MINUTE

    await _refused(house, "denied", runs_out)
    assert await house.state(number) == "cancelled"
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_a_number_that_was_finished_there_meanwhile_is_completed_and_paid(house: House) -> None:
    _, number = await _cancelling(house)

    async def finished() -> None:
        house.text(number)
        await house.world.call("finish", {"provider_ref": number.provider_ref})

    await _refused(house, "denied", finished)
    found = await house.number(number)
    assert (found.state.value, found.reason) == ("completed", "time_is_up")
    assert await house.ledger_of(number) == ["hold", "capture"]
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]


async def test_one_whose_end_is_not_told_after_the_refusal_is_asked_about_again(house: House) -> None:
    _, number = await _cancelling(house)

    async def silent() -> None:
        house.world.faults.add("fetch", "refuse:provider_fault")

    await _refused(house, "denied", silent)
    assert await house.state(number) == "cancelling"
    house.clock.advance(house.timing.retry_longest)
    await house.check()
    assert await house.state(number) == "cancelled"


async def test_a_cancel_that_is_granted_is_told_at_once(house: House) -> None:
    await _cancelling(house)
    house.woken.clear()
    await house.check()
    assert Sweep.DELIVER in house.woken


async def _sold_too_late(house: House) -> None:
    """A number that its provider says to have sold after its purchase was given up."""
    user = await house.person()
    house.world.faults.add("allocate", "lost_answer")
    number = await house.buy(user)
    house.world.faults.add("find", "refuse:provider_fault", times=200)
    await house.keep_asking(DAY + HOUR)
    assert await house.state(number) == "failed"
    row = house.world.record()[0]
    await house.purchases.settle_purchase(number, Sold(row["provider_ref"], row["phone"], 1, house.clock() + HOUR))
    house.wire.calls.clear()


async def _orphan_is_open(house: House) -> bool:
    row = await house.db.read.one("SELECT closed_at FROM orphans")
    assert row is not None
    return row["closed_at"] is None


async def test_a_late_sale_is_given_back_again_and_again_but_not_at_once(house: House) -> None:
    await _sold_too_late(house)
    house.world.faults.add("cancel", "lost_answer")
    for _ in range(3):
        await house.check()
    assert (house.wire.count("cancel"), await _orphan_is_open(house)) == (1, True)
    house.clock.advance(house.timing.retry_longest)
    await house.check()
    assert house.wire.count("cancel") == 2
    assert not await _orphan_is_open(house)


async def test_a_provider_that_wants_to_be_left_alone_is_not_asked_to_take_a_late_sale_back(house: House) -> None:
    await _sold_too_late(house)
    house.world.faults.add("cancel", "refuse:throttled")
    await house.check()
    await house.check()
    assert house.wire.count("cancel") == 1
    house.clock.advance(house.timing.retry_longest)
    await house.check()
    assert house.wire.count("cancel") == 2
