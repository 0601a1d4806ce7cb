"""Transactions: alone, whole or not at all, and over whatever happens to the task that opened them."""

import asyncio
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from storage.db import Database, Tx
from tests.support.services import eventually

ROOT = Path(__file__).parents[2]


async def _note(tx: Tx, name: str) -> None:
    await tx.all("INSERT INTO invites (token_hash, role, created_at, expires_at) VALUES ($1, 'member', 0, 0)", name)


async def _noted(db: Database) -> list[str]:
    return [row["token_hash"] for row in await db.read.all("SELECT token_hash FROM invites ORDER BY token_hash")]


async def test_fifty_at_once_are_each_alone(db: Database) -> None:
    async def add_one() -> None:
        async with db.transaction() as tx:
            row = await tx.one("SELECT balance FROM accounts WHERE id = 'operator'")
            assert row is not None
            await asyncio.sleep(0)
            await tx.all("UPDATE accounts SET balance = $1 WHERE id = 'operator'", row["balance"] + 1)

    await asyncio.gather(*(add_one() for _ in range(50)))
    row = await db.read.one("SELECT balance FROM accounts WHERE id = 'operator'")
    assert row is not None
    assert row["balance"] == 50


async def test_nobody_sees_what_is_not_committed(db: Database) -> None:
    async with db.transaction() as tx:
        await _note(tx, "a")
        assert await _noted(db) == []
        assert await tx.one("SELECT 1 FROM invites") is not None
    assert await _noted(db) == ["a"]


async def test_an_exception_undoes_all_of_it(db: Database) -> None:
    with pytest.raises(ValueError, match="planted"):  # noqa: PT012
        async with db.transaction() as tx:
            await _note(tx, "a")
            raise ValueError("planted")
    with pytest.raises(sqlite3.IntegrityError):  # noqa: PT012
        async with db.transaction() as tx:
            await _note(tx, "b")
            await _note(tx, "b")
    assert await _noted(db) == []


async def test_a_task_cancelled_at_any_await_leaves_nothing_open(db: Database) -> None:
    async def work(name: str) -> None:
        async with db.transaction() as tx:
            await _note(tx, name)
            await asyncio.sleep(0)
            await _note(tx, name + "'")

    committed = cancelled = 0
    for steps in range(40):
        task = asyncio.create_task(work(f"w{steps}"))
        for _ in range(steps):
            await asyncio.sleep(0 if steps % 2 else 0.0001)
        task.cancel()
        result = (await asyncio.gather(task, return_exceptions=True))[0]
        cancelled += isinstance(result, asyncio.CancelledError)
        names = [name for name in await _noted(db) if name.startswith(f"w{steps}")]
        assert len(names) in (0, 2), "half of it was kept"
        committed += len(names) // 2
        assert not db._writer.in_transaction
        async with db.transaction() as tx:
            await _note(tx, f"next{steps}")
    assert cancelled
    assert len(await _noted(db)) == 40 + 2 * committed


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT"])
async def test_a_cancel_while_the_engine_is_busy_waits_for_its_end(db: Database, statement: str) -> None:
    """Another program holds the file's lock meanwhile, so that BEGIN is under way for a while."""
    blocker = sqlite3.connect(await _path(db), isolation_level=None, check_same_thread=False)
    if statement == "BEGIN IMMEDIATE":
        blocker.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, lambda: blocker.execute("ROLLBACK")).start()
    started = asyncio.Event()

    def slow_commit(point: str) -> None:
        if point == "before commit" and statement == "COMMIT":
            db._writer._tx.put_nowait((None, lambda: time.sleep(0.2)))
            started.set()

    db._hook = slow_commit

    async def work() -> None:
        async with db.transaction() as tx:
            await _note(tx, "a")

    task = asyncio.create_task(work())
    await (asyncio.sleep(0.05) if statement == "BEGIN IMMEDIATE" else started.wait())
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.02)
    assert not task.done(), "the statement runs in its thread still"
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not db._writer.in_transaction
    assert await _noted(db) == (["a"] if statement == "COMMIT" else [])
    db._hook = lambda _point: None
    async with db.transaction() as tx:
        await _note(tx, "b")
    blocker.close()


async def _path(db: Database) -> str:
    row = await db.read.one("SELECT file FROM pragma_database_list WHERE name = 'main'")
    assert row is not None
    return str(row["file"])


