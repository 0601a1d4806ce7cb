"""What is only remembered, when the clock is set back by a year: nothing is waited for until it has come round again.

And the pulse itself, which goes by the system's clock: set back or forward, it beats on.
"""

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.domain.errors import CancelTooEarly, ProviderFault, Throttled
from bot.domain.numbers import Kind
from bot.domain.time import DAY, HOUR, MINUTE, SECOND, Ms, is_within
from bot.providers.base import Refused
from bot.providers.breaker import FAULTS, LONGEST_PAUSE, Breaker, Circuit
from bot.providers.http import Answer
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.scheduler import Scheduler
from bot.services.access import Door
from bot.services.clock import NOTICED, SteadyClock, now_ms, steady_ms
from bot.services.rhythm import Sweep, Timing
from tests.providers.contract import offer_of
from tests.simulators.sims import SIMS, FiveSimSim, HandlerApiSim
from tests.support.clocks import TurnedClock
from tests.support.services import House, ManualClock, keep_house
from tests.support.suppliers import adapter

YEAR = 365 * DAY
ADMIN = 1


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock, door = TurnedClock(), Door(open_to_all=True, admin_ids=frozenset({ADMIN}))
    worlds = {"sandbox": SandboxWorld(seed=1, clock=clock.right, settings=SandboxSettings(lifetime_ms=DAY))}
    options = {"clock": clock, "worlds": worlds, "right_clock": clock.right, "door": door, "guarded": True}
    async with keep_house(tmp_path / "house.db", **options) as found:
        yield found
        found.in_order = False


def turn(house: House, step: Ms) -> None:
    """Nobody sees to what the database holds: this is about what is in memory."""
    house.clock.turn(step)
    house.clock.adopt(step)


def set_back(house: House) -> None:
    turn(house, -YEAR)


# the clock


def test_the_clock_goes_on_as_it_was_until_its_owner_takes_the_new_time_over() -> None:
    clock = TurnedClock()
    began = clock()
    for step in (HOUR, -2 * HOUR, YEAR, -YEAR):
        clock.turn(step)
        clock.advance(MINUTE)
    assert (clock(), clock.step()) == (began + 4 * MINUTE, -HOUR)
    clock.adopt(clock.step())
    assert (clock(), clock.step()) == (clock.system(), 0)


@pytest.mark.parametrize(("apart", "noticed"), [(NOTICED - 1, 0), (NOTICED, NOTICED), (-NOTICED, -NOTICED), (1, 0)])
def test_clocks_that_are_a_little_apart_were_not_set(apart: Ms, noticed: Ms) -> None:
    clock = TurnedClock()
    clock.turn(apart)
    assert clock.step() == noticed


def test_a_process_that_sleeps_between_two_readings_has_not_seen_the_clock_set() -> None:
    """The time of day is read, and then, a minute later by both clocks, what has passed."""
    steady = itertools.chain([0, 0], itertools.repeat(60_000))
    clock = SteadyClock(lambda: 60_000, lambda: next(steady))
    assert clock.step() == 0


def test_the_real_clock_tells_the_time_of_day_and_was_not_set() -> None:
    clock = SteadyClock()
    assert abs(clock() - now_ms()) < NOTICED
    assert clock.step() == 0
    assert steady_ms() <= steady_ms()


def test_near_is_near_on_either_side() -> None:
    assert [is_within(10, at, 100) for at in (None, 89, 90, 100, 110, 111)] == [False, False, True, True, True, False]


# what services remember


async def test_an_open_circuit_is_tried_again(house: House) -> None:
    house.world.mode = "down"
    guarded = house.registry.get("sandbox")
    assert isinstance(guarded, Breaker)
    for _ in range(FAULTS):
        with pytest.raises(ProviderFault):
            await guarded.balance()
    assert guarded.circuit is Circuit.OPEN
    set_back(house)
    assert guarded.circuit is Circuit.HALF_OPEN
    with pytest.raises(ProviderFault):
        await guarded.balance()
    assert guarded.circuit is Circuit.OPEN
    house.clock.advance(LONGEST_PAUSE)
    assert guarded.circuit is Circuit.HALF_OPEN


@pytest.mark.parametrize("failed", [False, True])
async def test_a_price_list_is_read_again(house: House, failed: bool) -> None:
    house.world.mode = "down" if failed else "normal"
    with pytest.raises(ProviderFault) if failed else contextlib.nullcontext():
        await house.offers.countries(Kind.ACTIVATION, "wa")
    house.world.mode = "normal"
    set_back(house)
    before = house.wire.count("stock")
    assert await house.offers.countries(Kind.ACTIVATION, "wa")
    assert house.wire.count("stock") == before + 1


async def test_a_list_from_before_is_not_shown_for_ever_while_its_provider_is_silent(house: House) -> None:
    await house.offers.countries(Kind.ACTIVATION, "wa")
    set_back(house)
    house.world.mode = "down"
    with pytest.raises(ProviderFault):
        await house.offers.countries(Kind.ACTIVATION, "wa")


