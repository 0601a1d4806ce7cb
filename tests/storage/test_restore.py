"""Restoring: only what is sound, only where nobody is at work, and never so that a kill leaves half of it."""

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.people import Role, Seen
from storage import ledger, users
from storage.backup import back_up
from storage.db import Database
from storage.errors import DatabaseUnusable
from storage.restore import Restored, restore
from storage.versions import shipped
from tests.support.disks import small_disk

ROOT = Path(__file__).parents[2]


async def made(path: Path, money: int) -> None:
    """A database in which one person has `money`."""
    async with await Database.open(path, synchronous="OFF") as db:
        async with db.transaction() as tx:
            await users.upsert(tx, Seen(1, "Ada"), Role.MEMBER, 0)
        await pay(db, money)


async def pay(db: Database, money: int) -> None:
    async with db.transaction() as tx:
        await ledger.credit(tx, f"pay{money}", 1, money, actor_id=None, reason="", now=0)


async def money(path: Path) -> int:
    """As the program finds it."""
    async with await Database.open(path, synchronous="OFF") as db:
        return await ledger.balance(db.read, 1)


async def crashed(path: Path, amount: int) -> None:
    """A database of a program that was killed: its last commits stand in its -wal alone."""
    await made(path, 1)
    async with await Database.open(path, synchronous="OFF") as db:
        await pay(db, amount)
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{path}{suffix}.kept")
    for suffix in ("", "-wal"):
        Path(f"{path}{suffix}.kept").rename(f"{path}{suffix}")
    assert Path(f"{path}-wal").stat().st_size > 0


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


async def again(backup: Path, database: Path, *, force: bool = True, stamp: str = "NOW") -> Restored:
    return await restore(backup, database, stamp=stamp, force=force)