async def test_a_commit_that_fails_is_undone_and_the_next_one_works(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.all("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        await tx.all("CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError):  # noqa: PT012
        async with db.transaction() as tx:
            await tx.all("INSERT INTO children (parent) VALUES (404)")
            await _note(tx, "a")
    assert not db._writer.in_transaction
    async with db.transaction() as tx:
        await _note(tx, "b")
    assert await _noted(db) == ["b"]


@pytest.mark.parametrize("point", ["before commit", "after commit"])
async def test_an_error_around_the_commit_leaves_nothing_open(db: Database, point: str) -> None:
    def fail(now: str) -> None:
        if now == point:
            raise OSError("planted")

    db._hook = fail
    with pytest.raises(OSError, match="planted"):
        async with db.transaction() as tx:
            await _note(tx, "a")
    db._hook = lambda _point: None
    assert await _noted(db) == ([] if point == "before commit" else ["a"])
    async with db.transaction() as tx:
        await _note(tx, "b")


async def test_a_transaction_left_open_by_a_failed_rollback_is_undone_by_the_next(db: Database) -> None:
    await db._writer.execute_fetchall("BEGIN IMMEDIATE")
    await db._writer.execute_fetchall(
        "INSERT INTO invites (token_hash, role, created_at, expires_at) VALUES ('x', 'member', 0, 0)"
    )
    async with db.transaction() as tx:
        await _note(tx, "b")
    assert await _noted(db) == ["b"]


async def test_one_inside_another_is_refused_also_in_a_task_that_it_waits_for(db: Database) -> None:
    async def inner() -> None:
        async with db.transaction():
            pass

    async with db.transaction() as tx:
        with pytest.raises(RuntimeError):
            await inner()
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(inner(), 1)
        await _note(tx, "a")
    assert await _noted(db) == ["a"]


async def test_a_task_started_inside_one_may_open_its_own_once_that_has_ended(db: Database) -> None:
    async def later() -> None:
        await asyncio.sleep(0.01)
        async with db.transaction() as tx:
            await _note(tx, "b")

    async with db.transaction() as tx:
        task = asyncio.create_task(later())
        await _note(tx, "a")
    await task
    assert await _noted(db) == ["a", "b"]


async def test_a_transaction_that_has_ended_writes_nothing(db: Database) -> None:
    async with db.transaction() as tx:
        kept = tx
    with pytest.raises(RuntimeError):
        await _note(kept, "a")
    assert await _noted(db) == []


async def test_the_reader_cannot_write(db: Database) -> None:
    with pytest.raises(sqlite3.OperationalError):
        await db.read.all("DELETE FROM users")


async def test_half_a_surrogate_pair_is_stored_as_a_question_mark(db: Database) -> None:
    async with db.transaction() as tx:
        await _note(tx, "a\ud83d")
    assert await _noted(db) == ["a?"]
    assert await db.read.one("SELECT 1 FROM invites WHERE token_hash = $1", "a\ud83d") is not None


async def test_closing_waits_for_what_runs_and_can_be_done_twice(tmp_path: Path) -> None:
    db = await Database.open(tmp_path / "a.db", synchronous="OFF")
    inside = asyncio.Event()

    async def work() -> None:
        async with db.transaction() as tx:
            inside.set()
            await asyncio.sleep(0.05)
            await _note(tx, "a")

    task = asyncio.create_task(work())
    await inside.wait()
    await asyncio.gather(db.close(), db.close())
    await task
    await db.close()
    with pytest.raises(ValueError, match="closed"):
        await db.read.all("SELECT 1")
    async with await Database.open(tmp_path / "a.db", synchronous="OFF") as again:
        assert await _noted(again) == ["a"]


async def test_a_close_that_is_cancelled_closes_all_the_same(tmp_path: Path) -> None:
    db = await Database.open(tmp_path / "a.db", synchronous="OFF")
    forever, inside = asyncio.Event(), asyncio.Event()

    async def stuck() -> None:
        async with db.transaction() as tx:
            inside.set()
            await forever.wait()
            await _note(tx, "a")

    task = asyncio.create_task(stuck())
    await inside.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await db.close()
    forever.set()
    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], ValueError)
    await _threads_have_ended()
    async with await Database.open(tmp_path / "a.db", synchronous="OFF") as again:
        assert await _noted(again) == []


async def test_an_opening_that_is_cancelled_leaves_no_thread_and_no_claim(tmp_path: Path) -> None:
    opened = 0
    for steps in range(0, 30, 2):
        task = asyncio.create_task(Database.open(tmp_path / "a.db", synchronous="OFF"))
        for _ in range(steps):
            await asyncio.sleep(0.0003)
        task.cancel()
        result = (await asyncio.gather(task, return_exceptions=True))[0]
        if isinstance(result, Database):
            opened += 1
            await result.close()
    await _threads_have_ended()
    async with await Database.open(tmp_path / "a.db", synchronous="OFF"):
        pass


async def _threads_have_ended() -> None:
    async def ended() -> bool:
        return not any("_connection_worker_thread" in one.name for one in threading.enumerate())

    await eventually(ended)


PROGRAMS = {
    "an exception outside": """
        db = await Database.open(PATH)
        async with db:
            raise SystemExit(3)
    """,
    "an exception in a transaction": """
        async with await Database.open(PATH) as db:
            async with db.transaction() as tx:
                await tx.all("DELETE FROM invites")
                raise SystemExit(3)
    """,
    "a cancelled main task in a transaction": """
        async with await Database.open(PATH) as db:
            asyncio.get_running_loop().call_later(0.1, asyncio.current_task().cancel)
            async with db.transaction() as tx:
                await asyncio.sleep(60)
    """,
    "a task left over in a transaction": """
        async with await Database.open(PATH) as db:
            async def left() -> None:
                async with db.transaction() as tx:
                    await asyncio.sleep(0.2)
            task = asyncio.create_task(left())
            await asyncio.sleep(0.05)
            raise SystemExit(3)
    """,
    "a database that cannot be opened": """
        PATH.write_bytes(b"no database at all, but long enough to be read as one" * 20)
        await Database.open(PATH)
    """,
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_process_whose_main_fails_ends_within_seconds(tmp_path: Path, program: str) -> None:
    source = f"""
import asyncio
from pathlib import Path
from storage.db import Database
PATH = Path({str(tmp_path / "a.db")!r})
async def main() -> None:
{textwrap.indent(textwrap.dedent(program), "    ")}
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", source], cwd=ROOT, timeout=10, capture_output=True, text=True)
    assert ended.returncode != 0
    assert "never retrieved" not in ended.stderr
