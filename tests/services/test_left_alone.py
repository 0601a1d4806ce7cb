"""A provider that wants to be left alone is left alone for as long as it says, by every sweep."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.breaker import Breaker
from bot.providers.handler_api.adapter import HandlerApi
from bot.providers.http import ProviderHttp
from bot.providers.registry import Registry
from tests.simulators.handler_api import BAN
from tests.simulators.sims import HandlerApiSim
from tests.support.services import House, ManualClock, Services, keep_services
from tests.support.suppliers import Site, a_site

RATE_S, BAN_S = 7, BAN // SECOND
"""What the simulator's faults ask for."""

Story = Callable[[Services, User, Number], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


@asynccontextmanager
async def at_work(site: Site, dialect: str, path: Path) -> AsyncIterator[tuple[Services, HandlerApiSim]]:
    """The services with one member of the family, whose pauses go by the test's clock too."""
    clock = ManualClock()
    sim = site.open(dialect, clock)
    assert isinstance(sim, HandlerApiSim)
    http = ProviderHttp(site.client, timeout_s=5.0, max_in_flight=8, clock=lambda: clock() / SECOND, sleep=_at_once)
    api = HandlerApi(dialect, http, site=f"{site.url}/{dialect}", api_key=sim.key, dialect=dialect, clock=clock)
    async with keep_services(path / "a.db", Registry({dialect: Breaker(api, clock)}), clock) as services:
        yield services, sim


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(0)


async def every_sweep(services: Services) -> None:
    await services.poll()
    await services.expire()
    await services.check()


async def polled(services: Services, user: User, number: Number) -> None:
    services.clock.advance(10 * SECOND)
    await services.poll()


async def at_its_end(services: Services, user: User, number: Number) -> None:
    services.clock.now = int(number.expires_at or 0)
    await services.expire()


async def given_back(services: Services, user: User, number: Number) -> None:
    services.clock.now = int(number.cancel_from or 0)
    await services.numbers.cancel(user, number.id)
    await services.check()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("told", [polled, at_its_end, given_back])
@pytest.mark.parametrize(("fault", "seconds"), [("rate", RATE_S), ("ban", BAN_S)])
@pytest.mark.parametrize("dialect", ["hero", "smsbower"])
async def test_nothing_is_sent_until_the_time_is_over(
    site: Site, tmp_path: Path, dialect: str, fault: str, seconds: int, told: Story
) -> None:
    async with at_work(site, dialect, tmp_path) as (services, sim):
        user = await services.person(amount="500")
        number, *_ = [await services.buy(user) for _ in range(6)]
        for action in ("getStatus", "getActiveActivations"):
            sim.supplier.faults[action].append(fault)
        await told(services, user, number)
        before = len(sim.asked)
        for _ in range(seconds - 1):
            services.clock.advance(SECOND)
            await every_sweep(services)
        assert len(sim.asked) == before
        sim.supplier.faults.clear()
        for _ in range(70):
            services.clock.advance(SECOND)
            await every_sweep(services)
        assert len(sim.asked) > before


def throttling(house: House) -> None:
    """The supplier, in this process and without HTTP's own pause, puts everything off for 90 s."""

    async def throttle(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        house.wire.calls.append((verb, args))
        return {"ok": False, "error": "throttled", "retry_after_s": 90}

    house.providers["sandbox"]._backend = throttle


async def test_numbers_that_end_meanwhile_are_not_asked_about_either(house: House) -> None:
    user = await house.person()
    first = await house.buy(user)
    house.clock.advance(10 * SECOND)
    second = await house.buy(user)
    throttling(house)
    house.clock.now = int(first.expires_at or 0)
    await house.expire()
    assert house.wire.count("fetch") == 1
    for _ in range(89):
        house.clock.advance(SECOND)
        await house.expire()
    assert house.wire.count("fetch") == 1
    house.providers["sandbox"]._backend = house.wire
    house.clock.advance(SECOND)
    await house.expire()
    await house.check()
    assert [await house.state(number) for number in (first, second)] == ["expired", "expired"]


async def test_cancels_that_are_due_meanwhile_are_not_sent_either(house: House) -> None:
    user = await house.person()
    first, second = await house.buy(user), await house.buy(user)
    throttling(house)
    house.clock.advance(5 * MINUTE)
    await house.numbers.cancel(user, first.id)
    await house.check()
    await house.numbers.cancel(user, second.id)
    before = len(house.wire.calls)
    for _ in range(89):
        house.clock.advance(SECOND)
        await house.check()
    assert len(house.wire.calls) == before
    house.providers["sandbox"]._backend = house.wire
    house.clock.advance(SECOND)
    await house.check()
    assert [await house.state(number) for number in (first, second)] == ["cancelled", "cancelled"]


async def test_a_provider_that_wants_to_be_left_alone_for_ever_is_asked_again_within_the_hour(house: House) -> None:
    user = await house.person()
    await house.buy(user, hours=24)

    async def throttle(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": False, "error": "throttled", "retry_after_s": 10**9}

    house.providers["sandbox"]._backend = throttle
    await house.poll()
    house.providers["sandbox"]._backend = house.wire
    house.clock.advance(HOUR - SECOND)
    await house.poll()
    assert house.wire.count("fetch") == 0
    house.clock.advance(SECOND)
    await house.poll()
    assert house.wire.count("fetch") == 1
