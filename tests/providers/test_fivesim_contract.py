from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from bot.clients import ClientSettings, make_client
from bot.domain.errors import Denied
from bot.domain.numbers import Kind
from bot.providers.base import RemoteState
from bot.providers.http import ProviderHttp
from tests.providers.contract import ProviderContract, a_ref, assert_refused, bought, fetched
from tests.providers.fivesim_driver import FiveSimDriver
from tests.providers.sandbox_driver import ManualClock
from tests.providers.serving import serving
from tests.simulators.fivesim import FiveSimSimulator


class Switch:
    """One server for all tests, and a new simulator behind it for each."""

    simulator: FiveSimSimulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.simulator.app(scope, receive, send)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[tuple[Switch, str, ProviderHttp]]:
    switch = Switch()
    async with serving(switch) as url, make_client(ClientSettings()) as client:
        yield switch, url, ProviderHttp(client, timeout_s=5.0, max_in_flight=8)


@pytest.mark.asyncio(loop_scope="module")
class TestFiveSim(ProviderContract):
    @pytest_asyncio.fixture(loop_scope="module")
    async def driver(self, served: tuple[Switch, str, ProviderHttp]) -> FiveSimDriver:
        switch, url, http = served
        clock = ManualClock()
        switch.simulator = FiveSimSimulator(clock)
        return FiveSimDriver(switch.simulator, http, url, clock)

    async def test_a_rental_is_not_refunded_after_its_window_but_can_be_released(self, driver: FiveSimDriver) -> None:
        """Here there is no window and no release: both verbs are denied, and the rental runs its time."""
        sold = await bought(driver, Kind.RENTAL)
        assert sold.refund_until is None
        assert_refused(await driver.provider.cancel(sold.provider_ref), Denied)
        assert_refused(await driver.provider.finish(sold.provider_ref), Denied)
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.WAITING
        driver.advance(sold.expires_at - driver.now())
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.FINISHED
        assert driver.charged(a_ref()) == [True]
