"""Backups: whole, private, of one moment although commits go on, and never half there."""

import asyncio
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.people import Role, Seen
from bot.domain.time import DAY, HOUR
from storage import ledger, users
from storage.backup import BackupFailed, back_up
from storage.backups import forget_old, kept_in, name_of, stamp
from storage.db import Database
from storage.errors import DatabaseUnusable
from storage.migrate import migrate
from storage.soundness import examine
from storage.versions import Migration, shipped
from tests.support.disks import fill, small_disk

ROOT = Path(__file__).parents[2]
NOW = 1_769_860_800_000  # 2026-01-31 12:00 UTC


async def credit(db: Database, count: int, start: int = 0) -> None:
    for place in range(start, start + count):
        async with db.transaction() as tx:
            await ledger.credit(tx, f"t{place}", 1, 100, actor_id=None, reason="x" * 200, now=0)


async def settled(db: Database) -> None:
    async with db.transaction() as tx:
        await users.upsert(tx, Seen(1, "Ada"), Role.MEMBER, 0)


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Database]:
    """A database in use, of a few hundred pages, part of them in its -wal."""
    async with await Database.open(tmp_path / "live.db", synchronous="OFF") as db:
        await settled(db)
        async with db.transaction() as tx:
            await tx.all(
                """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
                   INSERT INTO transfers (id, kind, from_account, to_account, amount, reason, created_at)
                   SELECT 'seed' || i, 'credit', 'operator', 'person:1', 100, printf('%0300d', i), 0 FROM n"""
            )
        await credit(db, 5)
        yield db


def transfers(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM transfers").fetchone()[0])


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Gate:
    """A step after which the copy waits until the test has done something."""

    def __init__(self) -> None:
        self.reached, self.open, self.steps = threading.Event(), threading.Event(), 0

    def __call__(self) -> None:
        self.steps += 1
        self.reached.set()
        assert self.open.wait(10)

    async def is_reached(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, 10)


async def test_a_backup_is_of_the_moment_in_which_it_began_and_commits_go_on_meanwhile(
    live: Database, tmp_path: Path
) -> None:
    gate = Gate()
    copying = asyncio.create_task(back_up(tmp_path / "live.db", tmp_path / "b" / "one.db", step=gate))
    await gate.is_reached()
    async with asyncio.timeout(10):
        await credit(live, 20, 100)  # while the copy stands still in the middle
    gate.open.set()
    made = await copying
    assert gate.steps > 1, "it is copied by stretches"
    assert transfers(made.path) == 4005, "no commit of later is in it, and none of before is missing"
    assert await examine(tmp_path / "live.db") == made.schema == shipped()[-1].version
    row = await live.read.one("SELECT count(*) AS n FROM transfers")
    assert row is not None
    assert row["n"] == 4025


async def test_a_backup_is_one_file_for_its_owner_only(live: Database, tmp_path: Path) -> None:
    made = await back_up(tmp_path / "live.db", tmp_path / "b" / "one.db")
    assert files(tmp_path / "b") == ["one.db"]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert made.size == made.path.stat().st_size
    assert made.path.read_bytes()[18:20] == b"\x01\x01", "it needs no files beside it"


async def test_a_database_that_nobody_uses_is_backed_up_and_left_as_it_was(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "a.db", synchronous="OFF") as db:
        await settled(db)
        await credit(db, 3)
    before = (tmp_path / "a.db").read_bytes()
    await back_up(tmp_path / "a.db", tmp_path / "b.db")
    assert transfers(tmp_path / "b.db") == 3
    assert (tmp_path / "a.db").read_bytes() == before
    assert files(tmp_path) == ["a.db", "a.db.lock", "b.db"]


async def test_nothing_is_overwritten(live: Database, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BackupFailed, match="is there already"):
        await back_up(tmp_path / "live.db", tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".*"))


