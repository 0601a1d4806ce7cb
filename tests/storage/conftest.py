"""A new database for every test, with two people in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.people import Role, Seen
from storage import users
from storage.db import Database


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "test.db", synchronous="OFF") as database:
        async with database.transaction() as tx:
            for user_id in (1, 2):
                await users.upsert(tx, Seen(user_id, f"Person {user_id}"), Role.MEMBER, 0)
        yield database
