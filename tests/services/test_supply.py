"""The providers as their operator sees them: what the admins are told, and how often."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import NotAllowed
from bot.domain.money import ONE
from bot.domain.people import User
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.breaker import Breaker
from bot.providers.registry import Registry
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.services.access import Door
from bot.services.rhythm import Sweep
from bot.services.supply import Facts, Supply
from storage import provider_states
from tests.support.services import House, ManualClock, Services, keep_house, keep_services

ADMIN, SECOND_ADMIN, MEMBER = 1, 2, 7
DOOR = Door(open_to_all=True, admin_ids=frozenset({ADMIN, SECOND_ADMIN, 99}))
GUARDED: dict[str, Any] = {"guarded": True, "door": DOOR}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A guarded supplier, one admin and one member; 99 is in ADMIN_IDS, but has never written."""
    async with keep_house(tmp_path / "house.db", **GUARDED) as found:
        await found.person(ADMIN)
        await found.person(MEMBER)
        yield found


async def told(house: Services) -> list[tuple[int, str]]:
    rows = await house.db.read.all("SELECT chat_id, notice FROM outbox WHERE kind = 'notice' ORDER BY id")
    return [(row["chat_id"], row["notice"]) for row in rows]


async def minutes(house: Services, count: int) -> None:
    """The sweep, once in each of them."""
    for _ in range(count):
        house.clock.advance(MINUTE)
        await house.look()


def restarted(house: House) -> None:
    """The services of a new process, which remembers nothing of how the line was."""
    house.registry = Registry({name: Breaker(one, house.clock) for name, one in house.providers.items()})
    old = house.supply
    house.supply = Supply(
        house.db, house.clock, house.timing, house.registry, old.facts, house.tally, old._admins, house.background,
        house.woken.append,
    )  # fmt: skip


# money


async def test_a_low_balance_is_told_to_each_admin_once_and_so_is_its_end(house: House) -> None:
    await house.person(SECOND_ADMIN)
    house.world.balance = 5 * ONE
    await minutes(house, 2)
    assert await told(house) == []
    house.world.balance = 5 * ONE - 1
    await minutes(house, 3)
    low = [(ADMIN, "low_balance:sandbox"), (SECOND_ADMIN, "low_balance:sandbox")]
    assert await told(house) == low
    assert house.woken.count(Sweep.DELIVER) == 1
    restarted(house)
    await minutes(house, 2)
    assert await told(house) == low
    house.world.balance = 20 * ONE
    await minutes(house, 3)
    filled = [(ADMIN, "topped_up:sandbox"), (SECOND_ADMIN, "topped_up:sandbox")]
    assert await told(house) == low + filled
    house.world.balance = ONE
    await minutes(house, 1)
    assert await told(house) == low + filled + low


async def test_a_balance_that_rises_and_falls_about_the_mark_is_told_once(house: House) -> None:
    for balance in (4.9, 5.2, 4.8, 6.2, 4.9):
        house.world.balance = int(balance * ONE)
        await minutes(house, 1)
    assert await told(house) == [(ADMIN, "low_balance:sandbox")]


async def test_what_changed_while_the_bot_was_off_is_told_at_its_start(house: House) -> None:
    house.world.balance = ONE
    await minutes(house, 1)
    restarted(house)
    house.world.balance = 100 * ONE
    await house.look()
    assert [notice for _, notice in await told(house)] == ["low_balance:sandbox", "topped_up:sandbox"]


