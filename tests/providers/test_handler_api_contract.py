"""The provider contract over every dialect, asked one by one and, where there is one, by the batch list."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from bot.clients import ClientSettings, make_client
from bot.providers.base import RemoteState
from bot.providers.handler_api.dialects import DIALECTS, SmsSource
from bot.providers.http import ProviderHttp
from tests.providers.contract import Driver, ProviderContract, bought, fetched
from tests.providers.handler_api_driver import HandlerApiDriver
from tests.providers.serving import serving
from tests.simulators.handler_api import Plain

CASES = [(name, by_batch) for name, row in DIALECTS.items() for by_batch in ([False, True] if row.batch else [False])]


class Switch:
    """One server for all tests, and a new simulator behind it for each."""

    simulator: Plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.simulator(scope, receive, send)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[tuple[Switch, str, ProviderHttp]]:
    switch = Switch()
    async with serving(switch) as url, make_client(ClientSettings()) as client:
        yield switch, url, ProviderHttp(client, timeout_s=5.0, max_in_flight=8)


@pytest.mark.asyncio(loop_scope="module")
class TestHandlerApi(ProviderContract):
    @pytest_asyncio.fixture(
        loop_scope="module", params=CASES, ids=lambda case: f"{case[0]}-{'list' if case[1] else 'one'}"
    )
    async def driver(
        self, served: tuple[Switch, str, ProviderHttp], request: pytest.FixtureRequest
    ) -> AsyncIterator[HandlerApiDriver]:
        switch, url, http = served
        dialect, by_batch = request.param
        driver = HandlerApiDriver(dialect, http, url, by_batch=by_batch)
        switch.simulator = driver.simulator
        yield driver

    async def test_a_late_sms_is_shown_and_not_charged(self, driver: HandlerApiDriver) -> None:
        pytest.skip("the family shows nothing of what comes to a closed number")

    async def test_a_number_with_a_code_is_finished_by_time(self, driver: HandlerApiDriver) -> None:
        if not DIALECTS[driver.simulator.name].history:
            pytest.skip("no record of closed numbers: a code that was never polled is not seen at all")
        await super().test_a_number_with_a_code_is_finished_by_time(driver)

    async def test_a_number_with_a_code_that_was_polled_is_finished_by_time(self, driver: HandlerApiDriver) -> None:
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 7777")
        before = await fetched(driver, sold.provider_ref)
        driver.advance(sold.expires_at - driver.now())
        after = await fetched(driver, sold.provider_ref)
        assert (after.state, after.sms) == (RemoteState.FINISHED, before.sms)

    def shown_sender(self, driver: Driver, sender: str) -> str:
        """Only one dialect names the sender."""
        assert isinstance(driver, HandlerApiDriver)
        return sender if DIALECTS[driver.simulator.name].sms is SmsSource.ALL else ""
