"""What a crash, or somebody who tidies up, does to the -wal: the database opens with a beginning of its commits."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.people import Role, Seen
from storage import ledger, users
from storage.db import Database
from storage.errors import DatabaseUnusable
from tests.support.services import check_money

COMMITS = 30
HEADER, FRAME = 32, 4096 + 24


@pytest.fixture
async def crash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file and the -wal of a program that was killed after COMMITS payments of 1 to one person."""
    folder = tmp_path_factory.mktemp("crash")
    async with await Database.open(folder / "live.db", synchronous="OFF") as db:
        async with db.transaction() as tx:
            await users.upsert(tx, Seen(1, "Ada"), Role.MEMBER, 0)
        await db._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        for place in range(COMMITS):
            async with db.transaction() as tx:
                await ledger.credit(tx, f"{place}", 1, 1, actor_id=None, reason="", now=0)
        for suffix in ("", "-wal"):
            shutil.copy(folder / f"live.db{suffix}", folder / f"a.db{suffix}")
    return folder / "a.db"


async def _found(crash: Path, folder: Path, wal: bytes | None) -> int:
    """How many of the payments are there, the books being in order."""
    folder.mkdir(exist_ok=True)
    path = folder / "a.db"
    shutil.copy(crash, path)
    if wal is None:
        Path(f"{path}-wal").unlink(missing_ok=True)
    else:
        Path(f"{path}-wal").write_bytes(wal)
    async with await Database.open(path, synchronous="OFF") as db:
        await check_money(db.read)
        balance = await ledger.balance(db.read, 1)
        rows = await db.read.all("SELECT id FROM transfers ORDER BY rowid")
        assert [row["id"] for row in rows] == [str(place) for place in range(balance)], "a beginning, without a gap"
        async with db.transaction() as tx:
            await ledger.credit(tx, "later", 1, 1, actor_id=None, reason="", now=0)
    path.unlink()
    return balance


def _wal(crash: Path) -> bytes:
    return Path(f"{crash}-wal").read_bytes()


async def test_what_was_committed_before_a_crash_is_there_after_it(crash: Path, tmp_path: Path) -> None:
    assert await _found(crash, tmp_path / "x", _wal(crash)) == COMMITS


async def test_a_wal_that_was_cut_off_anywhere_gives_the_commits_before_the_cut(crash: Path, tmp_path: Path) -> None:
    wal = _wal(crash)
    ends = [HEADER + FRAME * frame for frame in range(0, (len(wal) - HEADER) // FRAME + 1, 7)]
    cuts = sorted({0, 1, HEADER, *ends, *(end + 1 for end in ends), *(end - 1 for end in ends[1:]), len(wal) - 1})
    found = [await _found(crash, tmp_path / "x", wal[:cut]) for cut in cuts]
    assert found[0] == 0
    assert found == sorted(found)
    assert len(set(found)) > 5
    assert found[-1] == COMMITS - 1, "of the commit that was cut nothing is there"


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
async def test_a_wal_with_a_garbled_page_gives_the_commits_before_it(crash: Path, tmp_path: Path, part: float) -> None:
    wal = _wal(crash)
    frame = int((len(wal) - HEADER) // FRAME * part)
    at = HEADER + FRAME * frame + 24 + 100
    found = await _found(crash, tmp_path / "x", wal[:at] + b"\xa5" * 50 + wal[at + 50 :])
    assert abs(found - COMMITS * part) <= 1


async def test_without_its_wal_a_database_is_what_it_was_at_the_last_checkpoint(crash: Path, tmp_path: Path) -> None:
    assert await _found(crash, tmp_path / "x", None) == 0
    assert await _found(crash, tmp_path / "x", b"") == 0


async def test_a_wal_of_another_database_is_not_taken_for_its_own(crash: Path, tmp_path: Path) -> None:
    """Its frames would be pages of this one: what comes of it is looked at before anything is believed."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE notes (text TEXT)")
        db.execute("INSERT INTO notes VALUES (hex(zeroblob(9000)))")
        db.commit()
        wal = Path(f"{other}-wal").read_bytes()
    with pytest.raises(DatabaseUnusable):
        await _found(crash, tmp_path / "x", wal)


async def test_a_shared_memory_file_of_another_life_does_no_harm(crash: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.db-shm").write_bytes(b"\xa5" * 32768)
    assert await _found(crash, tmp_path / "x", _wal(crash)) == COMMITS
