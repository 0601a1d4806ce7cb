"""Events on their way to people's addresses: to receivers on loopback, over a virtual clock."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.addresses import parse_network
from bot.domain.keys import Scope
from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import DAY, HOUR, MINUTE, SECOND
from bot.domain.webhooks import Progress, Topic, Webhook
from bot.egress import Egress
from bot.services.courier import EACH, Courier
from storage import spans
from storage.db import Database
from tests.support.receiver import Call, Receiver, receiving, telling
from tests.support.services import House, eventually, keep_house


async def hooked(house: House, user: User, receiver: Receiver, path: str = "/hook") -> Webhook:
    webhook = await house.webhooks.register(user, receiver.url + path)
    receiver.secrets[path] = (webhook.secret,)
    return webhook


@asynccontextmanager
async def verifying(house: House) -> AsyncIterator[Receiver]:
    """A receiver that judges ages by the house's clock."""
    with telling(house.clock):
        async with receiving() as receiver:
            yield receiver


async def used(house: House, user: User, codes: int = 1) -> Number:
    """A number that got that many codes, and is done."""
    number = await house.buy(user)
    for n in range(codes):
        await house.hook(number, f"Your code is {100_000 + n}")
    return await house.numbers.finish(user, number.id)


async def progress(house: House, user: User, webhook: Webhook) -> list[str]:
    return [one.progress.value for one in reversed(await house.webhooks.deliveries(user, webhook.id, 100))]


async def run_for(house: House, span: int, step: int) -> None:
    for _ in range(span // step):
        house.clock.advance(step)
        await house.post()


async def test_each_event_arrives_signed_and_once(house: House) -> None:
    me = await house.person()
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        number = await used(house, me)
        await house.post()
        await house.post()
    assert receiver.types() == ["number.active", "sms.received", "number.completed"]
    assert receiver.ids() == ["e1", "e2", "e3"]
    assert [call.headers["content-type"] for call in receiver.calls] == ["application/json"] * 3
    assert receiver.calls[1].event["data"]["message"]["text"] == "Your code is 100000"
    assert {call.number for call in receiver.calls} == {f"n{number.id}"}
    assert await progress(house, me, webhook) == ["delivered"] * 3


async def test_a_rental_is_told_of_in_all_five_kinds_of_events(house: House) -> None:
    me = await house.person(amount="500")
    async with verifying(house) as receiver:
        await hooked(house, me, receiver)
        number = await house.buy(me, hours=4)
        await house.hook(number, "Your code is 100000")
        house.clock.advance(3 * HOUR + MINUTE)
        await house.foresight.sweep()
        renewal, _ = await house.renewals.begin(me, (await house.renewals.quote(me, number.id, 4)).id)
        await house.renewals.renew(renewal)
        await house.numbers.end(me, number.id)
        await house.post()
        told = [call.event["data"]["number"] for call in receiver.taken]
    assert receiver.types() == [
        "number.active",
        "sms.received",
        "number.expiring",
        "number.renewed",
        "number.completed",
    ]
    assert set(receiver.types()) == set(Topic)
    assert told[3]["expires_at"] > told[2]["expires_at"], "as it was when each of them happened"
    assert [one["state"] for one in told] == ["waiting", "received", "received", "received", "finished"]


async def test_a_receiver_that_was_down_for_an_hour_gets_every_event_once_it_is_back_in_order(house: House) -> None:
    """Of several numbers, while new events keep coming in; none is lost, none of one number overtakes another."""
    me = await house.person(amount="5000")
    began = house.clock()
    async with verifying(house) as receiver:
        receiver.status = lambda _call: 503 if house.clock() - began < HOUR else 204
        webhook = await hooked(house, me, receiver)
        numbers = [await house.buy(me) for _ in range(6)]
        for minute in range(60):
            house.clock.advance(MINUTE)
            if minute < 12:
                await house.hook(numbers[minute % 6], f"Your code is {200_000 + minute}")
            if minute == 15:
                for number in numbers[:4]:
                    await house.numbers.finish(me, number.id)
            await house.post()
        assert receiver.taken == []
        assert {one.failing_since for one in await house.webhooks.of(me)} != {None}
        late = await house.buy(me)
        house.clock.advance(SECOND)
        await house.post()
        assert len(receiver.taken) == 6 + 12 + 4 + 1
    print(f"\n{len(receiver.calls)} attempts, {len(receiver.taken)} events taken at minute 60")
    by_number: dict[str, list[Call]] = defaultdict(list)
    for call in receiver.taken:
        by_number[call.number].append(call)
    for number in numbers:
        ids = [int(call.id[1:]) for call in by_number[f"n{number.id}"]]
        assert ids == sorted(ids)
        assert len(ids) == len(set(ids))
        assert [call.type for call in by_number[f"n{number.id}"]][:3] == ["number.active", *["sms.received"] * 2]
    assert [call.type for call in by_number[f"n{late.id}"]] == ["number.active"]
    assert set(await progress(house, me, webhook)) == {"delivered"}
    assert (await house.webhooks.view(me, webhook.id)).failing_since is None


async def test_the_attempts_come_after_the_documented_waits_and_the_last_one_after_a_day(house: House) -> None:
    me = await house.person()
    at: list[int] = []
    async with verifying(house) as receiver:
        receiver.status = lambda call: 500 if call.type == "sms.received" else 200
        webhook = await hooked(house, me, receiver)
        number = await house.buy(me)
        await house.hook(number)
        await house.post()
        tried = house.clock()
        for _ in range(20):
            deliveries = await house.webhooks.deliveries(me, webhook.id, 10, progress=Progress.PENDING)
            if not deliveries:
                break
            at.append(deliveries[0].next_attempt_at - tried)
            house.clock.now = deliveries[0].next_attempt_at - 1
            before = len(receiver.calls)
            await house.post()
            assert len(receiver.calls) == before
            house.clock.advance(1)
            await house.post()
            assert len(receiver.calls) == before + 1
    waits = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR]
    assert at == [sum(waits[: n + 1]) for n in range(6)] + [DAY]
    assert len({call.id for call in receiver.calls}) == 2
    assert len({call.body for call in receiver.calls if call.type == "sms.received"}) == 1
    assert await progress(house, me, webhook) == ["delivered", "failed"]


