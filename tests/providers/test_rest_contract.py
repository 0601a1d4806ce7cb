from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from bot.clients import ClientSettings, make_client
from bot.providers.http import ProviderHttp
from bot.providers.sandbox.world import SandboxWorld
from tests.providers.contract import ProviderContract
from tests.providers.rest_driver import RestDriver
from tests.providers.sandbox_driver import ManualClock
from tests.providers.serving import serving
from tests.simulators.rest import RestSimulator


class Switch:
    """One server for all tests, and a new simulator behind it for each."""

    simulator: RestSimulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.simulator.app(scope, receive, send)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[tuple[Switch, str, ProviderHttp]]:
    switch = Switch()
    async with serving(switch) as url, make_client(ClientSettings()) as client:
        yield switch, url, ProviderHttp(client, timeout_s=5.0, max_in_flight=8)


@pytest.mark.asyncio(loop_scope="module")
class TestRest(ProviderContract):
    @pytest_asyncio.fixture(loop_scope="module")
    async def driver(self, served: tuple[Switch, str, ProviderHttp]) -> AsyncIterator[RestDriver]:
        switch, url, http = served
        clock = ManualClock()
        switch.simulator = RestSimulator(clock, SandboxWorld(clock=clock))
        yield RestDriver(switch.simulator, http, url, clock)
        await switch.simulator.world.aclose()