async def test_before_1970_nothing_was_read(tmp_path: Path) -> None:
    """A machine without a battery begins there."""
    async with keep_house(tmp_path / "a.db", clock=ManualClock(5)) as house:
        assert await house.offers.countries(Kind.ACTIVATION, "wa")


async def test_names_and_rentals_are_asked_for_again(house: House) -> None:
    async def sweep() -> int:
        await house.refresh.sweep()
        await house.background.drain(5)
        return house.wire.count("stock")

    assert await sweep() == 2
    assert await sweep() == 3, "activations alone"
    set_back(house)
    assert await sweep() == 5


async def test_askers_about_single_numbers_end_with_the_sweeps(house: House) -> None:
    provider = house.providers["sandbox"]
    provider.capabilities = replace(provider.capabilities, batch=False)
    user = await house.person(amount="500")
    for _ in range(10):
        await house.buy(user)
    house.clock.advance(MINUTE)

    async def back() -> None:
        set_back(house)

    house.wire.before["fetch"] = back
    before = house.wire.count("fetch")
    await house.watch._singles.sweep(provider)
    await house.background.drain(2)
    assert house.wire.count("fetch") - before <= provider.capabilities.at_once
    assert house.watch._singles._desks["sandbox"].busy == 0


async def test_numbers_from_the_future_are_not_young(house: House) -> None:
    timing = Timing()
    assert timing.poll_pace(-YEAR) == timing.poll_pace(YEAR) == timing.poll_old
    assert timing.poll_pace(-SECOND) == timing.poll_young


async def test_a_silence_and_its_end_are_told_in_their_time(house: House) -> None:
    await house.person(ADMIN)

    async def minutes(count: int) -> list[str]:
        for _ in range(count):
            house.clock.advance(MINUTE)
            await house.look()
        return [row["notice"] for row in await house.db.read.all("SELECT notice FROM outbox WHERE kind = 'notice'")]

    house.world.mode = "down"
    await minutes(1)
    set_back(house)
    assert await minutes(3) == ["no_contact:sandbox"]
    house.world.mode = "normal"
    await minutes(1)
    set_back(house)
    assert await minutes(7) == ["no_contact:sandbox", "works_again:sandbox"]


async def test_a_lock_out_is_over_unless_it_is_said_again(house: House) -> None:
    await house.person(ADMIN)
    wire, curt = house.providers["sandbox"]._backend, {"ok": False, "error": "throttled", "retry_after_s": 600.0}

    async def says(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        return curt

    house.providers["sandbox"]._backend = says
    await house.look()
    house.providers["sandbox"]._backend = wire
    set_back(house)
    for _ in range(7):
        await house.look()
        house.clock.advance(MINUTE)
    told = [row["notice"] for row in await house.db.read.all("SELECT notice FROM outbox WHERE kind = 'notice'")]
    assert told == ["barred:sandbox", "works_again:sandbox"]


async def test_what_ends_is_counted_on(house: House) -> None:
    user = await house.person()

    async def used() -> None:
        number = await house.buy(user)
        await house.hook(number)
        await house.numbers.finish(user, number.id)
        house.clock.advance(MINUTE)
        await house.tally.catch_up()

    await used()
    assert house.tally.of_provider("sandbox").samples == 1
    set_back(house)
    await used()
    assert house.tally.of_provider("sandbox").samples == 1, "what ended in the future waits for its time"
    await used()
    assert house.tally.of_provider("sandbox").samples == 2
    turn(house, YEAR)
    await used()
    assert house.tally.of_provider("sandbox").samples == 2, "and then the rest is long ago"


async def test_a_leap_that_is_taken_back_costs_no_record(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    await house.hook(number)
    await house.numbers.finish(user, number.id)
    house.clock.advance(MINUTE)
    await house.tally.catch_up()
    turn(house, YEAR)
    await house.tally.catch_up()
    assert house.tally.of_provider("sandbox").samples == 0
    set_back(house)
    await house.tally.catch_up()
    assert house.tally.of_provider("sandbox").samples == 1


async def test_a_cancel_waits_for_no_clock_that_is_a_year_ahead(house: House) -> None:
    """Neither for the time that was told at the sale, nor for one in a refusal."""
    user = await house.person()
    number = await house.buy(user)
    set_back(house)
    await house.numbers.cancel(user, number.id)
    house.clock.advance(house.timing.retry_longest)
    refusals = []

    async def early(ref: str) -> Refused:
        refusals.append(ref)
        return Refused(CancelTooEarly(house.clock() + YEAR))

    house.providers["sandbox"].cancel = early  # type: ignore[method-assign]
    for asked in (1, 2):
        await house.check()
        assert len(refusals) == asked
        house.clock.advance(house.timing.retry_longest)


# what adapters remember


def of(kind: str, clock: ManualClock) -> tuple[Any, Any]:
    sim = SIMS[kind](kind, clock)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=sim.line))
    return sim, adapter(sim, "http://supplier.test", client)


