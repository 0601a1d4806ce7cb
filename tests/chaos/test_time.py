"""Somebody sets the system's clock, forward or back, while everything is under way: spans stay as long as they were.

Suppliers go by a clock that is right. That of the program is right until it is set, or wrong until then: it cannot
know, and neither way may anything end before its time, be lost, or be paid for wrongly. TIME=full tries more steps,
more suppliers and more lives.
"""

import contextlib
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain.errors import QuoteGone
from bot.domain.numbers import Number, State
from bot.domain.people import Limits, Role, User
from bot.domain.time import DAY, HOUR, MINUTE, SECOND, Ms
from bot.providers.registry import Registry
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.services.delivery import NotSent
from storage import outbox
from tests.services.test_invariants import Life
from tests.simulators.sims import Sim
from tests.support.clocks import TurnedClock
from tests.support.services import House, Services, check_books, keep_house, keep_services
from tests.support.suppliers import Site, a_site

YEAR = 365 * DAY
ALL = os.environ.get("TIME") == "full"
STEPS = (MINUTE, HOUR, DAY, YEAR, -MINUTE, -HOUR, -DAY, -YEAR) if ALL else (HOUR, YEAR, -HOUR, -YEAR)
KINDS = ("hero", "sms-activate", "generic", "fivesim", "rest", "sandbox") if ALL else ("hero", "generic", "sandbox")
SEEDS = 60 if ALL else 6
PURSE = 500_000


def shown(step: Ms) -> str:
    size, unit = next((size, unit) for size, unit in ((YEAR, "y"), (DAY, "d"), (HOUR, "h"), (MINUTE, "min"))
                      if abs(step) >= size)  # fmt: skip
    return f"{step // size:+}{unit}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


@contextlib.asynccontextmanager
async def at_work(site: Site, kind: str, path: Path, apart: Ms = 0) -> AsyncIterator[tuple[Services, Sim]]:
    """The services with one supplier; the system's clock is `apart` from the right one at first."""
    clock = TurnedClock(apart)
    sim = site.open(kind, clock.right)
    sim.clock = clock  # the adapter's, which is made now
    registry = Registry({kind: site.provider(sim)})
    sim.clock = clock.right
    async with keep_services(path / "services.db", registry, clock, limits=Limits(10, 5, 100)) as services:
        await services.timekeeper.after_start()
        await services.reconcile.after_start()
        yield services, sim


async def turn(services: Services, step: Ms) -> None:
    """The system's clock is set; every sweep runs before that is noticed, and after."""
    services.clock.turn(step)
    await sweep(services)
    await services.timekeeper.sweep()
    await sweep(services)
    assert services.clock() == services.clock.system()


async def sweep(services: Services) -> None:
    for one in (services.poll, services.expire, services.check):
        await one()
    await services.housekeeping.prune()


