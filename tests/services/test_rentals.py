"""Rentals: paid at the sale, renewed by a quote of their own, released with or without their money."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import NotInvited, PriceRisen, ProviderError, QuoteGone, TooLittleMoney, WrongState
from bot.domain.numbers import Number, Quote, State
from bot.domain.people import User
from bot.domain.time import DAY, HOUR, MINUTE
from bot.providers.base import Renewed
from storage import renewals
from storage.renewals import Renewal
from tests.support.services import House, keep_house


async def _rent(house: House, hours: int = 24, amount: str = "200") -> tuple[User, Number]:
    user = await house.person(amount=amount)
    return user, await house.buy(user, hours=hours)


async def _renewal(house: House, renewal: Renewal) -> Renewal:
    found = [
        await renewals.of_quote(house.db.read, row["quote_id"])
        for row in await house.db.read.all("SELECT quote_id FROM renewals WHERE id = $1", renewal.id)
    ]
    assert found[0] is not None
    return found[0]


async def _renewed(house: House, user: User, quote: Quote) -> Renewal:
    renewal, fresh = await house.renewals.begin(user, quote.id)
    assert fresh
    await house.renewals.renew(renewal)
    return await _renewal(house, renewal)


async def _ledger(house: House) -> list[str]:
    rows = await house.db.read.all("SELECT id FROM transfers WHERE kind NOT IN ('credit') ORDER BY rowid")
    return [row["id"] for row in rows]


async def test_a_rental_is_paid_at_its_sale_and_runs_its_time(house: House) -> None:
    _, number = await _rent(house)
    assert await house.ledger_of(number) == ["hold", "capture"]
    await house.hook(number, "Your code is 1212")
    await house.hook(number, "Your code is 3434")
    house.clock.now = int(number.expires_at or 0)
    await house.expire()
    found = await house.number(number)
    assert (found.state, found.reason, found.sms_count) == (State.COMPLETED, "time_is_up", 2)
    assert await house.ledger_of(number) == ["hold", "capture"]


async def test_a_renewal_is_quoted_held_captured_and_added_to_the_end(house: House) -> None:
    user, number = await _rent(house)
    before, _ = await house.money(user)
    quote = await house.renewals.quote(user, number.id, 72)
    renewal = await _renewed(house, user, quote)
    found = await house.number(number)
    assert renewal.state == "done"
    assert found.expires_at == int(number.expires_at or 0) + 72 * HOUR, "an early renewal loses no time"
    assert await house.money(user) == (before - quote.offer.price, 0)
    assert await _ledger(house) == ["n1:hold", "n1:capture", "r1:hold", "r1:capture"]
    await house.deliver()
    assert house.letters.notices() == ["renewed"]
    house.clock.now = int(number.expires_at or 0)
    await house.expire()
    assert await house.state(number) == "active"


async def test_a_double_tap_on_confirm_renews_once(house: House) -> None:
    user, number = await _rent(house)
    quote = await house.renewals.quote(user, number.id, 4)
    begun = await asyncio.gather(*(house.renewals.begin(user, quote.id) for _ in range(6)))
    assert [fresh for _, fresh in begun].count(True) == 1
    assert len({renewal.id for renewal, _ in begun}) == 1
    await house.renewals.renew(begun[0][0])
    assert house.wire.count("renew") == 1
    assert (await house.renewals.begin(user, quote.id))[1] is False


async def test_a_second_renewal_waits_for_the_first(house: House) -> None:
    user, number = await _rent(house)
    first, second = [await house.renewals.quote(user, number.id, hours) for hours in (4, 24)]
    renewal, _ = await house.renewals.begin(user, first.id)
    with pytest.raises(WrongState):
        await house.renewals.begin(user, second.id)
    await house.renewals.renew(renewal)
    assert (await _renewed(house, user, second)).state == "done"
    assert (await house.number(number)).expires_at == int(number.expires_at or 0) + 28 * HOUR


async def test_a_refused_renewal_gives_the_money_back_and_says_so(house: House) -> None:
    user, number = await _rent(house)
    before = await house.money(user)
    quote = await house.renewals.quote(user, number.id, 24)
    house.world.faults.add("renew", "price_risen")
    renewal = await _renewed(house, user, quote)
    assert (renewal.state, renewal.reason) == ("failed", PriceRisen.reason)
    assert await house.money(user) == before
    assert (await house.number(number)).expires_at == number.expires_at
    await house.deliver()
    assert house.letters.notices() == ["not_renewed"]


async def test_a_renewal_whose_answer_was_lost_is_known_by_the_providers_end(house: House) -> None:
    user, number = await _rent(house)
    quote = await house.renewals.quote(user, number.id, 24)
    house.world.faults.add("renew", "lost_answer")
    renewal = await _renewed(house, user, quote)
    assert renewal.state == "pending"
    house.clock.advance(house.timing.answer_due)
    await house.check()
    assert (await _renewal(house, renewal)).state == "done"
    assert (await house.number(number)).expires_at == int(number.expires_at or 0) + 24 * HOUR
    assert (await _ledger(house))[-1] == "r1:capture"


async def test_a_renewal_that_never_arrived_gives_the_money_back(house: House) -> None:
    user, number = await _rent(house)
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)
    house.clock.advance(house.timing.answer_due)
    await house.check()
    assert (await _renewal(house, renewal)).state == "failed"
    assert (await _ledger(house))[-1] == "r1:release"


async def test_a_renewal_at_a_silent_provider_is_asked_about_ever_less_often_and_given_up(house: House) -> None:
    user, number = await _rent(house, hours=168)
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)
    house.world.mode = "down"
    house.clock.advance(house.timing.answer_due)
    for _ in range(120):
        await house.check()
        house.clock.advance(15_000)
    assert 5 <= house.wire.count("fetch") <= 8
    await house.keep_asking(DAY)
    assert (await _renewal(house, renewal)).state == "failed"
    assert (await house.money(user))[1] == 0


async def test_a_rental_does_not_end_while_its_renewal_is_undecided(house: House) -> None:
    user, number = await _rent(house)
    house.clock.now = int(number.expires_at or 0) - MINUTE
    quote = await house.renewals.quote(user, number.id, 24)
    house.world.faults.add("renew", "lost_answer")
    await _renewed(house, user, quote)
    house.clock.advance(MINUTE)
    await house.expire()
    await house.poll()
    assert await house.state(number) == "active"
    await house.check()
    await house.expire()
    found = await house.number(number)
    assert (found.state, found.expires_at) == (State.ACTIVE, int(number.expires_at or 0) + 24 * HOUR)


async def test_a_rental_that_is_over_at_its_provider_waits_for_its_renewal_too(house: House) -> None:
    user, number = await _rent(house)
    house.clock.now = int(number.expires_at or 0) - 10
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)
    house.clock.advance(10)
    await house.expire()
    await house.poll()
    assert await house.state(number) == "active"
    house.clock.advance(house.timing.answer_due)
    await house.check()
    assert (await _renewal(house, renewal)).state == "failed"
    await house.expire()
    assert await house.state(number) == "completed"


async def test_time_that_was_added_too_late_to_be_paid_for_is_the_persons(house: House) -> None:
    """The answer arrives after the renewal was given up: they keep the time, and the released hold."""
    user, number = await _rent(house)
    before = await house.money(user)
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)

    async def give_up() -> None:
        house.clock.advance(house.timing.answer_due)
        await house.check()

    house.wire.before["renew"] = give_up
    await house.renewals.renew(renewal)
    assert (await _renewal(house, renewal)).state == "failed"
    assert await house.money(user) == before
    assert (await house.number(number)).expires_at == int(number.expires_at or 0) + 24 * HOUR


async def test_an_answer_that_comes_after_a_later_renewal_takes_no_time_away(house: House) -> None:
    user, number = await _rent(house)
    end = int(number.expires_at or 0)
    first = await _renewed(house, user, await house.renewals.quote(user, number.id, 24))
    await _renewed(house, user, await house.renewals.quote(user, number.id, 24))
    await house.renewals._settle(first, number, Renewed(str(number.provider_ref), end + 24 * HOUR))
    assert (await house.number(number)).expires_at == end + 48 * HOUR


async def test_time_for_a_number_that_was_closed_meanwhile_is_not_charged(house: House) -> None:
    user, number = await _rent(house)
    before = await house.money(user)
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)
    async with house.db.transaction() as tx:
        await tx.all(
            "UPDATE numbers SET state = 'completed', reason = 'x', closed_at = 1, changed_at = $1", house.clock()
        )
    await house.renewals.renew(renewal)
    assert (await _renewal(house, renewal)).state == "failed"
    assert await house.money(user) == before


async def test_a_rental_open_at_its_provider_lasts_as_long_as_it_says(house: House) -> None:
    _, number = await _rent(house)
    end = int(number.expires_at or 0)
    row = {"provider_ref": number.provider_ref, "state": "received", "expires_at": end + HOUR, "sms": []}

    async def says(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "numbers": [row]}

    house.providers["sandbox"]._backend = says
    house.clock.now = end
    await house.expire()
    found = await house.number(number)
    assert (found.state, found.expires_at) == (State.ACTIVE, end + HOUR)


async def test_a_release_within_the_refund_window_gives_the_money_back(house: House) -> None:
    user, number = await _rent(house)
    released = await house.numbers.release(user, number.id)
    assert released.state is State.CANCELLING
    assert (await house.numbers.release(user, number.id)).state is State.CANCELLING, "a double tap"
    await house.check()
    assert await house.state(number) == "cancelled"
    assert await house.ledger_of(number) == ["hold", "capture", "refund"]
    assert (await house.money(user))[0] == 200 * 10_000


@pytest.mark.parametrize("used", [True, False])
async def test_a_release_after_the_window_or_an_sms_keeps_the_money(house: House, used: bool) -> None:
    user, number = await _rent(house)
    if used:
        await house.hook(number)
    else:
        house.clock.now = int(number.refund_until or 0)
    released = await house.numbers.release(user, number.id)
    assert (released.state, released.reason) == (State.COMPLETED, "released")
    assert await house.ledger_of(number) == ["hold", "capture"]
    assert house.world.open_numbers() == 0


async def test_a_release_that_the_provider_denies_keeps_the_rental(house: House) -> None:
    user, number = await _rent(house)

    async def code_comes() -> None:
        house.text(number)

    house.wire.before["cancel"] = code_comes
    await house.numbers.release(user, number.id)
    await house.check()
    found = await house.number(number)
    assert (found.state, found.reason, found.sms_count) == (State.ACTIVE, "cancel_refused", 1)
    assert await house.ledger_of(number) == ["hold", "capture"]


async def test_a_rental_is_not_released_while_its_renewal_is_undecided(house: House) -> None:
    user, number = await _rent(house)
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)
    with pytest.raises(WrongState):
        await house.numbers.release(user, number.id)
    with pytest.raises(WrongState):
        await house.numbers._start_cancel(number)
    await house.renewals.renew(renewal)
    assert (await house.numbers.release(user, number.id)).state is State.COMPLETED


async def test_a_renewed_rental_is_never_refunded_by_its_release(house: House) -> None:
    user, number = await _rent(house)
    await _renewed(house, user, await house.renewals.quote(user, number.id, 24))
    assert (await house.numbers.release(user, number.id)).state is State.COMPLETED
    assert "refund" not in await house.ledger_of(number)


async def test_renewals_are_refused_with_a_reason(house: House) -> None:
    user, number = await _rent(house, amount="1.5", hours=4)
    activation = await house.buy(user, "tg")
    for wrong, hours in ((activation, 24), (number, 0), (number, -3)):
        with pytest.raises(WrongState):
            await house.renewals.quote(user, wrong.id, hours)
    with pytest.raises(ProviderError):
        await house.renewals.quote(user, number.id, 10**6)
    dear = await house.renewals.quote(user, number.id, 1000)
    with pytest.raises(TooLittleMoney):
        await house.renewals.begin(user, dear.id)
    cheap = await house.renewals.quote(user, number.id, 1)
    house.clock.advance(house.timing.quote_life)
    with pytest.raises(QuoteGone):
        await house.renewals.begin(user, cheap.id)
    bought = await house.quote(user, "tg")
    with pytest.raises(QuoteGone):
        await house.renewals.begin(user, bought)
    async with house.db.transaction() as tx:
        await tx.all("UPDATE users SET role = 'guest', removed = 1")
    guest = await house.access._known(user.id)
    for verb in (house.renewals.quote(guest, number.id, 4), house.renewals.begin(guest, cheap.id)):
        with pytest.raises(NotInvited):
            await verb


async def test_an_old_confirm_of_a_refused_renewal_says_that_its_price_is_gone(house: House) -> None:
    user, number = await _rent(house)
    quote = await house.renewals.quote(user, number.id, 24)
    house.world.faults.add("renew", "price_risen")
    assert (await _renewed(house, user, quote)).state == "failed"
    with pytest.raises(QuoteGone):
        await house.renewals.begin(user, quote.id)
    assert house.wire.count("renew") == 1


async def test_a_renewal_is_not_asked_about_before_its_answer_is_due(house: House) -> None:
    user, number = await _rent(house)
    quote = await house.renewals.quote(user, number.id, 24)
    await house.renewals.begin(user, quote.id)
    house.clock.advance(house.timing.answer_due - 1)
    await house.check()
    assert house.wire.count("fetch") == 0
    house.clock.advance(1)
    await house.check()
    assert house.wire.count("fetch") == 1


async def test_a_start_right_after_a_renewal_takes_it_for_no_failure_yet(house: House) -> None:
    user, number = await _rent(house)
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)
    await house.reconcile.after_start()
    await house.check()
    assert house.wire.count("fetch") == 1
    assert (await _renewal(house, renewal)).state == "pending"
    await house.renewals.renew(renewal)
    assert (await _renewal(house, renewal)).state == "done"


async def test_a_refusal_that_comes_after_the_renewal_was_given_up_changes_nothing(house: House) -> None:
    user, number = await _rent(house)
    before = await house.money(user)
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)

    async def given_up() -> None:
        house.clock.advance(max(house.timing.answer_due, house.timing.find_grace))
        await house.check()
        assert (await _renewal(house, renewal)).state == "failed"

    house.wire.before["renew"] = given_up
    house.world.faults.add("renew", "price_risen")
    await house.renewals.renew(renewal)
    assert await house.money(user) == before
    assert (await _ledger(house))[-2:] == ["r1:hold", "r1:release"]
    await house.deliver()
    assert house.letters.notices() == ["not_renewed"]


async def test_without_prepayment_a_renewal_moves_no_money(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", prepaid=False) as house:
        user, number = await _rent(house, amount="0")
        renewal = await _renewed(house, user, await house.renewals.quote(user, number.id, 24))
        assert renewal.state == "done"
        assert (await house.number(number)).expires_at == int(number.expires_at or 0) + 24 * HOUR
        assert await _ledger(house) == []
