from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from bot.demo.sandbox_server import create_app
from bot.providers.sandbox.backend import HttpBackend
from bot.providers.sandbox.world import SandboxWorld
from tests.providers.contract import ProviderContract
from tests.providers.sandbox_driver import ManualClock, SandboxDriver
from tests.providers.serving import serving


class TestSandboxInProcess(ProviderContract):
    @pytest.fixture
    async def driver(self) -> AsyncIterator[SandboxDriver]:
        clock = ManualClock()
        world = SandboxWorld(clock=clock)
        yield SandboxDriver(world, world.call, clock)
        await world.aclose()


class Switch:
    """One server for all tests, and a new world behind it for each."""

    def __init__(self) -> None:
        self.world = SandboxWorld(clock=ManualClock())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await create_app(self.world)(scope, receive, send)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[tuple[Switch, HttpBackend]]:
    switch = Switch()
    async with serving(switch) as url, httpx.AsyncClient(trust_env=False) as client:
        yield switch, HttpBackend(f"{url}/sandbox", client)


@pytest.mark.asyncio(loop_scope="module")
class TestSandboxOverHttp(ProviderContract):
    @pytest_asyncio.fixture(loop_scope="module")
    async def driver(self, served: tuple[Switch, HttpBackend]) -> AsyncIterator[SandboxDriver]:
        clock = ManualClock()
        switch, backend = served
        switch.world = SandboxWorld(clock=clock)
        yield SandboxDriver(switch.world, backend, clock)
        await switch.world.aclose()
