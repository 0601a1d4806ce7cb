"""What an open database says of itself: once when it stops working, once when it works again."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage import condition
from storage.condition import Condition
from storage.db import Database
from storage.errors import DatabaseUnusable, Fault, StorageDown, describe, fault_of, has_room
from tests.support.disks import fill, small_disk
from tests.support.services import eventually


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "a.db", synchronous="OFF", lock_wait_s=0.1) as database:
        yield database


async def note(db: Database, name: str, size: int = 0) -> None:
    async with db.transaction() as tx:
        await tx.all(
            "INSERT INTO invites (token_hash, role, created_at, expires_at) VALUES ($1, 'member', 0, 0)",
            name + "x" * size,
        )


async def refused(db: Database, name: str = "refused") -> Fault:
    with pytest.raises(StorageDown) as down:
        await note(db, name, 100_000)
    assert not db._writer.in_transaction
    return down.value.fault


@contextmanager
def locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


async def works_again(db: Database) -> None:
    async def probed() -> bool:
        await db.probe()
        return db.fault is None

    await eventually(probed)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == condition.__name__]


async def test_what_may_not_grow_is_full_until_it_may(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    (pages,) = await db._writer.execute_fetchall("PRAGMA page_count")
    await db._writer.execute_fetchall(f"PRAGMA max_page_count = {pages[0]}")
    for _ in range(3):
        assert await refused(db) is Fault.FULL
    assert db.fault is Fault.FULL
    await db.read.all("SELECT * FROM users")
    await db._writer.execute_fetchall("PRAGMA max_page_count = 1000000")
    await works_again(db)
    await note(db, "after", 100_000)
    assert [line.partition(" ")[0] for line in said(caplog)] == ["The", "The"]
    assert "is full" in said(caplog)[0]
    assert "works again" in said(caplog)[1]


async def test_a_disk_with_hardly_any_room_is_not_taken_for_one_that_works_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4_000_000) as disk:
        async with await Database.open(disk / "a.db", synchronous="OFF") as db:
            filler = fill(disk)
            assert await refused(db) is Fault.FULL
            filler.write_bytes(b"\0" * (filler.stat().st_size - 100_000))
            await asyncio.sleep(condition.SETTLED_S + 0.1)
            await db.probe()
            assert db.fault is Fault.FULL, "a small write would succeed, and the next purchase fail"
            filler.unlink()
            await works_again(db)


async def test_a_lock_of_another_program_is_waited_for_and_then_named(db: Database, tmp_path: Path) -> None:
    with locked(tmp_path / "a.db"):
        assert await refused(db) is Fault.LOCKED
        started = time.monotonic()
        assert {await refused(db) for _ in range(50)} == {Fault.LOCKED}
        assert time.monotonic() - started < 50 * 0.1, "who comes right after it is not made to wait again"
    await works_again(db)
    await note(db, "after")


async def test_a_single_success_right_after_a_failure_is_no_end_of_it(db: Database) -> None:
    await note(db, "before")
    (pages,) = await db._writer.execute_fetchall("PRAGMA page_count")
    await db._writer.execute_fetchall(f"PRAGMA max_page_count = {pages[0]}")
    await refused(db)
    async with db.transaction() as tx:
        await tx.all("UPDATE invites SET expires_at = 1")
    assert db.fault is Fault.FULL


async def test_a_probe_writes_something_and_changes_nothing(db: Database, tmp_path: Path) -> None:
    with locked(tmp_path / "a.db"):
        await refused(db)
    before = Path(tmp_path / "a.db-wal").stat().st_size
    await asyncio.sleep(condition.SETTLED_S)
    await works_again(db)
    assert Path(tmp_path / "a.db-wal").stat().st_size > before
    await db.probe()
    grown = Path(tmp_path / "a.db-wal").stat().st_size
    await db.probe()
    assert Path(tmp_path / "a.db-wal").stat().st_size == grown, "while all is well it costs nothing"


async def test_a_rule_of_the_schema_and_a_wrong_statement_are_no_fault_of_the_disk(db: Database) -> None:
    await note(db, "one")
    for statement in ("INSERT INTO invites SELECT * FROM invites", "INSERT INTO nowhere VALUES (1)"):
        with pytest.raises(sqlite3.Error) as raised:
            async with db.transaction() as tx:
                await tx.all(statement)
        assert not isinstance(raised.value, StorageDown)
    with pytest.raises(sqlite3.OperationalError) as raised:
        await db.read.all("DELETE FROM users")
    assert not isinstance(raised.value, StorageDown)
    assert db.fault is None


def test_damage_is_for_good_and_refuses_every_transaction(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = Condition(tmp_path / "a.db")
    error = sqlite3.DatabaseError("malformed")
    error.sqlite_errorname = "SQLITE_CORRUPT_INDEX"
    assert isinstance(state.failed(error, writing=False), StorageDown)
    state._failed_at -= 10
    state.worked()
    other = sqlite3.OperationalError("full")
    other.sqlite_errorname = "SQLITE_FULL"
    state.failed(other, writing=True)
    assert state.fault is Fault.DAMAGED
    assert not state.may_work()
    with pytest.raises(StorageDown, match="damaged"):
        state.require()
    assert len(said(caplog)) == 1


def test_a_command_beside_the_bot_says_nothing_of_it_twice(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    error = sqlite3.OperationalError("full")
    error.sqlite_errorname = "SQLITE_FULL"
    Condition(tmp_path / "a.db", aloud=False).failed(error, writing=True)
    assert said(caplog) == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("SQLITE_FULL", Fault.FULL),
        ("SQLITE_BUSY_SNAPSHOT", Fault.LOCKED),
        ("SQLITE_IOERR_FSYNC", Fault.FAILING),
        ("SQLITE_READONLY_DBMOVED", Fault.READ_ONLY),
        ("SQLITE_CANTOPEN", Fault.READ_ONLY),
        ("SQLITE_NOTADB", Fault.DAMAGED),
        ("SQLITE_CONSTRAINT_UNIQUE", None),
        ("SQLITE_ERROR", None),
        ("", None),
    ],
)
def test_each_refusal_of_the_engine_has_its_fault(name: str, fault: Fault | None) -> None:
    error = sqlite3.OperationalError("x")
    if name:
        error.sqlite_errorname = name
    assert fault_of(error, writing=True) is fault


@pytest.mark.parametrize("there", [True, False])
async def test_a_full_disk_is_named_at_the_opening(tmp_path: Path, there: bool) -> None:
    with small_disk(tmp_path / "disk", 3_000_000) as disk:
        if there:
            async with await Database.open(disk / "a.db", synchronous="OFF"):
                pass
        filler = fill(disk)
        with pytest.raises(DatabaseUnusable, match="is full"):
            await Database.open(disk / "a.db")
        filler.unlink()
        async with await Database.open(disk / "a.db", synchronous="OFF"):
            pass


async def test_a_database_locked_for_longer_than_the_wait_is_refused_at_the_opening(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "a.db", synchronous="OFF"):
        pass
    with locked(tmp_path / "a.db"), pytest.raises(DatabaseUnusable, match="locked by another program"):
        await (await Database.open(tmp_path / "a.db", lock_wait_s=0.1)).close()
    async with await Database.open(tmp_path / "a.db", synchronous="OFF"):
        pass


def test_a_quiet_condition_changes_all_the_same_and_logs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = Condition(tmp_path / "a.db", aloud=False)
    error = sqlite3.OperationalError("io")
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    state.failed(error, writing=True)
    assert state.fault is Fault.FAILING
    state._failed_at -= 10
    state.worked()
    assert state.fault is None
    assert said(caplog) == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("SQLITE_IOERR_READ", "reports errors (SQLITE_IOERR_READ)"),
        ("SQLITE_FULL", "is full"),
        ("SQLITE_BUSY", "locked by another program"),
        ("SQLITE_CORRUPT_INDEX", "is damaged"),
        ("SQLITE_MISUSE", "cannot be used (SQLITE_MISUSE)"),
        ("", "cannot be used (OperationalError)"),
    ],
)
def test_what_keeps_a_database_from_opening_is_a_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorname = name
    assert sentence in describe(error, tmp_path / "a.db")


def test_a_disk_that_cannot_be_looked_at_has_no_room(tmp_path: Path) -> None:
    assert has_room(tmp_path / "a.db")
    assert not has_room(tmp_path / "gone" / "a.db")
