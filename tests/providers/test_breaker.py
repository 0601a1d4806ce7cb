"""A provider that keeps failing is left alone, and comes back by itself."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.errors import NoNumbers, ProviderFault
from bot.domain.numbers import Kind, Offer
from bot.providers.base import Refused, Sold
from bot.providers.breaker import FAULTS, LONGEST_PAUSE, PAUSE, Breaker, Circuit
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.world import SandboxWorld

OFFER = Offer("sandbox", "wa", "GB", Kind.ACTIVATION, cost=50_000, price=50_000, stock=1)


class Line:
    """A guarded sandbox on a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.world = SandboxWorld(clock=lambda: self.now)
        self.calls = 0
        self.breaker = Breaker(SandboxProvider("sandbox", self._call, clock=lambda: self.now), lambda: self.now)

    async def _call(self, verb: str, args: dict) -> dict:
        self.calls += 1
        return await self.world.call(verb, args)

    async def break_it(self) -> None:
        self.world.mode = "down"
        for _ in range(FAULTS):
            with pytest.raises(ProviderFault):
                await self.breaker.balance()


async def test_after_faults_in_a_row_nothing_leaves_and_a_purchase_is_surely_not_made():
    line = Line()
    await line.break_it()
    assert line.breaker.circuit is Circuit.OPEN
    before = line.calls
    with pytest.raises(ProviderFault):
        await line.breaker.fetch(["x"])
    outcome = await line.breaker.allocate(OFFER, "ref")
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ProviderFault)
    assert line.calls == before


async def test_one_call_that_works_closes_it_again():
    line = Line()
    await line.break_it()
    line.now += PAUSE
    assert line.breaker.circuit is Circuit.HALF_OPEN
    line.world.mode = "normal"
    assert isinstance(await line.breaker.allocate(OFFER, "ref"), Sold)
    assert line.breaker.circuit is Circuit.CLOSED


async def test_a_trial_that_fails_opens_it_for_longer_up_to_a_bound():
    line = Line()
    await line.break_it()
    pause = PAUSE
    for _ in range(8):
        line.now += pause
        assert line.breaker.circuit is Circuit.HALF_OPEN
        with pytest.raises(ProviderFault):
            await line.breaker.balance()
        assert line.breaker.circuit is Circuit.OPEN
        pause = min(pause * 2, LONGEST_PAUSE)
        line.now += pause - 1
        assert line.breaker.circuit is Circuit.OPEN
        line.now += 1 - pause


async def test_a_refusal_is_an_answer_and_opens_nothing():
    line = Line()
    line.world.mode = "empty"
    for place in range(FAULTS * 2):
        outcome = await line.breaker.allocate(OFFER, f"ref-{place}")
        assert isinstance(outcome, Refused)
        assert isinstance(outcome.error, NoNumbers)
    assert line.breaker.circuit is Circuit.CLOSED


async def test_faults_that_are_not_in_a_row_open_nothing():
    line = Line()
    for _ in range(FAULTS * 2):
        line.world.mode = "down"
        with pytest.raises(ProviderFault):
            await line.breaker.balance()
        line.world.mode = "normal"
        await line.breaker.balance()
    assert line.breaker.circuit is Circuit.CLOSED


async def test_an_older_call_that_ends_meanwhile_lets_no_second_trial_through():
    line = Line()
    older, trial = asyncio.Event(), asyncio.Event()
    gates = [older]

    async def gated(verb: str, args: dict) -> dict:
        if gates:
            await gates.pop().wait()
        return await line.world.call(verb, args)

    line.breaker = Breaker(SandboxProvider("sandbox", gated, clock=lambda: line.now), lambda: line.now)
    first = asyncio.create_task(line.breaker.allocate(OFFER, "older"))
    await asyncio.sleep(0)
    await line.break_it()
    line.now += PAUSE
    gates.append(trial)
    second = asyncio.create_task(line.breaker.balance())
    await asyncio.sleep(0)
    older.set()
    await first
    line.now += LONGEST_PAUSE
    assert line.breaker.circuit is Circuit.OPEN, "a trial is still under way"
    trial.set()
    with pytest.raises(ProviderFault):
        await second


async def test_the_same_number_again_and_names_go_through_it_and_count_as_any_call():
    line = Line()
    sold = await line.breaker.allocate(OFFER, "ref-1")
    assert isinstance(sold, Sold)
    line.world.receive(sold.phone, "A", "code 1")
    await line.breaker.finish(sold.provider_ref)
    wanted = replace(OFFER, again_of=sold.provider_ref, phone=sold.phone)
    cost = await line.breaker.again_cost(wanted)
    again = await line.breaker.again(replace(wanted, cost=cost), "ref-2")
    assert isinstance(again, Sold)
    assert again.phone == sold.phone
    assert await line.breaker.service_names() == {}
    await line.break_it()
    before = line.calls
    outcome = await line.breaker.again(wanted, "ref-3")
    assert isinstance(outcome, Refused)
    with pytest.raises(ProviderFault):
        await line.breaker.again_cost(wanted)
    with pytest.raises(ProviderFault):
        await line.breaker.service_names()
    assert line.calls == before
