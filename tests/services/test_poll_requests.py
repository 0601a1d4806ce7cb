"""How many requests a poll takes, through every supplier's own protocol, and who waits for whom."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain.numbers import Kind, Number
from bot.domain.people import User
from bot.domain.time import SECOND
from tests.simulators.sims import SIMS
from tests.support.services import House, ManualClock, keep_house
from tests.support.stock import put, sell
from tests.support.suppliers import Site, a_site, at_work

NUMBERS = 1_000
CODES = 5

PAGES = {
    # the list's pages of 100, and the empty one that ends it; 5sim's of 50 are read until all are found
    "sms-activate": {"list": 1, "getStatusV2": CODES},
    "hero": {"list": 11, "getAllSms": CODES},
    "tiger": {"list": 11, "getStatusV2": CODES},
    "grizzly": {"list": 1, "getStatus": CODES},
    "fivesim": {"list": 20},
    "rest": {"fetch": 10, "auth": 1},
    "sandbox": {"fetch": 10},
}
"""Requests of one poll of a thousand numbers by what they ask for: only an SMS that came may cost one of its own."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", PAGES)
async def test_a_thousand_numbers_take_pages_and_not_numbers(site: Site, tmp_path: Path, name: str) -> None:
    sim = site.open(name, ManualClock())
    stocked = await sell(sim, NUMBERS)
    async with at_work(site, sim, tmp_path) as services:
        await put(services.db, name, stocked, services.clock())
        services.clock.advance(SECOND)
        for place, one in enumerate(stocked[:: NUMBERS // CODES]):
            sim.text(one.phone, "Sender", f"Your code is 50505{place}")
        del sim.asked[:]
        await services.poll()
        assert {verb: sim.asked.count(verb) for verb in sim.asked} == PAGES[name]
        await services.deliver()
        assert sorted(text[-6:] for text in services.letters.texts()) == [f"50505{place}" for place in range(CODES)]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_other_suppliers_have_no_list_and_are_asked_number_by_number(site: Site, tmp_path: Path) -> None:
    without = set(SIMS) - set(PAGES)
    assert without == {"smsbower", "generic"}
    for name in without:
        sim = site.open(name, ManualClock())
        stocked = await sell(sim, 30)
        (tmp_path / name).mkdir()
        async with at_work(site, sim, tmp_path / name) as services:
            await put(services.db, name, stocked, services.clock())
            services.clock.advance(3 * SECOND)
            for one in stocked:
                sim.text(one.phone, "Sender", "Your code is 606060")
            await services.poll()
            assert sim.asked == ["getStatus"] * 30
            await services.deliver()
            assert len(services.letters.texts()) == 30


async def _bought_at(house: House, user: User, name: str) -> Number:
    offer = replace(await house.offers.best(Kind.ACTIVATION, "wa", "GB"), cost=10**6, provider=name)
    return await house.purchases.allocate(user, (await house.purchases.quote(user, offer)).id)


@pytest.mark.parametrize("batch", [True, False], ids=["by pages", "one by one"])
async def test_codes_of_two_providers_are_delivered_while_the_third_hangs(tmp_path: Path, batch: bool) -> None:
    async with keep_house(tmp_path / "three.db", ("stuck", "b", "c")) as house:
        for provider in house.providers.values():
            provider.capabilities = replace(provider.capabilities, batch=batch)
        user = await house.person(amount="500")
        bought = {name: await _bought_at(house, user, name) for name in house.worlds}
        hang, asked = asyncio.Event(), asyncio.Event()

        async def hangs() -> None:
            asked.set()
            await hang.wait()

        house.wires["stuck"].before["fetch"] = hangs
        house.clock.advance(3 * SECOND)
        for name, number in bought.items():
            house.text(number, f"From {name} 123456")
        await house.watch.poll()
        at_others = [task for task in house.background._tasks if not task.get_name().endswith(":stuck")]
        assert len(at_others) == 2
        await asyncio.wait_for(asyncio.gather(asked.wait(), *at_others), 5)
        await house.deliver()
        assert sorted(house.letters.texts()) == ["From b 123456", "From c 123456"]
        assert [task.get_name().partition(":")[2] for task in house.background._tasks] == ["stuck"]
        hang.set()
        await house.background.drain(5)
        await house.deliver()
        assert house.letters.texts()[-1] == "From stuck 123456"
