"""A provider is taken out of the configuration while something is under way there: it costs nobody money."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.domain.errors import ProviderFault, WrongState
from bot.providers.registry import Registry
from bot.providers.sandbox.world import SandboxWorld
from tests.support.services import House, ManualClock, Services, keep_house, keep_services


@dataclass
class Site:
    path: Path
    clock: ManualClock
    world: SandboxWorld

    @asynccontextmanager
    async def with_it(self) -> AsyncIterator[House]:
        async with keep_house(self.path, worlds={"sandbox": self.world}, clock=self.clock) as house:
            yield house

    @asynccontextmanager
    async def without_it(self) -> AsyncIterator[Services]:
        async with keep_services(self.path, Registry({}), self.clock) as services:
            yield services


@pytest.fixture
def site(tmp_path: Path) -> Site:
    clock = ManualClock()
    return Site(tmp_path / "a.db", clock, SandboxWorld(seed=1, clock=clock))


async def test_a_purchase_that_was_only_written_down_fails_and_gives_its_money_back(site: Site) -> None:
    async with site.with_it() as house:
        user = await house.person()
        number, _ = await house.purchases.begin(user, await house.quote(user))
    async with site.without_it() as services:
        assert (await services.purchases.buy(number)).reason == "provider_fault"
        assert await services.ledger_of(number) == ["hold", "release"]


async def test_a_number_with_its_code_cannot_be_finished_and_stays(site: Site) -> None:
    async with site.with_it() as house:
        user = await house.person()
        number = await house.buy(user)
        await house.hook(number)
    async with site.without_it() as services:
        with pytest.raises(ProviderFault):
            await services.numbers.finish(user, number.id)
        assert await services.state(number) == "active"
        assert await services.ledger_of(number) == ["hold", "capture"]


async def test_a_renewal_that_was_only_written_down_fails_and_gives_its_money_back(site: Site) -> None:
    async with site.with_it() as house:
        user = await house.person(amount="200")
        number = await house.buy(user, hours=24)
        quote = await house.renewals.quote(user, number.id, 24)
        renewal, _ = await house.renewals.begin(user, quote.id)
    async with site.without_it() as services:
        await services.renewals.renew(renewal)
        assert await services.ledger_of(number) == ["hold", "capture", "hold", "release"]
        with pytest.raises(WrongState):
            await services.renewals.quote(user, number.id, 24)


async def test_a_renewal_without_its_answer_waits_for_the_provider_to_come_back(site: Site) -> None:
    async with site.with_it() as house:
        user = await house.person(amount="200")
        number = await house.buy(user, hours=24)
        quote = await house.renewals.quote(user, number.id, 24)
        house.world.faults.add("renew", "lost_answer")
        renewal, _ = await house.renewals.begin(user, quote.id)
        await house.renewals.renew(renewal)
    async with site.without_it() as services:
        services.clock.advance(services.timing.answer_due)
        await services.check()
        assert (await services.money(user))[1] == renewal.price
    async with site.with_it() as house:
        await house.reconcile.after_start()
        await house.check()
        assert await house.ledger_of(number) == ["hold", "capture", "hold", "capture"]
