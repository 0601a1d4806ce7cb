"""Where a provider cannot be asked about many numbers at once: one by one, and nobody in anybody's way."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.numbers import Number, State
from bot.domain.people import User
from bot.domain.time import HOUR, MINUTE, SECOND, Ms
from tests.support.services import House, eventually, keep_house

AT_ONCE = 4


def one_by_one(house: House, **changes: Any) -> None:
    provider = house.providers["sandbox"]
    provider.capabilities = replace(provider.capabilities, at_once=AT_ONCE, **{"batch": False, **changes})


@pytest.fixture
async def single(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose supplier answers about one number at a time."""
    async with keep_house(tmp_path / "house.db") as house:
        one_by_one(house)
        yield house


def asked(house: House) -> Counter[str]:
    """How often each number was asked about; every question is about one."""
    questions = [args["provider_refs"] for verb, args in house.wire.calls if verb == "fetch"]
    assert all(len(refs) == 1 for refs in questions)
    return Counter(refs[0] for refs in questions)


def ref(number: Number) -> str:
    return str(number.provider_ref)


async def buy(house: House, user: User, count: int) -> list[Number]:
    return [await house.buy(user) for _ in range(count)]


class Line:
    """Between the services and the supplier: what is asked about a number may hang or fail."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.hang: dict[str, asyncio.Event] = {}
        self.broken: set[str] = set()
        self.under_way = self.most = 0
        self.step: Ms = 0
        """How much time passes with each question."""
        house.providers["sandbox"]._backend = self

    async def __call__(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if verb != "fetch":
            return await self.house.wire(verb, args)
        [one] = args["provider_refs"]
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            if one in self.hang:
                await self.hang[one].wait()
            answer = await self.house.wire(verb, args)
            self.house.clock.advance(self.step)
            return {"ok": False, "error": "provider_fault"} if one in self.broken else answer
        finally:
            self.under_way -= 1


async def seconds(house: House, count: int) -> None:
    for _ in range(count):
        await house.poll()
        house.clock.advance(SECOND)


async def test_each_number_is_asked_about_at_the_pace_of_its_own_age_and_nothing_is_written(single: House) -> None:
    user = await single.person()
    old = await single.buy(user)
    single.clock.advance(6 * MINUTE)
    young = await single.buy(user)
    commits: list[str] = []
    single.db._hook = commits.append
    await seconds(single, 60)
    assert abs(asked(single)[ref(young)] - 30) <= 1
    assert abs(asked(single)[ref(old)] - 6) <= 1
    assert commits == []


async def test_what_comes_is_delivered_and_paid_for_once(single: House) -> None:
    user = await single.person()
    bought = await buy(single, user, 3)
    single.clock.advance(5 * SECOND)
    for place, number in enumerate(bought):
        single.text(number, f"Your code is 40000{place}")
    await seconds(single, 5)
    await single.deliver()
    assert sorted(single.letters.texts()) == [f"Your code is 40000{place}" for place in range(3)]
    assert [await single.ledger_of(number) for number in bought] == [["hold", "capture"]] * 3


async def test_a_number_that_its_provider_ended_is_ended(single: House) -> None:
    user = await single.person()
    number = await single.buy(user)
    single.clock.now = int(number.cancel_from or 0)
    await single.world.call("cancel", {"provider_ref": ref(number)})
    await single.poll()
    found = await single.number(number)
    assert (found.state, found.reason) == (State.CANCELLED, "provider_cancelled")


async def test_few_questions_are_under_way_at_a_time(single: House) -> None:
    line = Line(single)
    await buy(single, await single.person(amount="500"), 30)
    single.clock.advance(MINUTE)
    await single.poll()
    assert sorted(asked(single).values()) == [1] * 30
    assert line.most == AT_ONCE


async def test_a_question_that_hangs_stops_no_other(single: House) -> None:
    line = Line(single)
    stuck, *others = await buy(single, await single.person(amount="500"), 10)
    line.hang[ref(stuck)] = asyncio.Event()
    for number in others:
        single.text(number)
    single.clock.advance(MINUTE)
    for beat in range(1, 4):
        await single.watch.poll()

        async def all_others_answered(beat: int = beat) -> bool:
            return [asked(single)[ref(number)] for number in others] == [beat] * 9 and line.under_way == 1

        await eventually(all_others_answered)
        single.clock.advance(2 * SECOND)
    assert asked(single)[ref(stuck)] == 0
    assert [(await single.number(number)).sms_count for number in others] == [1] * 9
    line.hang[ref(stuck)].set()
    await single.background.drain(5)
    assert asked(single)[ref(stuck)] == 1


async def test_questions_that_fail_stop_no_other_and_are_put_less_often(single: House) -> None:
    line = Line(single)
    user = await single.person(amount="500")
    bought = await buy(single, user, 10)
    line.broken = {ref(number) for number in bought[:3]}
    single.clock.advance(SECOND)
    await seconds(single, 60)
    assert all(abs(asked(single)[ref(number)] - 30) <= 2 for number in bought[3:])
    assert all(5 <= asked(single)[one] <= 8 for one in line.broken)


async def test_more_broken_numbers_than_questions_at_once_still_leave_the_others_their_turn(single: House) -> None:
    line = Line(single)
    bought = await buy(single, await single.person(amount="500"), 3 * AT_ONCE)
    line.broken = {ref(number) for number in bought[: 2 * AT_ONCE]}
    single.clock.advance(10 * SECOND)
    await seconds(single, 60)
    assert all(asked(single)[ref(number)] >= 6 for number in bought[2 * AT_ONCE :])


async def test_a_provider_that_fails_at_everything_is_left_alone_for_a_while(single: House) -> None:
    line = Line(single)
    bought = await buy(single, await single.person(amount="500"), 40)
    line.broken = {ref(number) for number in bought}
    single.clock.advance(MINUTE)
    for _ in range(5):
        await single.poll()
        single.clock.advance(SECOND)
    tried = sum(asked(single).values())
    assert AT_ONCE <= tried < 2 * AT_ONCE
    line.broken.clear()
    await seconds(single, 12)
    assert set(asked(single)) == {ref(number) for number in bought}


async def test_a_provider_that_is_throttled_is_left_alone_for_so_long_and_its_numbers_keep_their_place(
    single: House,
) -> None:
    bought = await buy(single, await single.person(amount="500"), 10)
    single.clock.advance(10 * SECOND)
    for _ in range(AT_ONCE):
        single.world.faults.add("fetch", "refuse:throttled")
    await single.poll()
    before = sum(asked(single).values())
    assert before <= AT_ONCE
    for _ in range(4):
        single.clock.advance(SECOND)
        await single.poll()
    assert sum(asked(single).values()) == before
    single.clock.advance(SECOND)
    await single.poll()
    assert set(asked(single)) == {ref(number) for number in bought}
    assert sum(asked(single).values()) == before + 10


async def test_nothing_is_kept_of_numbers_that_are_over(single: House) -> None:
    user = await single.person(amount="500")
    bought = await buy(single, user, 5)
    single.clock.advance(5 * SECOND)
    await single.poll()
    turns = single.watch._singles._desks["sandbox"].turns
    assert len(turns) == 5
    single.clock.now = int(bought[0].expires_at or 0)
    await single.expire()
    await single.check()
    await single.poll()
    assert len(turns) == 0


async def test_askers_end_when_no_sweep_comes_any_more(single: House) -> None:
    """A stop waits for what runs: it must not run for as long as there is something to ask."""
    line = Line(single)
    await buy(single, await single.person(amount="500"), 40)
    single.clock.advance(MINUTE)
    line.step = 100
    await single.poll()
    assert sum(asked(single).values()) <= single.timing.poll_young // line.step + AT_ONCE
    assert single.watch._singles._desks["sandbox"].busy == 0


async def test_rentals_that_cannot_be_read_together_leave_the_pages_to_the_activations(house: House) -> None:
    one_by_one(house, batch=True, batch_rentals=False)
    user = await house.person(amount="500")
    rentals = [await house.buy(user, hours=24) for _ in range(3)]
    activations = [await house.buy(user) for _ in range(3)]
    house.clock.advance(3 * SECOND)
    house.text(rentals[0], "For the rental 111111")
    house.text(activations[0], "For the activation 222222")
    await house.poll()
    questions = sorted([sorted(args["provider_refs"]) for verb, args in house.wire.calls if verb == "fetch"], key=len)
    assert questions[-1] == sorted(map(ref, activations))
    assert sorted(questions[:-1]) == sorted([ref(number)] for number in rentals)
    await house.deliver()
    assert sorted(house.letters.texts()) == ["For the activation 222222", "For the rental 111111"]
    house.clock.advance(HOUR)
    await house.expire()
    await house.check()
    house.wire.calls.clear()
    await house.poll()
    assert len(asked(house)) == 3, "no page is asked for when there is nothing on it"


async def test_a_number_whose_question_goes_wrong_stops_no_other_and_is_asked_again(single: House) -> None:
    first, second = await buy(single, await single.person(), 2)
    for number in (first, second):
        single.text(number)
    single.clock.advance(MINUTE)

    async def planted() -> None:
        raise ValueError("planted")

    single.wire.before["fetch"] = planted
    await single.poll()
    await single.deliver()
    assert len(single.letters.texts()) == 1
    for _ in range(20):
        single.clock.advance(MINUTE // 2)
        await single.poll()
    await single.deliver()
    assert len(single.letters.texts()) == 2
