"""Whoever comes second finds nothing to do: no state, no money and no message changes."""

import pytest

from bot.domain.numbers import Number, State
from bot.domain.time import MINUTE
from bot.services import settle
from tests.support.services import House


async def _all_that_is_written(house: House) -> list[list[tuple[object, ...]]]:
    tables = ("numbers", "number_events", "transfers", "outbox")
    rows = [await house.db.read.all(f"SELECT * FROM {table} ORDER BY rowid") for table in tables]  # noqa: S608
    return [[tuple(row) for row in table] for table in rows]


async def _bought(house: House) -> Number:
    return await house.buy(await house.person())


async def test_a_number_that_is_not_being_cancelled_is_not_kept(house: House) -> None:
    number = await _bought(house)
    before = await _all_that_is_written(house)
    async with house.db.transaction() as tx:
        assert not await settle.keep(tx, number, house.clock())
    assert await _all_that_is_written(house) == before


@pytest.mark.parametrize("is_known_to_be_closed", [True, False])
async def test_a_closed_number_is_closed_no_second_time(house: House, is_known_to_be_closed: bool) -> None:
    user = await house.person()
    seen = await house.buy(user)
    await house.hook(seen)
    await house.numbers.finish(user, seen.id)
    number = await house.number(seen) if is_known_to_be_closed else seen
    before, now = await _all_that_is_written(house), house.clock() + MINUTE
    async with house.db.transaction() as tx:
        assert not await settle.given_back(tx, number, State.CANCELLED, "cancelled", now)
        assert not await settle.completed(tx, number, "time_is_up", now)
    assert await _all_that_is_written(house) == before
