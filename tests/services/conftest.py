"""A house for every test: see tests.support.services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.services import House, keep_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with keep_house(tmp_path / "house.db") as found:
        yield found
