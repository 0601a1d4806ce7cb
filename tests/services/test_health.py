"""What /readyz is told: a database that does not answer is named, and nothing raises."""

from pathlib import Path

from bot.domain.time import MINUTE
from bot.providers.registry import Registry
from bot.services.health import Health
from storage.db import Database
from tests.support.services import START, ManualClock


async def test_a_database_that_answers_only_in_part_is_not_ready(tmp_path: Path):
    clock = ManualClock()
    async with await Database.open(tmp_path / "a.db", synchronous="OFF") as db:
        health = Health(db, clock, Registry({}), lambda: START)
        report = await health.report()
        assert report.ready
        assert report.parts["outbox"] == {"pending": 0, "oldest_ms": 0, "codes": 0, "oldest_code_ms": 0}
        async with db.transaction() as tx:
            await tx.all("DROP TABLE outbox")
        report = await health.report()
        assert not report.ready
        assert report.parts["database"] == {"ok": False, "error": "OperationalError"}
        assert report.parts["telegram"]["ok"]


async def test_a_telegram_that_never_answered_or_not_for_long_is_not_ready(tmp_path: Path):
    clock = ManualClock()
    async with await Database.open(tmp_path / "a.db", synchronous="OFF") as db:
        assert not (await Health(db, clock, Registry({}), lambda: None).report()).ready
        clock.advance(2 * MINUTE)
        assert not (await Health(db, clock, Registry({}), lambda: START).report()).ready
