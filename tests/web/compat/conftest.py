"""One program for each module of tests, with its handler_api face open."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.outlet import Customer, Outlet, an_outlet


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outlet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outlet]:
    async with an_outlet(tmp_path_factory.mktemp("face"), MARKUP_PERCENT="10") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def ada(outlet: Outlet) -> Customer:
    outlet.story.sandbox.mode = "normal"
    outlet.story.sandbox.faults.clear()
    return await outlet.customer()
