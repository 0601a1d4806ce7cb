"""The daily backup: one a day, one at a time, kept for as long as it was asked for; a failure is told once."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.time import DAY, HOUR, MINUTE
from bot.services import backups as service
from bot.services.access import Door
from bot.services.backups import BackupPlan
from storage.backups import kept_in
from storage.soundness import examine
from tests.support.services import House, keep_house

OWNER = 77


@pytest.fixture
def plan(tmp_path: Path) -> BackupPlan:
    return BackupPlan(tmp_path / "a.db", tmp_path / "kept", 3)


@pytest.fixture
async def house(plan: BackupPlan) -> AsyncIterator[House]:
    door = Door(open_to_all=True, admin_ids=frozenset({OWNER}))
    async with keep_house(plan.database, backups=plan, door=door) as found:
        await found.person(OWNER)
        yield found


async def look(house: House, *, later: int = 0) -> None:
    house.clock.advance(later)
    await house.backups.sweep()
    await house.background.drain(10)


def ages_h(house: House, plan: BackupPlan) -> list[int]:
    return [(house.clock() - one.made_at) // HOUR for one in kept_in(plan.folder, plan.database)]


async def told(house: House) -> list[str]:
    """What the admin was told, in order."""
    await house.deliver()
    return [notice for notice in house.letters.notices() if notice.startswith("backup")]


async def test_the_first_look_makes_one_and_the_next_when_a_day_has_passed(house: House, plan: BackupPlan) -> None:
    await look(house)
    (first,) = kept_in(plan.folder, plan.database)
    assert await examine(first.path)
    for _ in range(23):
        await look(house, later=HOUR)
    assert ages_h(house, plan) == [23]
    await look(house, later=HOUR)
    assert ages_h(house, plan) == [0, 24]
    assert await told(house) == []


async def test_three_days_are_kept_by_a_bot_that_looks_every_hour(house: House, plan: BackupPlan) -> None:
    for _ in range(7 * 24):
        house.clock.advance(HOUR)
        if house.clock() % (6 * HOUR) < HOUR:  # an hour is not worth a look each, for the test's sake
            await look(house)
    ages = ages_h(house, plan)
    assert len(ages) == 3
    assert max(ages) < 4 * 24


async def test_a_clock_that_is_set_far_back_does_not_end_the_backups(house: House, plan: BackupPlan) -> None:
    await look(house)
    house.clock.advance(-30 * DAY)
    await look(house)
    assert len(kept_in(plan.folder, plan.database)) == 2


async def test_two_are_never_made_at_once(house: House, plan: BackupPlan) -> None:
    for _ in range(5):
        await house.backups.sweep()
        house.clock.advance(MINUTE)
    await house.background.drain(10)
    assert len(list(plan.folder.iterdir())) == 1


async def test_none_are_made_or_removed_where_they_are_switched_off(tmp_path: Path) -> None:
    plan = BackupPlan(tmp_path / "a.db", tmp_path / "kept", 0)
    plan.folder.mkdir()
    (plan.folder / "a-20200101T000000Z.db").touch()
    async with keep_house(plan.database, backups=plan) as house:
        await look(house)
        await look(house, later=2 * DAY)
    assert [path.name for path in plan.folder.iterdir()] == ["a-20200101T000000Z.db"]


async def test_a_failure_is_told_once_and_so_is_its_end(
    house: House, plan: BackupPlan, caplog: pytest.LogCaptureFixture
) -> None:
    plan.folder.write_text("in the way")
    for _ in range(5):
        await look(house, later=HOUR)
    assert await told(house) == ["backup_failed:no_place"]
    assert [record.levelno for record in caplog.records if record.name == service.__name__] == [logging.ERROR]
    plan.folder.unlink()
    for _ in range(30):
        await look(house, later=HOUR)
    assert await told(house) == ["backup_failed:no_place", "backup_works"]
    assert len(kept_in(plan.folder, plan.database)) == 2


async def test_a_restart_repeats_no_notice_and_swallows_none(house: House, plan: BackupPlan) -> None:
    plan.folder.write_text("in the way")
    await look(house)
    for _ in range(2):
        house.backups = service.Backups(
            house.db, house.clock, plan, house.backups._admins, house.background, house.woken.append
        )
        await look(house, later=HOUR)
    assert await told(house) == ["backup_failed:no_place"]
    plan.folder.unlink()
    house.backups = service.Backups(
        house.db, house.clock, plan, house.backups._admins, house.background, house.woken.append
    )
    await look(house, later=HOUR)
    assert await told(house) == ["backup_failed:no_place", "backup_works"]


async def test_another_reason_is_another_notice(house: House, plan: BackupPlan) -> None:
    plan.folder.write_text("in the way")
    await look(house)
    plan.folder.unlink()
    async with house.db.transaction() as tx:
        await tx.all("UPDATE accounts SET balance = balance + 1 WHERE id = 'income'")
    await look(house, later=HOUR)
    async with house.db.transaction() as tx:
        await tx.all("UPDATE accounts SET balance = balance - 1 WHERE id = 'income'")
    await look(house, later=HOUR)
    assert await told(house) == ["backup_failed:no_place", "backup_failed:damaged", "backup_works"]
    assert len(list(plan.folder.iterdir())) == 1, "of the one that did not add up nothing is left"


async def test_a_failure_waits_for_the_first_admin_who_can_be_told(tmp_path: Path) -> None:
    plan = BackupPlan(tmp_path / "a.db", tmp_path / "kept", 3)
    plan.folder.write_text("in the way")
    door = Door(open_to_all=True, admin_ids=frozenset({OWNER}))
    async with keep_house(plan.database, backups=plan, door=door) as house:
        await look(house)
        await house.person(OWNER)
        assert await told(house) == []
        await look(house, later=HOUR)
        await look(house, later=HOUR)
        assert await told(house) == ["backup_failed:no_place"]


async def test_a_stop_ends_a_backup_and_leaves_nothing_of_it(house: House, plan: BackupPlan) -> None:
    async with house.db.transaction() as tx:
        await tx.all(
            """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
               INSERT INTO invites (token_hash, role, created_at, expires_at)
               SELECT printf('%0500d', i), 'member', 0, 0 FROM n"""
        )
    await house.backups.sweep()
    async with asyncio.timeout(5):
        while not plan.folder.is_dir() or not list(plan.folder.iterdir()):  # noqa: ASYNC110 - a file is looked for
            await asyncio.sleep(0.001)
    await house.background.drain(0)
    assert list(plan.folder.iterdir()) == []
    shutil.rmtree(plan.folder)
    await look(house)
    assert len(kept_in(plan.folder, plan.database)) == 1