async def test_a_folder_that_cannot_be_one_is_named(live: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackupFailed, match="BACKUP_DIR") as failed:
        await back_up(tmp_path / "live.db", tmp_path / "file" / "one.db")
    assert failed.value.reason == "no_place"


def _corrupted(path: Path) -> None:
    whole = path.read_bytes()
    page = next(at for at in range(4096 * 4, len(whole), 4096) if b"000100" in whole[at : at + 4096])
    path.write_bytes(whole[:page] + b"\xa5" * 4096 + whole[page + 4096 :])


def _unbalanced(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 'person:1'")
        db.commit()


def _both_wrong(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 'person:1'")
        db.execute("UPDATE accounts SET balance = balance - 1 WHERE id = 'operator'")
        db.commit()


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO migrations VALUES (9999, 'future', 0)")
        db.commit()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [(_corrupted, "damaged"), (_unbalanced, "add up"), (_both_wrong, "add up"), (_newer, "newer")],
)
async def test_a_copy_that_is_not_sound_is_no_backup(tmp_path: Path, spoil: Callable[[Path], None], word: str) -> None:
    path = tmp_path / "a.db"
    async with await Database.open(path, synchronous="OFF") as db:
        await settled(db)
        for place in range(3):
            async with db.transaction() as tx:
                for each in range(100):
                    reason = f"{place * 100 + each:06}" * 30
                    await ledger.credit(tx, reason[:9], 1, 1, actor_id=None, reason=reason, now=0)
    spoil(path)
    with pytest.raises(BackupFailed, match=word) as failed:
        await back_up(path, tmp_path / "b" / "b.db")
    assert failed.value.reason == "damaged"
    assert files(tmp_path / "b") == []


async def test_a_backup_that_is_cut_short_leaves_nothing(live: Database, tmp_path: Path) -> None:
    gate = Gate()
    copying = asyncio.create_task(back_up(tmp_path / "live.db", tmp_path / "b" / "one.db", step=gate))
    await gate.is_reached()
    assert files(tmp_path / "b") != []
    copying.cancel()
    asyncio.get_running_loop().call_later(0.05, gate.open.set)
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert gate.steps == 1, "it ends with the stretch that was being copied"
    assert files(tmp_path / "b") == []


async def test_a_backup_that_is_stopped_as_its_file_appears_leaves_nothing(live: Database, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    making = asyncio.create_task(back_up(tmp_path / "live.db", folder / "a.db"))
    for _ in range(3):
        await asyncio.sleep(0)  # it gets as far as to ask a thread for its file
    deadline = time.monotonic() + 5
    while not (folder.is_dir() and list(folder.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.001)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert list(folder.iterdir()) == []


async def test_a_disk_that_is_full_leaves_nothing_of_a_backup(live: Database, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 300_000) as disk:
        with pytest.raises(BackupFailed, match="its disk is full") as failed:
            await back_up(tmp_path / "live.db", disk / "b" / "one.db")
        assert failed.value.reason == "disk_full"
        assert files(disk / "b") == []
    await credit(live, 1, 500)


def test_a_file_that_may_not_grow_leaves_nothing_of_a_backup(tmp_path: Path) -> None:
    """As `ulimit -f` or a quota has it; it needs no rights, so it is tried everywhere."""
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom storage.backup import BackupFailed, back_up\n"
        "try:\n    asyncio.run(back_up(Path(sys.argv[1]), Path(sys.argv[2])))\n"
        "except BackupFailed as error:\n    print(error.reason, error)\n"
    )

    async def make() -> None:
        async with await Database.open(tmp_path / "a.db", synchronous="OFF") as db:
            await settled(db)

    asyncio.run(make())
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.db"), str(tmp_path / "b" / "b.db")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert ended.stdout.startswith("failed "), ended.stderr
    assert str(tmp_path / "b" / "b.db") in ended.stdout
    assert files(tmp_path / "b") == []


# The folder


def test_a_name_tells_the_time_in_utc(tmp_path: Path) -> None:
    assert stamp(NOW) == "20260131T120000Z"
    assert name_of(Path("data/code.pigeon.db"), NOW) == "code.pigeon-20260131T120000Z.db"
    (tmp_path / "bot-20260131T120000Z.db").touch()
    (kept,) = kept_in(tmp_path, Path("bot.db"))
    assert kept.made_at == NOW


def test_only_backups_of_this_database_count(tmp_path: Path) -> None:
    names = ["bot-20260131T120000Z.db", "bot-20269931T120000Z.db", "bot.db", "bot-20260131T120000Z.db-wal", "robot.db"]
    for name in [*names, "other-20260131T120000Z.db", "robot-20260131T120000Z.db"]:
        (tmp_path / name).touch()
    assert [one.path.name for one in kept_in(tmp_path, Path("bot.db"))] == ["bot-20260131T120000Z.db"]
    assert kept_in(tmp_path / "nowhere", Path("bot.db")) == []


def _made(folder: Path, *ages_h: int) -> None:
    for age in ages_h:
        (folder / name_of(Path("bot.db"), NOW - age * HOUR)).touch()


def _ages(folder: Path) -> list[int]:
    return [(NOW - one.made_at) // HOUR for one in kept_in(folder, Path("bot.db"))]


def test_a_backup_goes_when_it_is_old_and_enough_newer_ones_are_there(tmp_path: Path) -> None:
    _made(tmp_path, 0, 24, 48, 72, 96)
    (tmp_path / "other-20200131T120000Z.db").touch()
    forget_old(tmp_path, Path("bot.db"), 3, NOW)
    assert _ages(tmp_path) == [0, 24, 48]
    assert (tmp_path / "other-20200131T120000Z.db").exists()


def test_many_of_one_day_push_no_older_day_out_and_a_long_pause_deletes_none(tmp_path: Path) -> None:
    _made(tmp_path, 0, 1, 2, 3, 24, 48)
    forget_old(tmp_path, Path("bot.db"), 3, NOW)
    assert _ages(tmp_path) == [0, 1, 2, 3, 24, 48]
    forget_old(tmp_path, Path("bot.db"), 3, NOW + 100 * DAY)
    assert _ages(tmp_path) == [0, 1, 2]


def test_what_a_kill_cut_off_is_removed_once_nobody_writes_it(tmp_path: Path) -> None:
    old, new = tmp_path / ".bot-1.db.abcd.partial", tmp_path / ".bot-2.db.abcd.partial"
    for path in (old, new, tmp_path / ".bot-1.db.abcd.partial-journal"):
        path.touch()
    for path in (old, tmp_path / ".bot-1.db.abcd.partial-journal"):
        os.utime(path, (1, 1))
    forget_old(tmp_path, Path("bot.db"), 3, NOW)
    assert files(tmp_path) == [new.name]


# Before a migration

NEXT = Migration(shipped()[-1].version + 1, "next", "CREATE TABLE extra (id INTEGER);")


async def test_the_copy_before_a_migration_is_private_and_whole(live: Database, tmp_path: Path) -> None:
    await live.close()
    db = await Database.open(tmp_path / "live.db", synchronous="OFF")
    try:
        await migrate(db._writer, tmp_path / "live.db", (*shipped(), NEXT))
    finally:
        await db.close()
    (copy,) = tmp_path.glob("live.db.before-*")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert transfers(copy) == 4005


async def test_no_migration_without_room_for_the_copy(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2_000_000) as disk:
        path = disk / "a.db"
        db = await Database.open(path, synchronous="OFF")
        fill(disk)
        try:
            with pytest.raises(DatabaseUnusable, match=r"needs a backup first\..*its disk is full"):
                await migrate(db._writer, path, (*shipped(), NEXT))
            assert await db.version() == shipped()[-1].version
        finally:
            await db.close()
        assert [name for name in files(disk) if "before" in name] == []