async def test_a_ban_from_purchases_is_over_unless_it_is_said_again() -> None:
    clock = ManualClock()
    sim, provider = of("hero", clock)
    assert isinstance(sim, HandlerApiSim)
    offer = offer_of((await provider.stock(Kind.ACTIVATION, "wa"))[0], "hero")
    sim.supplier.banned_until = clock() + 10 * MINUTE
    assert isinstance((await provider.allocate(offer, "one")).error, Throttled)
    asked = len(sim.asked)
    assert isinstance((await provider.allocate(offer, "two")).error, Throttled)
    assert len(sim.asked) == asked
    clock.now -= YEAR
    await provider.allocate(offer, "three")
    assert len(sim.asked) == asked + 1


async def test_an_inbox_that_was_not_there_is_looked_for_again() -> None:
    clock = ManualClock()
    sim, provider = of("fivesim", clock)
    assert isinstance(sim, FiveSimSim)
    row = next(row for row in await provider.stock(Kind.RENTAL) if row.stock)
    sold = await provider.allocate(offer_of(row, "fivesim"), "one")
    provider._lookup._no_inbox_at = clock()
    await provider.fetch([sold.provider_ref])
    assert "sms" not in sim.asked
    clock.now -= YEAR
    await provider.fetch([sold.provider_ref])
    assert "sms" in sim.asked


async def test_the_list_of_rentals_is_read_again() -> None:
    clock = ManualClock()
    sim, provider = of("sms-activate", clock)
    assert await provider.stock(Kind.RENTAL)
    asked = len(sim.asked)
    await provider.stock(Kind.RENTAL)
    assert len(sim.asked) == asked
    clock.now -= YEAR
    await provider.stock(Kind.RENTAL)
    assert len(sim.asked) > asked


def test_a_date_to_come_back_at_counts_by_the_clock_of_who_says_it() -> None:
    said = {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:27:20 GMT"}
    assert Answer(503, said, b"").retry_after_s() == 40


# the pulse


async def _beats(after: timedelta, within_s: float) -> int:
    """How often a sweep beats once APScheduler believes that its next beat is so far away."""
    beats = 0

    async def work() -> bool:
        nonlocal beats
        beats += 1
        return False

    scheduler = Scheduler({Sweep.POLL: 0.1})
    scheduler.add(Sweep.POLL, work)
    scheduler.start()
    try:
        await asyncio.sleep(0.05)
        scheduler._scheduler.get_job(Sweep.POLL).modify(next_run_time=datetime.now(UTC) + after)
        beats, began = 0, time.monotonic()
        while beats < 3 and time.monotonic() - began < within_s:  # noqa: ASYNC110 - the scheduler has no event
            await asyncio.sleep(0.05)
        return beats
    finally:
        await scheduler.stop(1)


@pytest.mark.parametrize("after", [timedelta(hours=1), timedelta(days=365)], ids=["an hour", "a year"])
async def test_the_pulse_beats_on_after_the_clock_was_set_back(after: timedelta) -> None:
    assert await _beats(after, 20) >= 3


async def test_the_pulse_counts_no_missed_beats_after_a_leap_of_ten_years() -> None:
    """A tenth of a second apart, they would be three thousand million."""
    async with asyncio.timeout(20):
        assert await _beats(-timedelta(days=3650), 10) >= 3


# the host's zone


@pytest.fixture(params=["America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The host's, for this process: with an hour, with half an hour, with a day that never was."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


CHANGES = {
    "America/New_York": ("2026-03-08T07:00:00+00:00", "2026-11-01T06:00:00+00:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00:00+00:00", "2026-10-03T15:30:00+00:00"),
    "Pacific/Apia": ("2011-12-30T10:00:00+00:00", "2021-04-03T14:00:00+00:00"),
}
"""The moments at which these zones turn their clocks."""


async def _life_across(path: Path, moment: Ms) -> list[tuple[str, int]]:
    """What became of two numbers that were bought five minutes before, and when."""
    clock = ManualClock(moment - 5 * MINUTE)
    async with keep_house(path, clock=clock) as house:
        user = await house.person()
        used, unused = await house.buy(user), await house.buy(user)
        for minute in range(25):
            if minute == 7:
                house.text(used)
            for sweep in (house.poll, house.expire, house.check, house.deliver):
                await sweep()
            house.clock.advance(MINUTE)
        assert house.letters.texts() == ["Your code is 123456"]
        assert (await house.ledger_of(used), await house.ledger_of(unused)) == (
            ["hold", "capture"],
            ["hold", "release"],
        )
        rows = await house.db.read.all("SELECT to_state, at FROM number_events ORDER BY id")
        return sorted((row["to_state"], row["at"] - moment) for row in rows)


@pytest.mark.parametrize("place", [0, 1], ids=["the first", "the second"])
async def test_nothing_happens_when_the_hosts_zone_turns_its_clocks(tmp_path: Path, zone: str, place: int) -> None:
    moment = int(datetime.fromisoformat(CHANGES[zone][place]).timestamp() * 1000)
    assert _offset(moment - 1) != _offset(moment), "the host's clocks do turn here"
    turned = await _life_across(tmp_path / "a.db", moment)
    assert turned == await _life_across(tmp_path / "b.db", moment - 30 * DAY)


def _offset(at: Ms) -> Any:
    return datetime.fromtimestamp(at / 1000).astimezone().utcoffset()
