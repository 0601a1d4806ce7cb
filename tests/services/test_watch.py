"""Polls and ends: who is asked when, and what becomes of a number by its provider's last word."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.numbers import Kind, Number, State
from bot.domain.people import User
from bot.domain.time import DAY, HOUR, MINUTE, SECOND
from bot.services.rhythm import Timing
from tests.support.services import House, eventually, keep_house
from tests.support.stock import Stocked, put


async def _bought_at(house: House, user: User, name: str, service: str = "wa") -> Number:
    offer = replace(await house.offers.best(Kind.ACTIVATION, service, "GB"), cost=10**6, provider=name)
    return await house.purchases.allocate(user, (await house.purchases.quote(user, offer)).id)


def _answers(house: House, answer: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
    house.providers["sandbox"]._backend = answer


async def test_the_first_poll_of_a_number_does_not_wait_for_those_that_had_nothing_to_ask(house: House) -> None:
    user = await house.person()
    await house.poll()
    number = await house.buy(user)
    house.text(number)
    await house.poll()
    assert (await house.number(number)).sms_count == 1


async def test_nothing_is_polled_while_nothing_is_live(house: House) -> None:
    await house.person()
    await house.poll()
    assert house.wire.count("fetch") == 0


async def test_the_pace_follows_the_youngest_number_and_writes_nothing(house: House) -> None:
    user = await house.person()
    await house.buy(user)
    commits: list[str] = []
    house.db._hook = commits.append
    polls = []
    for _ in range(9 * 60):
        await house.poll()
        polls.append(house.wire.count("fetch"))
        house.clock.advance(SECOND)
    young, middle, old = polls[119], polls[299] - polls[119], polls[-1] - polls[299]
    assert (young, middle, old) == (60, 36, 24)
    assert commits == []


async def test_the_pace_is_kept_although_polls_take_their_time_and_beats_come_late(house: House) -> None:
    await house.buy(await house.person())
    began = house.clock()

    async def takes_its_time() -> None:
        house.clock.advance(700)

    for beat in range(60):
        house.clock.now = began + beat * SECOND + (37 * beat) % 250
        house.wire.before["fetch"] = takes_its_time
        await house.poll()
    assert house.wire.count("fetch") == 30


async def test_a_clock_that_is_set_back_does_not_stop_the_polls(house: House) -> None:
    await house.buy(await house.person())
    await house.poll()
    house.clock.now -= 10 * MINUTE
    await house.poll()
    house.clock.advance(2 * SECOND)
    await house.poll()
    assert house.wire.count("fetch") >= 2


async def test_one_request_serves_a_hundred_numbers(house: House) -> None:
    user = await house.person(amount="5000")
    bought = [await house.buy(user, service) for service in ("wa", "tg", "go") for _ in range(34)]
    house.text(bought[0], "Your code is 111111")
    house.text(bought[-1], "Your code is 222222")
    await house.poll()
    assert house.wire.count("fetch") == 2
    await house.deliver()
    assert sorted(house.letters.texts()) == ["Your code is 111111", "Your code is 222222"]


async def test_a_provider_that_hangs_delays_no_other(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "two.db", ("slow", "quick")) as house:
        user = await house.person(amount="500")
        slow, quick = await _bought_at(house, user, "slow"), await _bought_at(house, user, "quick")
        hang = asyncio.Event()
        house.wires["slow"].before["fetch"] = hang.wait
        for number in (slow, quick):
            house.text(number)
        await house.watch.poll()

        async def arrived() -> bool:
            return (await house.number(quick)).sms_count == 1

        await eventually(arrived)
        house.clock.advance(MINUTE)
        await house.watch.poll()
        await asyncio.sleep(0.05)
        assert house.wires["slow"].count("fetch") == 1, "one that hangs is not asked again meanwhile"
        assert house.wires["quick"].count("fetch") == 2
        house.clock.now = int(quick.expires_at or 0)
        hang.set()
        await house.background.drain(5)
        assert (await house.number(slow)).sms_count == 1


async def test_a_throttled_poll_waits_as_long_as_it_is_told(house: House) -> None:
    user = await house.person()
    await house.buy(user)
    house.world.faults.add("fetch", "refuse:throttled")
    await house.poll()
    for _ in range(4):
        house.clock.advance(SECOND)
        await house.poll()
    assert house.wire.count("fetch") == 1
    house.clock.advance(SECOND)
    await house.poll()
    assert house.wire.count("fetch") == 2


async def test_a_page_that_always_fails_hides_no_other(house: House) -> None:
    user = await house.person(amount="5000")
    bought = [await house.buy(user) for _ in range(101)]
    ordered = sorted(bought, key=lambda number: str(number.provider_ref))
    poison, last = ordered[0], ordered[-1]
    house.text(last)

    async def choke(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if verb == "fetch" and poison.provider_ref in args["provider_refs"]:
            return {"ok": False, "error": "provider_fault"}
        return await house.wire(verb, args)

    _answers(house, choke)
    for _ in range(3):
        await house.poll()
        house.clock.advance(5 * SECOND)
    assert (await house.number(last)).sms_count == 1


async def test_after_a_page_that_failed_the_next_poll_begins_behind_it(house: House) -> None:
    stocked = [Stocked(f"p-{place:03}", f"+4470{place:08}") for place in range(250)]
    await put(house.db, "sandbox", stocked, house.clock())
    pages: list[str] = []
    failing = ["p-100"]

    async def choke(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        pages.append(args["provider_refs"][0])
        if pages[-1] in failing:
            failing.clear()
            return {"ok": False, "error": "provider_fault"}
        return await house.wire(verb, args)

    _answers(house, choke)
    await house.poll()
    assert pages == ["p-000", "p-100"]
    for _ in range(4):
        house.clock.advance(SECOND)
        await house.poll()
    assert len(pages) == 2, "it is left alone for a while"
    house.clock.advance(SECOND)
    await house.poll()
    assert pages[2:] == ["p-200"]
    house.clock.advance(2 * SECOND)
    await house.poll()
    assert pages[3:] == ["p-000", "p-100", "p-200"]


async def test_a_row_that_cannot_be_read_stops_no_other(house: House) -> None:
    user = await house.person()
    first, second = await house.buy(user), await house.buy(user)
    for number in (first, second):
        house.text(number)
    refs = sorted((first, second), key=lambda number: str(number.provider_ref))
    broken = f"""CREATE TRIGGER broken BEFORE UPDATE OF sms_count ON numbers WHEN NEW.id = {refs[0].id} BEGIN
                     SELECT RAISE(ABORT, 'broken');
                 END"""
    async with house.db.transaction() as tx:
        await tx.all(broken)
    await house.poll()
    assert [(await house.number(one)).sms_count for one in refs] == [0, 1]
    async with house.db.transaction() as tx:
        await tx.all("DROP TRIGGER broken")
    house.clock.advance(5 * SECOND)
    await house.poll()
    assert [(await house.number(one)).sms_count for one in refs] == [1, 1]


REMOTE = [
    # what the provider says past the end, with an SMS in time or without: state, what became of the money
    ("waiting", False, "expired", ["hold", "release"]),
    ("waiting", True, "completed", ["hold", "capture"]),
    ("received", True, "completed", ["hold", "capture"]),
    ("finished", True, "completed", ["hold", "capture"]),
    ("cancelled", False, "expired", ["hold", "release"]),
    ("expired", False, "expired", ["hold", "release"]),
    ("gone", False, "expired", ["hold", "release"]),
    ("gone", True, "completed", ["hold", "capture"]),
]


@pytest.mark.parametrize(("remote", "used", "state", "money"), REMOTE)
async def test_a_number_past_its_end_is_settled_by_its_providers_word(
    house: House, remote: str, used: bool, state: str, money: list[str]
) -> None:
    user = await house.person()
    number = await house.buy(user)
    if used:
        await house.hook(number)
    end = int(number.expires_at or 0)
    sms = [{"id": "other", "sender": "S", "text": "1234", "received_at": end - 5}] if remote == "finished" else []
    row = {"provider_ref": number.provider_ref, "state": remote, "expires_at": end, "sms": sms}

    asked = []

    async def says(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        asked.append(verb)
        if verb == "fetch":
            return {"ok": True, "numbers": [] if remote == "gone" else [row]}
        return {"ok": True}

    _answers(house, says)
    house.clock.now = end - 1
    await house.expire()
    assert await house.state(number) == "active"
    house.clock.now = end
    await house.expire()
    await house.check()
    assert (await house.state(number), await house.ledger_of(number)) == (state, money)
    await house.expire()
    await house.deliver()
    assert ("cancel" in asked) == (remote == "waiting" and not used)
    assert house.letters.notices() == (["expired_no_code"] if state == "expired" else [])


async def test_a_number_that_its_provider_ended_early_is_ended_with_its_word(house: House) -> None:
    """Its clock may be ahead of ours: expired is expired, and no reproach to the provider."""
    user = await house.person()
    number = await house.buy(user)
    row = {"provider_ref": number.provider_ref, "state": "expired", "expires_at": house.clock(), "sms": []}

    async def says(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "numbers": [row]}

    _answers(house, says)
    await house.poll()
    found = await house.number(number)
    assert (found.state, found.reason) == (State.EXPIRED, "expired_no_code")


async def test_a_provider_that_is_down_at_the_end_is_asked_until_it_answers(house: House) -> None:
    user = await house.person()
    unused, used, late = await house.buy(user), await house.buy(user), await house.buy(user)
    await house.hook(used)
    house.text(late, "In time, but never told: 121212")
    house.world.mode = "down"
    house.clock.now = int(unused.expires_at or 0)
    for _ in range(8):
        await house.expire()
        house.clock.advance(10 * SECOND)
    states = [await house.state(number) for number in (unused, used, late)]
    assert states == ["active"] * 3, "the used one too: an SMS that nobody has seen may be on it"
    await house.keep_asking(5 * 60 * MINUTE)
    assert await house.state(used) == "completed", "it was paid in its time, whatever the provider says"
    assert [await house.state(unused), await house.state(late)] == ["active", "active"]
    asked = house.wire.count("fetch")
    for _ in range(12):
        house.clock.advance(5 * SECOND)
        await house.expire()
    assert house.wire.count("fetch") == asked, "asked ever less often"
    house.world.mode = "normal"
    house.clock.advance(house.timing.retry_longest)
    await house.expire()
    assert [await house.state(unused), await house.state(late)] == ["expired", "completed"]
    assert (await house.ledger_of(unused), await house.ledger_of(late)) == (["hold", "release"], ["hold", "capture"])


async def test_a_late_sms_is_not_charged_because_the_provider_is_silent(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.now = int(number.expires_at or 0) + 1
    await house.hook(number, "Late: 343434")
    house.world.mode = "down"
    house.clock.advance(MINUTE)
    await house.expire()
    assert (await house.state(number), await house.ledger_of(number)) == ("active", ["hold"])
    await house.keep_asking(DAY + HOUR)
    found = await house.number(number)
    assert (found.state, found.reason) == (State.EXPIRED, "no_answer")
    assert await house.ledger_of(number) == ["hold", "release"]


async def test_a_number_of_a_provider_that_was_taken_out_is_given_back_after_a_day(house: House) -> None:
    user = await house.person()
    number, buying = await house.buy(user), (await house.purchases.begin(user, await house.quote(user)))[0]
    house.registry._providers.clear()
    await house.keep_asking(DAY + 2 * HOUR)
    assert [await house.state(number), await house.state(buying)] == ["expired", "failed"]
    assert (await house.money(user))[1] == 0


async def test_many_numbers_past_their_end_are_settled_page_by_page(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", timing=Timing()) as house:
        user = await house.person(amount="5000")
        bought = [await house.buy(user) for _ in range(150)]
        house.clock.now = int(bought[-1].expires_at or 0)
        await house.expire()
        assert "expire" in [sweep.value for sweep in house.woken]
        await house.expire()
        assert {await house.state(number) for number in bought} == {"expired"}
        assert house.wire.count("fetch") == 2