async def pass_time(services: Services, span: Ms, beat: Ms = 10 * SECOND) -> None:
    for _ in range(span // beat):
        services.clock.advance(beat)
        await services.timekeeper.sweep()
        await sweep(services)


async def bought(services: Services, user: User, hours: int = 0) -> Number:
    number = await services.buy(user, hours=hours)
    assert number.state is State.ACTIVE, number.reason
    return number


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("wrong_before", [False, True], ids=["set wrong", "set right"])
@pytest.mark.parametrize("step", STEPS, ids=shown)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_code_comes_and_is_paid_although_the_clock_was_set_while_it_was_waited_for(
    site: Site, tmp_path: Path, kind: str, step: Ms, wrong_before: bool
) -> None:
    async with at_work(site, kind, tmp_path, -step if wrong_before else 0) as (services, sim):
        user = await services.person()
        number = await bought(services, user)
        await pass_time(services, MINUTE)
        await turn(services, step)
        await pass_time(services, 12 * MINUTE, 30 * SECOND)
        assert await services.state(number) == "active", "13 of its 15 or 20 minutes"
        assert number.phone is not None
        sim.text(number.phone, "Sender", "Your code is 123456")
        await pass_time(services, 30 * SECOND)
        await services.deliver()
        assert len([text for text in services.letters.texts() if "123456" in text]) == 1
        assert await services.ledger_of(number) == ["hold", "capture"]
        assert [line.charged for line in sim.sold()] == [True]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("step", STEPS, ids=shown)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_number_ends_when_its_time_is_over_wherever_the_clock_stands(
    site: Site, tmp_path: Path, kind: str, step: Ms
) -> None:
    async with at_work(site, kind, tmp_path) as (services, sim):
        user = await services.person()
        number = await bought(services, user)
        await pass_time(services, 2 * MINUTE, 30 * SECOND)
        await turn(services, step)
        await pass_time(services, 19 * MINUTE, 30 * SECOND)
        # Set back, it is over at its provider first, of whom some only say that it is closed.
        assert await services.state(number) in (("expired",) if step > 0 else ("expired", "cancelled"))
        assert await services.money(user) == (PURSE, 0)
        assert await services.ledger_of(number) == ["hold", "release"]
        assert [line.charged for line in sim.sold()] == [False]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("step", STEPS, ids=shown)
@pytest.mark.parametrize("kind", ["hero", "fivesim", "rest", "sandbox"])
async def test_a_purchase_without_an_answer_is_found_after_the_clock_was_set_right(
    site: Site, tmp_path: Path, kind: str, step: Ms
) -> None:
    async with at_work(site, kind, tmp_path, -step) as (services, sim):
        user = await services.person()
        quote_id = await services.quote(user)
        sim.line.spoil("allocate", "reset")
        number = await services.purchases.allocate(user, quote_id)
        assert number.state is State.BUYING
        await turn(services, step)
        assert await services.state(number) == "buying", "it is not asked about before its time"
        await pass_time(services, MINUTE)
        assert await services.state(number) == "active"
        assert len(sim.sold()) == 1


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("step", STEPS, ids=shown)
@pytest.mark.parametrize("kind", ["hero", "rest", "sandbox"])
async def test_a_renewal_without_an_answer_is_paid_if_and_only_if_time_was_added(
    site: Site, tmp_path: Path, kind: str, step: Ms
) -> None:
    async with at_work(site, kind, tmp_path) as (services, sim):
        user = await services.person()
        number = await bought(services, user, hours=24)
        await turn(services, step)
        for fault in ("reset", ""):
            renewed = await services.renewals.begin(user, (await services.renewals.quote(user, number.id, 24)).id)
            if fault:
                sim.line.spoil("renew", fault)
                await services.renewals.renew(renewed[0])
                assert sim.line.all_spoilt
            await pass_time(services, 6 * MINUTE, 30 * SECOND)
        states = [row["state"] for row in await services.db.read.all("SELECT state FROM renewals ORDER BY id")]
        assert states == ["done", "failed"], "the second one never left"
        assert await services.state(number) == "active"
        await pass_time(services, 40 * HOUR, 2 * HOUR)
        assert await services.state(number) == "active"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("step", STEPS, ids=shown)
async def test_a_cancel_that_waits_is_done_when_its_provider_takes_it(site: Site, tmp_path: Path, step: Ms) -> None:
    async with at_work(site, "hero", tmp_path) as (services, sim):
        user = await services.person()
        number = await bought(services, user)
        await services.numbers.cancel(user, number.id)
        await turn(services, step)
        assert await services.state(number) == "cancelling"
        await pass_time(services, 3 * MINUTE)
        assert await services.state(number) == "cancelled"
        assert await services.money(user) == (PURSE, 0)
        assert "cancel" in sim.asked
        assert sim.asked.count("cancel") == 1, "nobody is pestered"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", ["fivesim", "rest", "sandbox"])
async def test_a_number_is_not_over_at_its_sale_because_the_clock_is_a_year_ahead(
    site: Site, tmp_path: Path, kind: str
) -> None:
    async with at_work(site, kind, tmp_path, YEAR) as (services, sim):
        user = await services.person()
        number = await bought(services, user)
        await pass_time(services, 12 * MINUTE, 30 * SECOND)
        assert await services.state(number) == "active"
        await pass_time(services, 10 * MINUTE, 30 * SECOND)
        assert await services.state(number) == "expired"
        assert not any(line.charged for line in sim.sold())


# what we owe and have promised


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = TurnedClock()
    settings = SandboxSettings(cancel_from_ms=0)
    worlds = {"sandbox": SandboxWorld(seed=1, clock=clock.right, settings=settings)}
    options = {"clock": clock, "worlds": worlds, "right_clock": clock.right, "limits": Limits(50, 5, 100)}
    async with keep_house(tmp_path / "house.db", **options) as found:
        yield found


@pytest.mark.parametrize("step", STEPS, ids=shown)
async def test_a_message_that_was_put_off_goes_out_after_its_wait(house: House, step: Ms) -> None:
    user = await house.person()
    number = await house.buy(user)
    await house.deliver()
    await house.hook(number, "Your code is 445566")
    house.letters.says = [NotSent("429", 30.0)]
    await house.deliver()
    await turn(house, step)
    await house.deliver()
    assert house.letters.texts() == []
    house.clock.advance(31 * SECOND)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 445566"]


@pytest.mark.parametrize("step", STEPS, ids=shown)
async def test_prices_and_invitations_last_as_long_as_was_promised(house: House, step: Ms) -> None:
    user = await house.person()
    quote_id, lapsed = await house.quote(user), await house.quote(user)
    rows = "SELECT expires_at FROM quotes UNION SELECT expires_at FROM invites"
    await house.access.invite(replace(user, role=Role.ADMIN))
    before = [row["expires_at"] - house.clock() for row in await house.db.read.all(rows)]
    await turn(house, step)
    assert [row["expires_at"] - house.clock() for row in await house.db.read.all(rows)] == before
    house.clock.advance(9 * MINUTE)
    assert (await house.purchases.allocate(user, quote_id)).state is State.ACTIVE
    house.clock.advance(MINUTE)
    with pytest.raises(QuoteGone):
        await house.purchases.allocate(user, lapsed)


@pytest.mark.parametrize("step", [-MINUTE, -HOUR, -YEAR], ids=shown)
async def test_what_was_bought_before_the_clock_was_set_back_does_not_count_for_as_long(house: House, step: Ms) -> None:
    user = await house.person()
    for _ in range(5):
        number = await house.buy(user)
        await house.numbers.cancel(user, number.id)
        await house.check()
    await turn(house, step)
    house.clock.advance(2 * MINUTE + SECOND)
    assert (await house.buy(user)).state is State.ACTIVE


@pytest.mark.parametrize("step", STEPS, ids=shown)
async def test_the_newest_entries_of_a_statement_come_first(house: House, step: Ms) -> None:
    user = await house.person()
    await turn(house, step)
    await house.wallet.credit_as(None, user.id, "1", "second", key="second")
    assert [entry.reason for entry in (await house.wallet.account(user)).entries] == ["second", "top-up"]


# what is forgotten


async def texts(house: House) -> list[str]:
    return [row["text"] for row in await house.db.read.all("SELECT text FROM sms")]


async def kept_code(house: House) -> Number:
    """A number that was used and is over."""
    user = await house.person()
    number = await house.buy(user)
    await house.hook(number, "Your code is 998877")
    await house.numbers.finish(user, number.id)
    return number


async def test_a_leap_ahead_forgets_nothing_for_a_day_and_nothing_at_all_when_it_is_taken_back(house: House) -> None:
    await kept_code(house)
    await turn(house, YEAR)
    await pass_time(house, 23 * HOUR, HOUR)
    assert await texts(house) == ["Your code is 998877"]
    await turn(house, -YEAR)
    await pass_time(house, 2 * DAY, HOUR)
    assert await texts(house) == ["Your code is 998877"]


async def test_a_leap_ahead_that_nobody_takes_back_is_believed_after_a_day(house: House) -> None:
    await kept_code(house)
    await turn(house, YEAR)
    await pass_time(house, 25 * HOUR, HOUR)
    assert await texts(house) == [""]


async def test_after_a_start_with_a_clock_that_is_far_ahead_nothing_is_forgotten_for_a_day(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await kept_code(house)
    await house.look()
    house.clock.advance(40 * DAY)
    restarted = type(house.timekeeper)(house.db, house.clock, house.timing)
    await restarted.after_start()
    house.timekeeper = restarted
    assert any("40 days ahead" in line for line in caplog.messages)
    await pass_time(house, 23 * HOUR, HOUR)
    assert await texts(house) == ["Your code is 998877"]
    await pass_time(house, 2 * HOUR, HOUR)
    assert await texts(house) == [""]


async def test_after_a_start_with_a_clock_that_was_set_back_nothing_waits_for_it(house: House) -> None:
    user = await house.person()
    number, queued = await house.buy(user), await house.buy(user)
    await house.hook(number, "Your code is 112233")
    house.letters.says = [NotSent("429", 30.0)]
    await house.deliver()
    await house.numbers.cancel(user, queued.id)
    async with house.db.transaction() as tx:
        await tx.all("UPDATE numbers SET check_at = $1 WHERE id = $2", house.clock() + MINUTE, queued.id)
    house.clock.turn(-YEAR)
    house.clock.adopt(-YEAR)  # a process that starts knows nothing of a step
    house.in_order = False
    await house.timekeeper.after_start()
    await house.reconcile.after_start()
    await house.deliver()
    assert house.letters.texts() == ["Your code is 112233"]
    await house.check()
    assert await house.state(queued) == "cancelled"


# lives that nobody planned


class TurnedLife(Life):
    """As any life, but now and then somebody sets the clock."""

    async def pass_time(self) -> None:
        await super().pass_time()
        await self.sweep()
        if self.chance.random() < 0.4:
            clock = self.house.clock
            assert isinstance(clock, TurnedClock)
            clock.turn(self.chance.choice(STEPS))
        await self.house.timekeeper.sweep()
        await self.sweep()


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_the_books_hold_and_everything_ends_although_the_clock_is_set_again_and_again(
    house: House, seed: int
) -> None:
    people = [await house.person(1, "300"), await house.person(2, "300")]
    life = TurnedLife(house, random.Random(seed), people)
    for place in range(120):
        await life.step()
        if place % 10 == 0:
            await check_books(house.db.read)
    await life.come_to_rest()
    assert not await house.db.read.all("SELECT id FROM numbers WHERE closed_at IS NULL")
    assert house.world.open_numbers() == 0
    charged = {row["ref"]: row["charged"] for row in house.world.record()}
    paid = await house.db.read.all(
        """SELECT n.ref FROM numbers n JOIN transfers t ON t.number_id = n.id AND t.kind = 'capture'
           WHERE n.kind = 'activation'"""
    )
    assert all(charged[row["ref"]] for row in paid)
    assert not await outbox.due(house.db.read, house.clock() + YEAR, 1)