@pytest.fixture
async def backup(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    await made(tmp_path / "first.db", 100)
    await back_up(tmp_path / "first.db", tmp_path / "kept" / "b.db")
    (tmp_path / "first.db").unlink()
    return tmp_path / "kept" / "b.db"


async def test_a_backup_becomes_a_database_where_there_is_none(backup: Path, tmp_path: Path) -> None:
    database = tmp_path / "new" / "a.db"
    restored = await again(backup, database, force=False)
    assert restored == Restored(shipped()[-1].version, None)
    assert not restored.is_older
    assert files(database.parent) == ["a.db"]
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert await money(database) == 100
    assert files(backup.parent) == ["b.db"], "the backup is as it was"


async def test_a_database_that_is_there_is_replaced_by_force_only_and_kept(backup: Path, tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    await made(database, 7)
    before = database.read_bytes()
    with pytest.raises(DatabaseUnusable, match="--force"):
        await again(backup, database, force=False)
    assert database.read_bytes() == before
    restored = await again(backup, database)
    assert restored.replaced == tmp_path / "a.db.replaced-NOW"
    assert await money(database) == 100
    assert await money(restored.replaced) == 7


async def test_what_stood_in_the_wal_of_the_old_one_is_kept_with_it_and_touches_not_the_new_one(
    backup: Path, tmp_path: Path
) -> None:
    database = tmp_path / "a.db"
    await crashed(database, 7)
    restored = await again(backup, database)
    assert files(tmp_path) == ["a.db", "a.db.replaced-NOW", "kept"]
    assert await money(database) == 100
    assert restored.replaced is not None
    assert await money(restored.replaced) == 8


async def test_a_damaged_database_is_kept_byte_by_byte_with_its_wal(backup: Path, tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    await crashed(database, 7)
    database.write_bytes(b"no database any more" * 1000)
    old, wal = database.read_bytes(), Path(f"{database}-wal").read_bytes()
    restored = await again(backup, database)
    assert await money(database) == 100
    assert restored.replaced is not None
    assert restored.replaced.read_bytes() == old
    assert Path(f"{restored.replaced}-wal").read_bytes() == wal


async def test_a_wal_that_is_left_alone_is_put_aside(backup: Path, tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    await crashed(database, 7)
    database.unlink()
    await again(backup, database, force=False)
    assert await money(database) == 100
    assert (tmp_path / "a.db.replaced-NOW-wal").exists()


async def test_nothing_is_restored_under_a_bot_that_runs(backup: Path, tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    await made(database, 7)
    async with await Database.open(database, synchronous="OFF") as db:
        with pytest.raises(DatabaseUnusable, match="Another codepigeon is running"):
            await again(backup, database)
        await pay(db, 3)
    assert await money(database) == 10
    assert files(tmp_path) == ["a.db", "kept"]


async def test_a_database_copied_with_its_wal_is_a_backup_too(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    await crashed(tmp_path / "kept" / "old.db", 7)
    await again(tmp_path / "kept" / "old.db", tmp_path / "a.db", force=False)
    assert await money(tmp_path / "a.db") == 8


async def test_a_backup_of_an_older_release_is_restored_and_upgraded_by_the_next_start(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as db:
        db.executescript(shipped()[0].sql)
        db.execute("INSERT INTO migrations VALUES (1, 'initial', 0)")
        db.commit()
    restored = await again(old, tmp_path / "a.db")
    assert restored.is_older
    async with await Database.open(tmp_path / "a.db", synchronous="OFF") as opened:
        assert await opened.version() == shipped()[-1].version


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _garbled(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))


def _no_database(path: Path) -> None:
    path.write_bytes(b"my holidays\n" * 1000)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _statement(*statements: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    return spoil


def _foreign(path: Path) -> None:
    path.unlink()
    _statement("CREATE TABLE notes (text TEXT)")(path)


SPOILT = {
    "cut": (_cut, "damaged"),
    "garbled": (_garbled, "damaged"),
    "no database": (_no_database, "no backup"),
    "empty": (_empty, "nothing in"),
    "foreign": (_foreign, "another program"),
    "newer": (_statement("INSERT INTO migrations VALUES (9999, 'future', 0)"), "newer"),
    "half-migrated": (_statement("DELETE FROM migrations WHERE version = 2"), "half-migrated"),
    "does not add up": (_statement("UPDATE accounts SET balance = balance + 1 WHERE id = 'person:1'"), "add up"),
    "not there": (Path.unlink, "no backup"),
}


@pytest.mark.parametrize(("spoil", "word"), SPOILT.values(), ids=SPOILT)
async def test_what_is_no_sound_backup_changes_nothing(
    backup: Path, tmp_path: Path, spoil: Callable[[Path], None], word: str
) -> None:
    database = tmp_path / "a.db"
    await made(database, 7)
    before = database.read_bytes()
    spoil(backup)
    with pytest.raises(DatabaseUnusable, match=word) as refused:
        await again(backup, database)
    assert str(backup) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert database.read_bytes() == before
    assert files(tmp_path) == ["a.db", "kept"]


async def test_a_database_is_no_backup_of_itself(tmp_path: Path) -> None:
    await made(tmp_path / "a.db", 7)
    with pytest.raises(DatabaseUnusable, match="the database itself"):
        await again(tmp_path / "a.db", tmp_path / "a.db")
    assert await money(tmp_path / "a.db") == 7


async def test_a_disk_without_room_for_it_keeps_the_old_one(backup: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 450_000) as disk:
        await made(tmp_path / "a.db", 7)
        shutil.copy(tmp_path / "a.db", disk / "a.db")
        with pytest.raises(DatabaseUnusable, match="is full"):
            await again(backup, disk / "a.db")
        shutil.copy(disk / "a.db", tmp_path / "b.db")
        assert files(disk) == ["a.db"]
    assert await money(tmp_path / "b.db") == 7


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from storage.restore import restore
left = int(sys.argv[3])
def count(event, args):
    global left
    if event in ("os.link", "os.rename", "os.remove", "os.truncate"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
asyncio.run(restore(Path(sys.argv[1]), Path(sys.argv[2]), stamp="NOW", force=True))
"""


@pytest.mark.parametrize("state", ["stopped", "crashed"])
async def test_a_kill_at_any_point_leaves_the_old_database_or_the_new_one(
    backup: Path, tmp_path: Path, state: str
) -> None:
    found, whole = [], backup.read_bytes()
    for point in range(1, 40):
        folder = tmp_path / f"{state}{point}"
        folder.mkdir()
        database = folder / "a.db"
        await (made(database, 8) if state == "stopped" else crashed(database, 7))
        ended = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", KILLED, str(backup), str(database), str(point)],
            cwd=ROOT,
            timeout=20,
        )
        found.append(await money(database))
        assert backup.read_bytes() == whole
        if ended.returncode == 0:
            break
        if found[-1] == 100:
            assert await money(folder / "a.db.replaced-NOW") == 8
        await again(backup, database, stamp="LATER")
        assert await money(database) == 100
        assert not list(folder.glob(".*")), "nothing that was cut off stays"
    assert ended.returncode == 0
    assert set(found) == {8, 100}
    assert len(found) > 3
    assert found == sorted(found), "once it is the new one, it stays the new one"