async def test_what_comes_after_a_stuck_event_waits_for_it_and_other_numbers_do_not(house: House) -> None:
    me = await house.person()
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        stuck, free = await house.buy(me), await house.buy(me)
        receiver.status = lambda call: 500 if call.number == f"n{stuck.id}" and call.type == "number.active" else 200
        await house.hook(stuck)
        await house.post()
        await house.hook(free)
        await house.hook(stuck, "Your code is 777777")
        await house.post()
        assert receiver.types(f"n{free.id}") == ["number.active", "sms.received"]
        assert receiver.types(f"n{stuck.id}") == []
        receiver.status = lambda _call: 200
        house.clock.advance(5 * SECOND)
        await house.post()
        assert receiver.types(f"n{stuck.id}") == ["number.active", "sms.received", "sms.received"]
        assert set(await progress(house, me, webhook)) == {"delivered"}


async def test_an_event_that_is_given_up_lets_the_next_ones_of_its_number_go(house: House) -> None:
    me = await house.person(amount="500")
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        stuck = await house.buy(me)
        receiver.status = lambda call: 500 if call.id == "e1" else 200
        await house.hook(stuck)
        for _ in range(26):  # other events are taken meanwhile, so that the address counts as well
            await house.buy(me)
            house.clock.advance(HOUR)
            await house.post()
        assert receiver.types(f"n{stuck.id}") == ["sms.received"]
        assert (await progress(house, me, webhook))[:2] == ["failed", "delivered"]
        assert (await house.webhooks.view(me, webhook.id)).off is None


class Dies(BaseException):
    """The process ends."""


