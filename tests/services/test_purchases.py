"""From a price to a number: what is held, what is asked for, and what becomes of it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import LimitReached, NoOffer, NotInvited, QuoteGone, TooLittleMoney
from bot.domain.numbers import Kind, Offer, State
from bot.domain.people import Limits, Role
from bot.domain.time import DAY, MINUTE, SECOND
from bot.providers.base import Sold
from bot.services.rhythm import Sweep
from storage.db import Fault, StorageDown
from tests.support.services import House, direct, keep_house


async def test_a_purchase_holds_the_price_and_gives_an_active_number(house: House) -> None:
    user = await house.person()
    before, _ = await house.money(user)
    number = await house.buy(user)
    assert (number.state, number.provider_ref is not None) == (State.ACTIVE, True)
    assert str(number.phone).startswith("+44")
    assert await house.money(user) == (before - number.price, number.price)
    assert await house.ledger_of(number) == ["hold"]
    assert await house.owed() == [f"card:{number.id}"]


async def test_a_double_tap_buys_one_number_with_one_hold_and_one_call(house: House) -> None:
    user = await house.person()
    quote_id = await house.quote(user)
    bought = await asyncio.gather(*(house.purchases.allocate(user, quote_id) for _ in range(10)))
    assert len({number.id for number in bought}) == 1
    assert house.wire.count("allocate") == 1
    assert len(house.world.record()) == 1
    assert await house.ledger_of(bought[0]) == ["hold"]
    again = await house.purchases.allocate(user, quote_id)
    assert (again.id, again.state) == (bought[0].id, State.ACTIVE)


@pytest.mark.parametrize(
    ("limits", "named", "allowed", "wait"),
    [
        (Limits(2, 100, 100), "active_numbers", 2, 0),
        (Limits(100, 3, 100), "purchases_per_minute", 3, MINUTE),
        (Limits(100, 100, 4), "purchases_per_day", 4, DAY),
    ],
)
async def test_each_limit_is_named_when_it_is_reached(
    tmp_path: Path, limits: Limits, named: str, allowed: int, wait: int
) -> None:
    async with keep_house(tmp_path / "a.db", limits=limits) as house:
        user, other = await house.person(1), await house.person(2)
        quotes = [await house.quote(user) for _ in range(8)]
        results = await asyncio.gather(*(house.purchases.allocate(user, one) for one in quotes), return_exceptions=True)
        refused = [one for one in results if isinstance(one, LimitReached)]
        assert len(results) - len(refused) == allowed
        assert {(one.limit, one.allowed) for one in refused} == {(named, allowed)}
        assert len(house.world.record()) == allowed
        await house.buy(other)
        if wait:
            house.clock.advance(wait)
            await house.buy(user)


async def test_failed_purchases_count_towards_no_limit(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", limits=Limits(1, 1, 1)) as house:
        user = await house.person()
        house.world.faults.add("allocate", "refuse:no_numbers", times=2)
        for _ in range(2):
            assert (await house.buy(user)).state is State.FAILED
        assert (await house.buy(user)).state is State.ACTIVE


async def test_too_little_money_says_how_much_is_missing_and_changes_nothing(house: House) -> None:
    user = await house.person(amount="0.01")
    quote_id = await house.quote(user)
    price = (await house.purchases.quoted(user, quote_id)).offer.price
    with pytest.raises(TooLittleMoney) as refused:
        await house.purchases.allocate(user, quote_id)
    assert refused.value.missing == price - 100
    assert await house.money(user) == (100, 0)
    assert await house.db.read.all("SELECT id FROM numbers") == []
    await house.wallet.credit_as(None, user.id, "50", "more", key="more")
    assert (await house.purchases.allocate(user, quote_id)).state is State.ACTIVE


async def test_of_two_purchases_that_only_one_can_pay_for_one_wins(house: House) -> None:
    probe = await house.person(9)
    price = (await house.purchases.quoted(probe, await house.quote(probe))).offer.price
    user = await house.person(amount=f"{price / 10_000:.4f}")
    quotes = [await house.quote(user) for _ in range(5)]
    results = await asyncio.gather(*(house.purchases.allocate(user, one) for one in quotes), return_exceptions=True)
    assert sum(isinstance(one, TooLittleMoney) for one in results) == 4
    assert await house.money(user) == (0, price)


async def test_a_free_number_holds_nothing_and_ends_like_any_other(house: House) -> None:
    user = await house.person(amount="0")
    offer = await house.offers.best(Kind.ACTIVATION, "wa", "GB")
    free = Offer(offer.provider, "wa", "GB", Kind.ACTIVATION, offer.cost, 0, 1)
    quote = await house.purchases.quote(user, free)
    number = await house.purchases.allocate(user, quote.id)
    await house.hook(number)
    await house.numbers.finish(user, number.id)
    assert await house.state(number) == "completed"
    assert await house.db.read.all("SELECT id FROM transfers") == []


async def test_without_billing_nothing_is_held(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", prepaid=False) as house:
        user = await house.person(amount="0")
        number = await house.buy(user)
        assert number.price > 0
        await house.hook(number)
        await house.numbers.finish(user, number.id)
        cancelled = await house.buy(user)
        house.clock.advance(3 * MINUTE)
        await house.numbers.cancel(user, cancelled.id)
        await house.check()
        assert await house.state(cancelled) == "cancelled"
        assert await house.db.read.all("SELECT id FROM transfers") == []


@pytest.mark.parametrize("fault", ["refuse:no_numbers", "price_risen", "refuse:provider_funds", "refuse:bad_key"])
async def test_a_refused_purchase_gives_the_money_back_and_says_why(house: House, fault: str) -> None:
    user = await house.person()
    before = await house.money(user)
    house.world.faults.add("allocate", fault)
    number = await house.buy(user)
    assert (number.state, number.reason) == (State.FAILED, fault.removeprefix("refuse:"))
    assert await house.money(user) == before
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_a_provider_that_is_down_refuses_at_once(house: House) -> None:
    user = await house.person()
    quote_id = await house.quote(user)
    house.world.mode = "down"
    number = await house.purchases.allocate(user, quote_id)
    assert (number.state, number.reason) == (State.FAILED, "provider_fault")


@pytest.mark.parametrize("fault", ["lost_answer", "garbage"])
async def test_a_lost_answer_is_unknown_until_the_number_is_found(house: House, fault: str) -> None:
    user = await house.person()
    house.world.faults.add("allocate", fault)
    number = await house.buy(user)
    assert number.state is State.BUYING
    assert (await house.money(user))[1] == number.price
    await house.check()
    assert await house.state(number) == "buying", "asked before its time"
    house.clock.advance(house.timing.answer_due)
    await house.check()
    found = await house.number(number)
    assert (found.state, found.provider_ref) == (State.ACTIVE, house.world.record()[0]["provider_ref"])
    assert len(house.world.record()) == 1


async def test_a_purchase_whose_answer_is_known_to_be_lost_is_asked_about_within_seconds(house: House) -> None:
    user = await house.person()
    house.world.faults.add("allocate", "lost_answer")
    number = await house.buy(user)
    house.clock.advance(house.timing.ask_soon)
    await house.check()
    assert await house.state(number) == "active"


async def test_a_purchase_that_never_arrived_is_given_up_after_the_grace(house: House) -> None:
    user = await house.person()
    quote_id = await house.quote(user)
    number, fresh = await house.purchases.begin(user, quote_id)
    assert fresh
    await house.reconcile.after_start()
    await house.check()
    assert await house.state(number) == "buying", "it may still be on its way"
    house.clock.advance(house.timing.find_grace)
    await house.check()
    ended = await house.number(number)
    assert (ended.state, ended.reason) == (State.FAILED, "provider_fault")
    assert (await house.money(user))[1] == 0


async def test_a_provider_that_cannot_say_what_it_sold_is_asked_ever_less_often_and_given_up_after_a_day(
    house: House,
) -> None:
    user = await house.person()
    house.world.faults.add("allocate", "lost_answer")
    number = await house.buy(user)
    house.world.mode = "down"
    asked = []
    house.clock.advance(house.timing.answer_due)
    for _ in range(30 * 60 // 15):
        await house.check()
        asked.append(house.wire.count("find"))
        house.clock.advance(15 * SECOND)
    assert 5 <= asked[-1] <= 8, "the wait doubles"
    await house.housekeeping.prune()
    assert await house.state(number) == "buying"
    await house.keep_asking(DAY)
    await house.housekeeping.prune()
    await house.check()
    assert await house.state(number) == "failed"
    assert (await house.money(user))[1] == 0


async def test_what_was_asked_for_is_known_for_as_long_as_the_purchase_is_unanswered(house: House) -> None:
    user = await house.person()
    house.world.faults.add("allocate", "lost_answer")
    number = await house.buy(user)
    house.world.mode = "down"
    house.clock.advance(5 * 60 * MINUTE)
    await house.housekeeping.prune()
    await house.check()
    house.world.mode = "normal"
    house.clock.advance(house.timing.retry_longest)
    await house.check()
    assert (await house.number(number)).state is State.ACTIVE


async def test_a_number_sold_after_its_purchase_was_given_up_is_given_back_when_the_provider_allows(
    house: House,
) -> None:
    user = await house.person()
    number, _ = await house.purchases.begin(user, await house.quote(user))

    async def give_up() -> None:
        house.clock.advance(house.timing.answer_due)
        await house.check()

    house.wire.before["allocate"] = give_up
    ended = await house.purchases.buy(number)
    assert (ended.state, ended.reason) == (State.FAILED, "provider_fault")
    assert house.world.open_numbers() == 1
    await house.check()
    assert house.world.open_numbers() == 1, "the supplier takes no cancel so early"
    assert house.wire.count("cancel") == 1
    house.clock.advance(MINUTE)
    await house.check()
    assert house.wire.count("cancel") == 1, "it said when it will"
    house.clock.advance(2 * MINUTE)
    await house.check()
    assert house.world.open_numbers() == 0
    assert [row["state"] for row in house.world.record()] == ["cancelled"]
    assert await house.state(number) == "failed"


async def test_a_late_answer_about_a_number_that_was_found_already_changes_nothing(house: House) -> None:
    user = await house.person()
    number, _ = await house.purchases.begin(user, await house.quote(user))

    async def found() -> None:
        house.clock.advance(house.timing.answer_due)
        await house.check()
        assert await house.state(number) == "active"

    house.wire.after["allocate"] = found
    assert (await house.purchases.buy(number)).state is State.ACTIVE
    await house.check()
    assert house.world.open_numbers() == 1
    assert await house.db.read.all("SELECT * FROM orphans") == []


async def test_a_supplier_that_sells_a_number_twice_is_not_believed(house: House) -> None:
    user = await house.person()
    first = await house.buy(user)
    number, _ = await house.purchases.begin(user, await house.quote(user))
    sale = Sold(str(first.provider_ref), "+441234567890", 1, house.clock() + MINUTE)
    with pytest.raises(Exception, match="UNIQUE"):
        await house.purchases.settle_purchase(number, sale)
    assert (await house.state(first), await house.state(number)) == ("active", "buying")
    await house.purchases.buy(number)
    assert await house.state(number) == "active"


async def test_sms_that_came_before_the_answer_are_delivered_and_paid(house: House) -> None:
    user = await house.person()
    number, _ = await house.purchases.begin(user, await house.quote(user))

    async def early() -> None:
        sold = house.world.record()[0]
        sms_id = house.world.receive(sold["phone"], "Sender", "Your code is 777111")
        assert sms_id is not None
        remote = (await house.providers["sandbox"].fetch([sold["provider_ref"]]))[0]
        assert (await house.inbox.receive("sandbox", remote.sms)).fresh == 1

    house.wire.after["allocate"] = early
    number = await house.purchases.buy(number)
    assert (number.state, number.sms_count) == (State.ACTIVE, 1)
    assert await house.ledger_of(number) == ["hold", "capture"]
    await house.poll()
    await house.deliver()
    assert house.letters.texts() == ["Your code is 777111"]


async def test_a_lapsed_quote_is_gone_and_a_bought_one_finds_its_number(house: House) -> None:
    user = await house.person()
    used, unused = await house.quote(user), await house.quote(user)
    number = await house.purchases.allocate(user, used)
    house.clock.advance(house.timing.quote_life)
    with pytest.raises(QuoteGone):
        await house.purchases.allocate(user, unused)
    house.clock.advance(house.timing.keep_quotes + 1)
    await house.housekeeping.prune()
    with pytest.raises(QuoteGone):
        await house.purchases.quoted(user, used)
    assert (await house.purchases.allocate(user, used)).id == number.id


async def test_a_guest_is_refused_and_so_is_an_offer_of_a_provider_that_is_gone(house: House) -> None:
    user = await house.person()
    quote_id = await house.quote(user)
    guest = await house.person(8)
    async with house.db.transaction() as tx:
        await tx.all("UPDATE users SET role = 'guest', removed = 1 WHERE id = 8")
    guest = replace(guest, role=Role.GUEST)
    offer = (await house.purchases.quoted(user, quote_id)).offer
    for verb in (house.purchases.quote(guest, offer), house.purchases.begin(guest, quote_id)):
        with pytest.raises(NotInvited):
            await verb
    elsewhere = Offer("nobody", "wa", "GB", Kind.ACTIVATION, 1, 1, 1)
    with pytest.raises(NoOffer):
        await house.purchases.allocate(user, (await house.purchases.quote(user, elsewhere)).id)


async def test_whatever_was_in_flight_at_the_end_is_asked_about_at_the_start(house: House) -> None:
    user = await house.person()
    house.world.faults.add("allocate", "lost_answer")
    number = await house.buy(user)
    await house.reconcile.after_start()
    await house.check()
    assert await house.state(number) == "active"


async def test_a_purchase_shows_its_card_at_once_and_a_message_is_the_card_of_one_number(house: House) -> None:
    user = await house.person()
    quotes = [await house.quote(user) for _ in range(2)]
    house.woken.clear()
    first, _ = await house.purchases.begin(user, quotes[0], card=(user.id, 5))
    assert house.woken == [Sweep.DELIVER]
    second, _ = await house.purchases.begin(user, quotes[1], card=(user.id, 5))
    assert (first.card_chat_id, first.card_message_id) == (user.id, 5)
    assert (second.card_chat_id, second.card_message_id) == (None, None)


async def test_a_provider_that_fails_to_say_how_a_number_ended_leaves_the_end_to_the_poll(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    await house.hook(number)

    async def silent() -> None:
        house.world.faults.add("fetch", "refuse:provider_fault")

    house.wire.after["finish"] = silent
    house.woken.clear()
    assert (await house.numbers.finish(user, number.id)).state is State.ACTIVE
    assert Sweep.POLL in house.woken
    house.clock.advance(MINUTE)
    await house.poll()
    assert await house.state(number) == "completed"
    assert await house.ledger_of(number) == ["hold", "capture"]


async def test_damage_ends_the_wait_for_a_purchase_to_be_written_down(house: House) -> None:
    user = await house.person()
    number, _ = await house.purchases.begin(user, await house.quote(user))

    async def damaged() -> None:
        house.db._condition.fault = Fault.DAMAGED

    house.wire.after["allocate"] = damaged
    with pytest.raises(StorageDown):
        await house.purchases.buy(number)
    house.db._condition.fault = None
    house.clock.advance(house.timing.answer_due)
    await house.check()
    assert await house.state(number) == "active"


async def test_a_number_that_was_over_there_before_its_only_text_came_ends_as_it_did_there(house: House) -> None:
    user = await house.person()
    before, _ = await house.money(user)
    number = await house.buy(user)
    house.clock.now = int(number.cancel_from or 0)
    await house.world.call("cancel", {"provider_ref": number.provider_ref})
    await house.inbox.receive("sandbox", [direct(number, "late", at=int(number.told_expires_at or 0))])
    assert (await house.numbers.finish(user, number.id)).state is State.CANCELLED
    assert await house.ledger_of(number) == ["hold", "release"]
    assert await house.money(user) == (before, 0)
