"""Events: each once, in the transaction of its cause, with the number as it was then."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import NoNumbers
from bot.domain.numbers import Number, State
from bot.domain.people import User
from bot.domain.time import DAY, HOUR, MINUTE
from bot.domain.webhooks import Topic
from bot.services import settle
from bot.services.foresight import AT_ONCE
from bot.services.rhythm import Timing
from storage import numbers
from tests.support.services import House, direct, keep_house


async def told(house: House, user: User) -> list[dict[str, Any]]:
    return [json.loads(await house.feed.body(event)) for event in await house.feed.after(user, 0, 0, 1000)]


async def story(house: House, user: User) -> list[tuple[str, str, bool]]:
    """(type, the number's state, whether it is charged) of each event."""
    events = [(one["type"], one["data"]["number"]) for one in await told(house, user)]
    return [(kind, number["state"], number["charged"]) for kind, number in events]


async def rental(house: House, user: User, hours: int) -> Number:
    return await house.buy(user, "full", hours=hours)


async def test_a_code_and_done(house: House) -> None:
    me = await house.person()
    number = await house.buy(me)
    await house.hook(number)
    await house.poll()
    await house.numbers.finish(me, number.id)
    assert await story(house, me) == [
        ("number.active", "waiting", False),
        ("sms.received", "received", True),
        ("number.completed", "finished", True),
    ]
    first, sms, _ = await told(house, me)
    assert first["data"]["number"]["message_count"] == 0
    assert first["data"].keys() == {"number"}
    assert sms["data"]["message"]["code"] == "123456"
    assert sms["data"]["message"]["number_id"] == sms["data"]["number"]["id"] == f"n{number.id}"


async def test_a_cancel_an_expiry_and_a_late_code(house: House) -> None:
    me = await house.person()
    first = await house.buy(me)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(me, first.id)
    await house.check()
    second = await house.buy(me)
    house.clock.advance(HOUR)
    await house.expire()
    await house.check()
    assert await house.state(second) == "expired"
    await house.inbox.receive("sandbox", [direct(second, "late")])
    assert await story(house, me) == [
        ("number.active", "waiting", False),
        ("number.completed", "cancelled", False),
        ("number.active", "waiting", False),
        ("number.completed", "expired", False),
        ("sms.received", "expired", False),
    ]


async def test_what_nobody_sold_is_completed_as_failed(house: House) -> None:
    me = await house.person()
    number, _ = await house.purchases.begin(me, await house.quote(me))
    async with house.db.transaction() as tx:
        assert await settle.not_sold(tx, number, NoNumbers(), house.clock())
        assert not await settle.not_sold(tx, number, NoNumbers(), house.clock())
    [event] = await told(house, me)
    number_then = event["data"]["number"]
    assert (event["type"], number_then["state"], number_then["number"]) == ("number.completed", "failed", None)


async def test_an_sms_that_came_before_the_sale_was_answered_follows_it(house: House) -> None:
    me = await house.person()

    async def early() -> None:
        sold = house.world.record()[0]
        assert house.world.receive(sold["phone"], "Sender", "Your code is 424242") is not None
        [remote] = await house.providers["sandbox"].fetch([sold["provider_ref"]])
        assert (await house.inbox.receive("sandbox", remote.sms)).fresh == 1
        assert await told(house, me) == []

    house.wire.after["allocate"] = early
    await house.buy(me)
    assert await story(house, me) == [("number.active", "waiting", False), ("sms.received", "received", True)]


async def test_a_rental_is_charged_at_its_sale_renewed_once_for_each_end_and_released(house: House) -> None:
    me = await house.person(amount="500")
    number = await rental(house, me, 4)
    quote = await house.renewals.quote(me, number.id, 4)
    renewal, _ = await house.renewals.begin(me, quote.id)
    await house.renewals.renew(renewal)
    await house.renewals.reconcile(renewal)
    await house.numbers.release(me, number.id)
    await house.check()
    assert [kind for kind, *_ in await story(house, me)] == ["number.active", "number.renewed", "number.completed"]
    renewed = (await told(house, me))[1]["data"]["number"]
    assert renewed["expires_at"] > (await told(house, me))[0]["data"]["number"]["expires_at"]
    assert (renewed["charged"], renewed["can_renew"]) == (True, True)


async def test_an_event_shows_the_number_as_it_was_whatever_has_become_of_it(house: House) -> None:
    me = await house.person()
    number = await house.buy(me)
    before = (await told(house, me))[0]
    await house.hook(number)
    await house.numbers.finish(me, number.id)
    house.clock.advance(DAY)
    assert (await told(house, me))[0] == before


async def test_nothing_is_told_twice(house: House) -> None:
    me = await house.person()
    number = await house.buy(me)
    sms_id = house.text(number)
    for _ in range(3):
        await house.inbox.webhook(house.providers["sandbox"], house.told(number, sms_id))
        await house.poll()
    await house.numbers.finish(me, number.id)
    async with house.db.transaction() as tx:
        await settle.completed(tx, number, "again", house.clock())
        for _ in range(2):
            await settle.announce(tx, Topic.NUMBER_COMPLETED, number, house.clock())
    assert [kind for kind, *_ in await story(house, me)] == ["number.active", "sms.received", "number.completed"]


async def test_an_event_is_undone_with_its_cause(house: House) -> None:
    me = await house.person()
    number = await house.buy(me)

    async def cut_off() -> None:
        async with house.db.transaction() as tx:
            await settle.completed(tx, number, "x", house.clock())
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        await cut_off()
    assert [kind for kind, *_ in await story(house, me)] == ["number.active"]


async def test_where_nothing_is_charged_the_events_say_what_would_have_been(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "free.db", prepaid=False) as house:
        me = await house.person()
        number = await house.buy(me)
        await house.hook(number)
        unused = await house.buy(me)
        house.clock.advance(3 * MINUTE)
        await house.numbers.cancel(me, unused.id)
        await house.check()
        assert [charged for *_, charged in await story(house, me)] == [False, True, False, False]


async def test_everybody_reads_their_own_events_from_where_they_were(house: House) -> None:
    me, other = await house.person(7), await house.person(8)
    assert await house.feed.newest(me) == 0
    number = await house.buy(me)
    await house.buy(other)
    seen = await house.feed.newest(me)
    await house.hook(number)
    [event] = await house.feed.after(me, seen, 0, 10)
    assert event.type == "sms.received"
    assert [one.type for one in await house.feed.after(other, 0, 0, 10)] == ["number.active"]
    assert await house.feed.after(me, 0, house.clock() + 1, 10) == []


@pytest.mark.parametrize(("hours", "lead"), [(4, HOUR), (24, HOUR), (72, DAY), (168, DAY)])
async def test_a_rental_s_end_is_foretold_once_for_each_end(house: House, hours: int, lead: int) -> None:
    me = await house.person(amount="500")
    number = await rental(house, me, hours)
    house.clock.advance((number.expires_at or 0) - lead - 1 - house.clock())
    assert not await house.foresight.sweep()
    assert [kind for kind, *_ in await story(house, me)] == ["number.active"]
    house.clock.advance(1)
    for _ in range(3):
        assert not await house.foresight.sweep()
    assert [kind for kind, *_ in await story(house, me)] == ["number.active", "number.expiring"]
    async with house.db.transaction() as tx:
        await numbers.extend(tx, number.id, str(number.provider_ref), (number.expires_at or 0) + 7 * DAY)
    assert not await house.foresight.sweep()
    house.clock.advance(7 * DAY)
    await house.foresight.sweep()
    await house.foresight.sweep()
    assert [kind for kind, *_ in await story(house, me)].count("number.expiring") == 2


async def test_the_end_of_activations_and_of_closed_rentals_is_not_foretold(house: House) -> None:
    me = await house.person(amount="500")
    await house.buy(me)
    number = await rental(house, me, 4)
    async with house.db.transaction() as tx:
        await numbers.move(tx, number.id, State.ACTIVE, State.CANCELLING, "x", house.clock(), check_at=house.clock())
    house.clock.advance(4 * HOUR - 1)
    await house.foresight.sweep()
    assert [kind for kind, *_ in await story(house, me)] == ["number.active", "number.active"]


async def test_many_ends_at_once_are_foretold_in_several_passes(house: House) -> None:
    me = await house.person(amount="5000")
    quote = await house.quote(me, "full", hours=4)
    first = await house.purchases.allocate(me, quote)
    for _ in range(AT_ONCE):
        await rental(house, me, 4)
    house.clock.advance((first.expires_at or 0) - house.clock() - HOUR)
    assert await house.foresight.sweep()
    assert not await house.foresight.sweep()
    kinds = [kind for kind, *_ in await story(house, me)]
    assert kinds.count("number.expiring") == AT_ONCE + 1


async def test_events_are_forgotten_after_a_week_and_their_ids_are_never_used_again(house: House) -> None:
    me = await house.person()
    await house.buy(me)
    last = await house.feed.newest(me)
    house.clock.advance(Timing().keep_events + 1)
    await house.housekeeping.prune()
    assert await house.feed.newest(me) == 0
    await house.buy(me)
    assert await house.feed.newest(me) == last + 1


async def test_a_text_past_its_retention_is_not_told_any_more(house: House) -> None:
    me = await house.person()
    number = await house.buy(me)
    await house.hook(number)
    async with house.db.transaction() as tx:
        await tx.all("UPDATE sms SET text = '', code = NULL, sender = ''")
    message = (await told(house, me))[1]["data"]["message"]
    assert (message["text"], message["code"]) == ("", None)