async def test_a_death_between_an_answer_and_its_mark_makes_a_second_delivery_with_the_same_id(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db") as house:
        me = await house.person()
        async with verifying(house) as receiver:
            webhook = await hooked(house, me, receiver)
            await used(house, me)

            def fatal(point: str) -> None:
                if point == "after webhook":
                    raise Dies

            egress = Egress((parse_network("127.0.0.1"),), hook=fatal)
            dying = Courier(house.db, house.clock, house.feed, egress, house.woken.append)
            await dying.sweep()
            [task] = dying.in_flight
            with pytest.raises(Dies):
                await task
            await egress.aclose()
            assert receiver.ids() == ["e1"]
            await house.post()  # the next life's courier
            assert receiver.ids() == ["e1", "e1", "e2", "e3"]
            assert receiver.calls[0].body == receiver.calls[1].body
            assert set(await progress(house, me, webhook)) == {"delivered"}


async def test_an_outcome_that_cannot_be_written_down_is_kept_and_nothing_is_sent_again(house: House) -> None:
    me = await house.person()
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        await house.buy(me)
        async with house.db.transaction() as tx:
            await tx.all(
                """CREATE TRIGGER full_disk BEFORE UPDATE ON webhook_deliveries BEGIN
                       SELECT RAISE(ABORT, 'full'); END"""
            )
        await house.post(passes=3)
        async with house.db.transaction() as tx:
            await tx.all("DROP TRIGGER full_disk")
        await house.post()
        assert receiver.ids() == ["e1"]
        assert await progress(house, me, webhook) == ["delivered"]


async def test_after_a_day_of_failures_an_address_is_switched_off_and_its_owner_told(house: House) -> None:
    me = await house.person(amount="500")
    async with verifying(house) as receiver:
        receiver.status = lambda _call: 500
        webhook = await hooked(house, me, receiver)
        await house.buy(me)
        await house.post()
        for hour in range(30):
            house.clock.advance(HOUR)
            if hour == 10:
                await house.buy(me)
            await house.post()
        found = await house.webhooks.view(me, webhook.id)
        assert (found.off, set(await progress(house, me, webhook))) == ("failing", {"failed"})
        await house.deliver()
        host = receiver.url.removeprefix("http://")
        assert house.letters.notices() == [f"webhook_failing:{webhook.id}:{host}"]
        attempts = len(receiver.calls)
        await house.buy(me)
        await run_for(house, 3 * HOUR, HOUR)
        assert len(receiver.calls) == attempts
        # Switched on again, it can have all that it missed, and a new failure starts a new day.
        await house.webhooks.switch(me, webhook.id, on=True)
        receiver.status = lambda _call: 200
        assert await house.webhooks.resend_failed(me, webhook.id) == 2
        await house.post()
        assert receiver.ids() == ["e1", "e2"]


@pytest.mark.parametrize("step", [3 * DAY, -3 * DAY])
async def test_a_clock_that_is_set_gives_up_nothing_and_puts_nothing_off(house: House, step: int) -> None:
    """The spans under way stay as long as they were meant to be: of an address, of an event, and of a token."""
    me = await house.person()
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        _, key = await house.keys.make(me, "", Scope.FULL)
        token = (await house.keys.token(key)).text
        receiver.status = lambda _call: 500
        await used(house, me)
        await house.post()
        before = house.clock()
        house.clock.advance(step)
        async with house.db.transaction() as tx:
            await spans.move(tx, step, before)
        await run_for(house, 4 * SECOND, SECOND)
        assert len(receiver.calls) == 1
        assert await progress(house, me, webhook) == ["pending"] * 3
        await run_for(house, 2 * SECOND, SECOND)
        assert len(receiver.calls) == 2, "after five seconds, as without"
        assert (await house.webhooks.view(me, webhook.id)).off is None
        house.clock.advance(58 * MINUTE)
        assert await house.keys.still_works(token)
        house.clock.advance(2 * MINUTE)
        assert not await house.keys.still_works(token)


async def test_an_address_that_fails_now_and_then_stays_on(house: House) -> None:
    me = await house.person(amount="500")
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        for hour in range(40):
            receiver.status = lambda _call, hour=hour: 200 if hour % 20 == 19 else 500
            await house.buy(me)
            house.clock.advance(HOUR)
            await house.post()
        assert (await house.webhooks.view(me, webhook.id)).off is None


async def test_410_switches_an_address_off_at_once(house: House) -> None:
    me = await house.person()
    async with verifying(house) as receiver:
        receiver.status = lambda _call: 410
        webhook = await hooked(house, me, receiver)
        await used(house, me)
        await house.post()
        assert (await house.webhooks.view(me, webhook.id)).off == "gone"
        assert await progress(house, me, webhook) == ["failed"] * 3
        await house.deliver()
        assert house.letters.notices()[-1].startswith("webhook_gone:")
    assert len(receiver.calls) == 1


async def test_a_slow_receiver_delays_nobody_else(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "slow.db", webhook_timeout_s=30.0) as house:
        me, other = await house.person(7, "500"), await house.person(8)
        gate = asyncio.Event()
        async with verifying(house) as slow, verifying(house) as quick:

            async def wait(_call: Call) -> None:
                await gate.wait()

            slow.before = wait
            await hooked(house, me, slow)
            mine, theirs = await hooked(house, me, quick, "/mine"), await hooked(house, other, quick, "/theirs")
            for _ in range(12):
                await house.buy(me)
            await house.buy(other)
            began = time.perf_counter()

            async def all_quick() -> bool:
                await house.courier.sweep()
                return len(quick.taken) == 13

            await eventually(all_quick, 3)
            took = time.perf_counter() - began
            assert len(slow.calls) == EACH
            assert len(slow.taken) == EACH
            print(f"\n13 events to quick receivers in {took:.2f} s, while {EACH} wait at a slow one")
            gate.set()
            await house.post()
            assert len(slow.calls) == 12
            assert set(await progress(house, me, mine)) == {"delivered"} == set(await progress(house, other, theirs))


async def test_an_address_that_fails_is_tried_with_one_event_at_a_time(house: House) -> None:
    me = await house.person(amount="500")
    async with verifying(house) as receiver:
        receiver.status = lambda _call: 500
        await hooked(house, me, receiver)
        for _ in range(10):
            await house.buy(me)
        await house.courier.sweep()
        await house.courier.drain(5)
        assert len(receiver.calls) == EACH
        await house.courier.sweep()
        await house.courier.drain(5)
        assert len(receiver.calls) == EACH + 1


async def test_only_what_was_chosen_is_sent_and_only_to_its_own_person(house: House) -> None:
    me, other = await house.person(7), await house.person(8)
    async with verifying(house) as receiver:
        await hooked(house, me, receiver)
        codes = await hooked(house, me, receiver, "/codes")
        await hooked(house, other, receiver, "/other")
        await house.webhooks.change(me, codes.id, topics=[Topic.SMS_RECEIVED])
        await used(house, me)
        await house.post()
    at = [(call.path, call.type) for call in receiver.taken]
    assert [kind for path, kind in at if path == "/codes"] == ["sms.received"]
    assert len([path for path, _ in at if path == "/hook"]) == 3
    assert "/other" not in dict(at)


async def test_a_test_event_is_sent_once_and_says_how_it_went(house: House) -> None:
    me = await house.person()
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        await house.webhooks.switch(me, webhook.id, on=False)
        sent = await house.webhooks.test(me, webhook.id)
        await house.post()
        found = await house.webhooks.outcome(me, sent.id)
        assert (found.progress, found.status, found.error) == ("delivered", 200, "")
        assert [(call.type, call.event["data"]) for call in receiver.taken] == [("webhook.test", {})]
        receiver.status = lambda _call: 404
        failed = await house.webhooks.test(me, webhook.id)
        await house.post()
        found = await house.webhooks.outcome(me, failed.id)
        assert (found.progress, found.status, found.error) == ("failed", 404, "refused")
        assert (await house.webhooks.view(me, webhook.id)).failing_since is None
    assert await house.feed.after(me, 0, 0, 10) == []


async def test_a_changed_secret_leaves_the_old_one_a_day(house: House) -> None:
    me = await house.person(amount="500")
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        changed = await house.webhooks.new_secret(me, webhook.id)
        assert changed.secret != webhook.secret
        for secret in (webhook.secret, changed.secret):
            receiver.secrets["/hook"] = (secret,)
            await house.buy(me)
            await house.post()
        assert receiver.ids() == ["e1", "e2"]
        house.clock.advance(DAY)
        receiver.secrets["/hook"] = (webhook.secret,)
        await house.buy(me)
        await house.post()
        assert receiver.ids() == ["e1", "e2"]
        receiver.secrets["/hook"] = (changed.secret,)
        await run_for(house, 10 * SECOND, 5 * SECOND)
        assert receiver.ids() == ["e1", "e2", "e3"]


async def test_a_delivery_can_be_sent_again_under_the_same_id(house: House) -> None:
    me = await house.person()
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        await used(house, me)
        await house.post()
        [_, sms, _] = await house.webhooks.deliveries(me, webhook.id, 10)
        again = await house.webhooks.resend(me, sms.id)
        assert (again.progress, again.attempts) == ("pending", 0)
        await house.post()
    assert receiver.ids() == ["e1", "e2", "e3", "e2"]


async def test_who_was_removed_is_sent_nothing_any_more(house: House) -> None:
    me = await house.person()
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        number = await house.buy(me)
        async with house.db.transaction() as tx:
            await tx.all("UPDATE users SET role = 'guest', removed = 1 WHERE id = $1", me.id)
        await house.hook(number)
        await house.post()
    assert receiver.calls == []
    rows = await house.db.read.all("SELECT progress FROM webhook_deliveries WHERE webhook_id = $1", webhook.id)
    assert [row["progress"] for row in rows] == ["failed"]


async def test_a_removed_address_gets_nothing_also_of_what_is_on_its_way(house: House) -> None:
    me = await house.person()
    async with verifying(house) as receiver:
        webhook = await hooked(house, me, receiver)
        await house.buy(me)

        async def remove(_call: Call) -> None:
            await house.webhooks.remove(me, webhook.id)

        receiver.before = remove
        await house.post()
        await house.buy(me)
        await house.post()
    assert len(receiver.calls) == 1
    assert await house.db.read.all("SELECT id FROM webhook_deliveries") == []


async def test_nothing_secret_stands_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Nor the address, whose path may be a secret, nor the text of an SMS; not even where it all fails."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiosqlite").setLevel(logging.INFO)
    me = await house.person()
    async with verifying(house) as receiver:
        receiver.status = lambda _call: 500
        webhook = await hooked(house, me, receiver, "/planted-path?token=planted")
        await used(house, me)
        await house.post()
        receiver.status = lambda _call: 410
        house.clock.advance(HOUR)
        await house.post()
        await house.deliver()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bot")]
    assert any("webhook 1 did not take event 1" in line for line in ours)
    for line in [*ours, repr(webhook), repr(await house.webhooks.of(me))]:
        assert webhook.secret not in line
        assert "planted" not in line
        assert "100000" not in line