async def test_what_nobody_was_there_to_hear_is_told_to_the_first_who_comes(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", **GUARDED) as house:
        await house.person(MEMBER)
        house.world.balance = ONE
        await minutes(house, 2)
        assert await told(house) == []
        await house.person(ADMIN)
        await minutes(house, 2)
        assert await told(house) == [(ADMIN, "low_balance:sandbox")]


async def test_a_balance_that_is_not_told_changes_nothing(house: House) -> None:
    house.world.balance = ONE
    await house.look()
    house.world.faults.add("balance", "garbage")
    await minutes(house, 1)
    state = await provider_states.get(house.db.read, "sandbox")
    assert state is not None
    assert (state.balance, state.balance_at, state.low) == (ONE, house.clock() - MINUTE, True)
    assert state.looked_at == house.clock()
    assert len(await told(house)) == 1


async def test_the_owner_hears_of_it_and_an_admin_who_is_none_any_more_does_not(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", guarded=True) as house:
        await house.person(3)
        await house.person(4)
        async with house.db.transaction() as tx:
            await tx.all("UPDATE users SET role = 'owner' WHERE id = 3")
            await tx.all("UPDATE users SET role = 'admin' WHERE id = 4")
        house.world.balance = ONE
        await house.look()
        assert await told(house) == [(3, "low_balance:sandbox")]


async def test_a_mark_that_is_taken_away_is_no_refill(house: House) -> None:
    house.world.balance = ONE
    await minutes(house, 1)
    house.supply.facts = {"sandbox": Facts("sandbox", "USD", 0)}
    await minutes(house, 2)
    assert await told(house) == [(ADMIN, "low_balance:sandbox")]
    house.supply.facts = {"sandbox": Facts("sandbox", "USD", 5 * ONE)}
    await minutes(house, 1)
    assert await told(house) == [(ADMIN, "low_balance:sandbox")] * 2


# the line


async def test_a_provider_that_stays_silent_is_told_once_and_its_return_when_it_lasts(house: House) -> None:
    await house.look()
    house.world.mode = "down"
    await minutes(house, 1)
    since = house.clock()
    await minutes(house, 1)
    assert await told(house) == []
    await minutes(house, 1)
    failing = [(ADMIN, "no_contact:sandbox")]
    assert await told(house) == failing
    state = await provider_states.get(house.db.read, "sandbox")
    assert state is not None
    assert (state.failing_at, state.contact_at) == (since, since - MINUTE)
    restarted(house)
    await minutes(house, 30)
    assert await told(house) == failing
    house.world.mode = "normal"
    while (await provider_states.get(house.db.read, "sandbox")).contact_at < house.clock():  # type: ignore[union-attr, operator]
        await minutes(house, 1)
    await minutes(house, 4)
    assert await told(house) == failing
    await minutes(house, 2)
    assert await told(house) == [*failing, (ADMIN, "works_again:sandbox")]
    await minutes(house, 10)
    assert len(await told(house)) == 2


async def test_faults_of_other_calls_count_as_silence_too_and_the_circuit_is_written_down(house: House) -> None:
    user = await house.person(MEMBER)
    await house.look()
    number = await house.buy(user)
    house.world.mode = "down"
    for _ in range(13):
        house.clock.advance(10 * SECOND)
        await house.poll()
    await house.look()
    assert await told(house) == [(ADMIN, "no_contact:sandbox")]
    state = await provider_states.get(house.db.read, "sandbox")
    assert state is not None
    assert state.circuit in ("open", "half_open")
    assert state.circuit_at is not None
    assert (await house.number(number)).state == "active"


async def test_a_line_that_flickers_makes_no_noise(house: House) -> None:
    await house.look()
    for _ in range(10):
        house.world.mode = "down"
        await minutes(house, 2)
        house.world.mode = "normal"
        await minutes(house, 1)
    assert await told(house) == []


async def test_one_that_comes_back_for_a_moment_only_is_told_once(house: House) -> None:
    await house.look()
    house.world.mode = "down"
    await minutes(house, 4)
    for _ in range(5):
        house.world.mode = "normal"
        await minutes(house, 4)
        house.world.mode = "down"
        await minutes(house, 3)
    assert await told(house) == [(ADMIN, "no_contact:sandbox")]


async def test_a_refused_key_is_told_at_once_and_also_when_it_follows_a_silence(house: House) -> None:
    house.world.faults.add("balance", "refuse:bad_key", times=3)
    await minutes(house, 3)
    assert await told(house) == [(ADMIN, "bad_key:sandbox")]
    await minutes(house, 6)
    assert await told(house) == [(ADMIN, "bad_key:sandbox"), (ADMIN, "works_again:sandbox")]
    house.world.mode = "down"
    await minutes(house, 4)
    house.world.mode = "normal"
    house.world.faults.add("balance", "refuse:bad_key", times=50)
    await minutes(house, 12)
    assert [notice for _, notice in await told(house)][2:] == ["no_contact:sandbox", "bad_key:sandbox"]


class Curt:
    """A supplier's entrance that can ask to be left alone."""

    def __init__(self, clock: ManualClock) -> None:
        self.world = SandboxWorld(clock=clock)
        self.retry_after_s = 0.0

    async def __call__(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if self.retry_after_s:
            return {"ok": False, "error": "throttled", "retry_after_s": self.retry_after_s}
        return await self.world.call(verb, args)


@pytest.fixture
async def curt(tmp_path: Path) -> AsyncIterator[tuple[Services, Curt]]:
    clock = ManualClock()
    wire = Curt(clock)
    registry = Registry({"curt": Breaker(SandboxProvider("curt", wire, clock=clock), clock)})
    async with keep_services(tmp_path / "a.db", registry, clock, door=DOOR) as house:
        await house.person(ADMIN)
        yield house, wire


async def test_a_long_ban_is_told_at_once_with_its_end_and_a_short_one_is_not(curt: tuple[Services, Curt]) -> None:
    house, wire = curt
    wire.retry_after_s = 30.0
    await house.look()
    wire.retry_after_s = 0.0
    await minutes(house, 1)
    assert await told(house) == []
    wire.retry_after_s = 3600.0
    await minutes(house, 1)
    assert await told(house) == [(ADMIN, "barred:curt")]
    state = await provider_states.get(house.db.read, "curt")
    assert state is not None
    assert state.barred_until == house.clock() + HOUR
    wire.retry_after_s = 0.0
    await minutes(house, 60)
    assert await told(house) == [(ADMIN, "barred:curt")], "its answers are no sign of the ban's end"
    await minutes(house, 6)
    assert await told(house) == [(ADMIN, "barred:curt"), (ADMIN, "works_again:curt")]


async def test_one_that_answers_nothing_but_not_now_is_as_good_as_silent(curt: tuple[Services, Curt]) -> None:
    house, wire = curt
    wire.retry_after_s = 10.0
    await minutes(house, 10)
    assert await told(house) == [(ADMIN, "no_contact:curt")]


# the sweep


async def test_one_that_hangs_delays_nobody_and_is_not_asked_twice(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", ("slow", "quick"), **GUARDED) as house:
        gate = asyncio.Event()
        house.wires["slow"].before["balance"] = gate.wait
        for _ in range(3):
            await house.supply.sweep()
            await _until(lambda: provider_states.get(house.db.read, "quick"))
        assert await provider_states.get(house.db.read, "slow") is None
        gate.set()
        await house.background.drain(5)
        assert await provider_states.get(house.db.read, "slow") is not None
        assert house.wires["slow"].count("balance") == 1


async def _until(found: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(3):
        while not await found():  # noqa: ASYNC110 - a row has no event
            await asyncio.sleep(0.005)


async def test_the_notice_is_owed_in_the_transaction_of_its_state(house: House) -> None:
    seen: list[str] = []
    house.db._hook = seen.append
    house.world.balance = ONE
    await house.look()
    assert seen == ["before commit", "after commit"]
    assert len(await told(house)) == 1


# the table


async def test_the_table_has_the_order_of_the_configuration_and_is_for_admins(tmp_path: Path) -> None:
    worlds = {
        name: SandboxWorld(clock=ManualClock(), settings=SandboxSettings(balance=balance * ONE))
        for name, balance in (("zeta", 3), ("alpha", 50))
    }
    async with keep_house(tmp_path / "a.db", worlds=worlds, **GUARDED) as house:
        admin, member = await house.person(ADMIN), await house.person(MEMBER)
        assert [(one.name, one.state) for one in await house.supply.table(admin)] == [("zeta", None), ("alpha", None)]
        rows = await house.supply.refresh(admin)
        assert [(one.name, one.state.balance) for one in rows if one.state] == [("zeta", 3 * ONE), ("alpha", 50 * ONE)]
        assert [one.state.low for one in rows if one.state] == [True, False]
        await _refused(house, member)


async def _refused(house: House, member: User) -> None:
    for ask in (house.supply.table, house.supply.refresh):
        with pytest.raises(NotAllowed):
            await ask(member)