async def test_a_long_backlog_is_swept_in_milliseconds(tmp_path: Path) -> None:
    """Whether they wait for their time, or are due and wait for the first of their line."""
    async with keep_house(tmp_path / "many.db") as house:
        me = await house.person()
        async with verifying(house) as receiver:
            await hooked(house, me, receiver)
            number = await house.buy(me)
            await _backlog(house.db, number, 10_000)
            for what, due_at in (("wait", house.clock() + HOUR), ("are due in one line", 0)):
                async with house.db.transaction() as tx:
                    await tx.all("UPDATE webhook_deliveries SET next_attempt_at = $1", due_at)
                began = time.perf_counter()
                await house.courier.sweep()
                took_ms = (time.perf_counter() - began) * 1000
                print(f"\na sweep over 10 000 that {what}: {took_ms:.1f} ms")
                assert took_ms < 200
            await house.courier.drain(5)
            assert receiver.ids() == ["e1"]


async def _backlog(db: Database, number: Number, count: int) -> None:
    async with db.transaction() as tx:
        await tx.all(
            """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $3)
               INSERT INTO events (key, user_id, type, number_id, state, created_at)
               SELECT 'k' || i, $1, 'number.renewed', $2, 'active', 0 FROM n""",
            number.user_id,
            number.id,
            count,
        )
