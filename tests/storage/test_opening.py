"""Opening: what is not ours, not sound or not known is refused with a sentence, and left as it was."""

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from storage.db import Database
from storage.errors import DatabaseUnusable
from storage.lock import FileLock, is_there
from storage.migrate import migrate
from storage.versions import Migration, shipped

ROOT = Path(__file__).parents[2]


def _sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        return rows
    finally:
        connection.close()


async def _made(path: Path) -> None:
    async with await Database.open(path, synchronous="OFF"):
        pass


async def _refused(path: Path, *, exclusive: bool = True) -> str:
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(DatabaseUnusable) as refused:
        await (await Database.open(path, exclusive=exclusive)).close()
    assert (path.read_bytes() if path.is_file() else b"") == before, "the file was changed"
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def test_a_new_database_is_made_with_its_folder_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a b%20?#.db"
    await _made(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with await Database.open(path, synchronous="OFF") as db:
        assert await db.version() == shipped()[-1].version
        row = await db.read.one("PRAGMA journal_mode")
        assert row is not None
        assert row[0] == "wal"


@pytest.mark.parametrize("exclusive", [True, False])
async def test_a_database_that_can_only_be_read_is_refused_at_the_opening(tmp_path: Path, exclusive: bool) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    content = bytearray(path.read_bytes())
    content[18] = 3  # the write version of a later SQLite: such a file is opened for reading alone, by root too
    path.write_bytes(content)
    assert "cannot be opened for writing" in await _refused(path, exclusive=exclusive)


def test_a_place_that_cannot_be_looked_at_is_named(tmp_path: Path) -> None:
    assert not is_there(tmp_path / "a.db")
    with pytest.raises(DatabaseUnusable, match="DATABASE_URL"):
        is_there(tmp_path / ("a" * 300))


async def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    await _made(path)
    assert (await _version(path)) == shipped()[-1].version


async def _version(path: Path) -> int:
    async with await Database.open(path, synchronous="OFF") as db:
        return await db.version()


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE notes (text TEXT)",),
        ("CREATE TABLE notes (text TEXT)", "PRAGMA journal_mode = WAL"),
        ("CREATE TABLE migrations (id INTEGER, batch INTEGER)",),
        ("CREATE TABLE migrations (version INTEGER, name TEXT, applied_at INTEGER)",),
        (
            "CREATE TABLE migrations (version INTEGER, name TEXT, applied_at INTEGER)",
            "INSERT INTO migrations VALUES (1, 'create_users', 0)",
        ),
        ("CREATE VIEW migrations AS SELECT 1 AS version, 'initial' AS title",),
    ],
)
async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, statements: tuple[str, ...]) -> None:
    path = tmp_path / "foreign.db"
    _sql(path, *statements)
    for exclusive in (True, False):
        assert "another program" in await _refused(path, exclusive=exclusive)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    for content in (b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 4080, b"short"):
        path = tmp_path / "text.db"
        path.write_bytes(content)
        for exclusive in (True, False):
            assert "not a SQLite database" in await _refused(path, exclusive=exclusive)


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    _sql(path, "INSERT INTO migrations VALUES (9999, 'from_the_future', 0)")
    for exclusive in (True, False):
        message = await _refused(path, exclusive=exclusive)
        assert "newer" in message
        assert "9999" in message


async def test_a_database_whose_file_is_of_a_newer_form_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    _sql(path, "PRAGMA user_version = 3")
    for exclusive in (True, False):
        assert "newer" in await _refused(path, exclusive=exclusive)


@pytest.mark.parametrize("missing", [2, shipped()[-1].version - 1])
async def test_a_half_migrated_database_is_refused_and_left_alone(tmp_path: Path, missing: int) -> None:
    """A later step without an earlier one: somebody has put files of two times together."""
    path = tmp_path / "a.db"
    await _made(path)
    _sql(path, f"DELETE FROM migrations WHERE version = {missing:d}")  # noqa: S608
    for exclusive in (True, False):
        message = await _refused(path, exclusive=exclusive)
        assert f"half-migrated: step {missing} " in message


async def test_a_damaged_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    _sql(
        path,
        "PRAGMA journal_mode = DELETE",
        """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
           INSERT INTO invites (token_hash, role, created_at, expires_at)
           SELECT 'token ' || i, 'member', 0, 0 FROM n""",
    )
    whole = path.read_bytes()
    page = next(place for place in range(4096, len(whole), 4096) if b"token 1" in whole[place : place + 4096])
    path.write_bytes(whole[:page] + b"\xa5" * 4096 + whole[page + 4096 :])
    assert "damaged" in await _refused(path)
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in await _refused(path)


async def test_a_path_that_cannot_be_a_database_is_refused(tmp_path: Path) -> None:
    assert "is a folder" in await _refused(tmp_path)
    (tmp_path / "file").touch()
    assert "cannot be written" in await _refused(tmp_path / "file" / "a.db")
    with pytest.raises(DatabaseUnusable):
        await (await Database.open(tmp_path / "none.db", exclusive=False)).close()
    assert not (tmp_path / "none.db").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody who may not")
def test_a_file_or_folder_that_may_not_be_read_or_written_is_refused() -> None:
    home = Path(tempfile.mkdtemp())  # pytest's own folders are closed to others
    home.chmod(0o755)
    program = (
        "import asyncio, concurrent.futures.thread, os, sys\nfrom pathlib import Path\n"
        "from storage.db import Database, DatabaseUnusable\nfrom storage.versions import shipped\n"
        "shipped(); os.setgid(65534); os.setuid(65534)\n"
        "try:\n    asyncio.run(Database.open(Path(sys.argv[1])))\n"
        "except DatabaseUnusable as error:\n    print(error)\n"
    )
    try:
        (home / "mine.db").write_bytes(b"")
        (home / "mine.db").chmod(0)
        (home / "open").mkdir()
        (home / "open").chmod(0o777)
        (home / "open" / "mine.db").write_bytes(b"")
        (home / "open" / "mine.db").chmod(0)
        asyncio.run(_made(home / "sound.db"))
        shutil.copy(home / "sound.db", home / "open" / "sound.db")
        for sound in (home / "sound.db", home / "open" / "sound.db"):
            sound.chmod(0o644)
        for path, sentence in (
            (home / "mine.db", "cannot be written"),
            (home / "open" / "mine.db", "cannot be opened"),
            (home / "sound.db", "folder"),
            (home / "open" / "sound.db", "cannot be opened for writing"),
        ):
            before = path.read_bytes()
            ended = subprocess.run(
                [sys.executable, "-c", program, str(path)], cwd=ROOT, timeout=10, capture_output=True, text=True
            )
            assert sentence in ended.stdout, ended.stderr
            assert path.read_bytes() == before
    finally:
        shutil.rmtree(home)


async def test_two_programs_never_share_a_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    (tmp_path / "link.db").symlink_to(path)
    async with await Database.open(path, synchronous="OFF"):
        for same in (path, tmp_path / "link.db", tmp_path / "x" / ".." / "a.db"):
            (tmp_path / "x").mkdir(exist_ok=True)
            assert "Another codepigeon is running" in await _refused(same)
        async with await Database.open(path, exclusive=False) as beside:
            assert await beside.read.all("SELECT * FROM users") == []
    await _made(path)


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom storage.lock import FileLock\n"
        "lock = FileLock.claim(Path(sys.argv[1]))\nprint('claimed', flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, timeout=10, capture_output=True)
    assert ended.stdout == b"claimed\n"
    FileLock.claim(path).release()


async def test_a_command_beside_the_bot_writes_and_migrates_nothing_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    assert "older codepigeon" in await _refused(path, exclusive=False)
    assert path.read_bytes() == b""


# Migrations

NEXT = shipped()[-1].version + 1
SECOND = Migration(NEXT, "second", "CREATE TABLE extra (id INTEGER PRIMARY KEY); INSERT INTO extra VALUES (1), (2);")
THIRD = Migration(NEXT + 1, "third", "ALTER TABLE extra ADD COLUMN name TEXT NOT NULL DEFAULT '';")
BROKEN = Migration(
    NEXT + 1, "broken", "CREATE TABLE half (id INTEGER); INSERT INTO half VALUES (1); INSERT INTO nowhere VALUES (1);"
)


async def _migrate(path: Path, *migrations: Migration) -> None:
    db = await Database.open(path, synchronous="OFF")
    try:
        await migrate(db._writer, path, migrations)
    finally:
        await db.close()


def _schema(path: Path) -> list[tuple[object, ...]]:
    return _sql(path, "SELECT type, name, sql FROM sqlite_master ORDER BY type, name")


async def test_a_backup_is_made_before_a_migration_and_none_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    await _made(path)
    assert list(tmp_path.glob("*.before-*")) == []
    old = _schema(path)
    await _migrate(path, *shipped(), SECOND)
    (backup,) = tmp_path.glob(f"a.db.before-{NEXT:04}-*")
    assert _schema(backup) == old
    assert _sql(backup, "PRAGMA integrity_check") == [("ok",)]
    assert _sql(path, "SELECT count(*) FROM extra") == [(2,)]
    assert _sql(path, "SELECT version, name FROM migrations ORDER BY version")[-1] == (NEXT, "second")


async def test_a_migration_that_fails_leaves_the_old_schema_and_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _migrate(path, *shipped(), SECOND)
    before = _schema(path)
    db = await _opened_with(path, SECOND)
    try:
        with pytest.raises(DatabaseUnusable, match=rf"Migration {NEXT + 1} \(broken\) failed and was undone"):
            await migrate(db, path, (*shipped(), SECOND, BROKEN))
        assert not db.in_transaction
    finally:
        await db.close()
    assert _schema(path) == before
    assert _sql(path, "SELECT max(version) FROM migrations") == [(NEXT,)]
    assert _sql(path, "SELECT count(*) FROM extra") == [(2,)]


KILLED = """
import asyncio, os, signal, sqlite3, sys
from pathlib import Path
import aiosqlite
from storage.migrate import migrate
from storage.versions import Migration, shipped

class Deadly(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))

async def main():
    next = shipped()[-1].version + 1
    deadly = Migration(next, "deadly", "CREATE TABLE half (id INTEGER); INSERT INTO half VALUES (1); SELECT die();")
    db = await aiosqlite.connect(sys.argv[1], isolation_level=None, factory=Deadly)
    await migrate(db, Path(sys.argv[1]), (*shipped(), deadly))

asyncio.run(main())
"""


async def test_a_kill_in_the_middle_of_a_migration_leaves_the_old_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    before = _schema(path)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, timeout=20, capture_output=True)
    assert ended.returncode == -9, ended.stderr
    assert _schema(path) == before
    await _migrate(path, *shipped(), SECOND)
    assert _sql(path, "SELECT count(*) FROM extra") == [(2,)]


async def test_a_disk_that_gets_full_in_the_middle_of_a_migration_leaves_the_old_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    before = _schema(path)
    large = Migration(
        NEXT,
        "large",
        "CREATE TABLE half (b BLOB); INSERT INTO half VALUES (1); INSERT INTO half VALUES (zeroblob(1000000));",
    )
    db = await _opened_with(path)
    try:
        await db.execute_fetchall(f"PRAGMA max_page_count = {path.stat().st_size // 4096 + 20}")
        with pytest.raises(DatabaseUnusable, match=r"failed and was undone\. The disk .* is full"):
            await migrate(db, path, (*shipped(), large))
    finally:
        await db.close()
    assert _schema(path) == before
    assert list(tmp_path.glob("*.before-*")) == [], "of a database that was not changed no copy is left"
    await _migrate(path, *shipped(), large)
    assert _sql(path, "SELECT count(*) FROM half") == [(2,)]


async def _opened_with(path: Path, *_more: Migration):  # type: ignore[no-untyped-def]
    import aiosqlite

    return await aiosqlite.connect(path, isolation_level=None)


async def test_a_backup_that_cannot_be_written_stops_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    before = _schema(path)
    nowhere = tmp_path / "gone" / "a.db"
    db = await _opened_with(path)
    try:
        with pytest.raises(DatabaseUnusable, match="backup"):
            await migrate(db, nowhere, (*shipped(), SECOND))
    finally:
        await db.close()
    assert _schema(path) == before


async def test_step_by_step_ends_where_all_at_once_does(tmp_path: Path) -> None:
    first, second = tmp_path / "steps.db", tmp_path / "once.db"
    for path, ways in ((first, ((SECOND,), (SECOND, THIRD))), (second, ((SECOND, THIRD),))):
        await _made(path)
        for way in ways:
            db = await _opened_with(path)
            try:
                await migrate(db, path, (*shipped(), *way))
            finally:
                await db.close()
    assert _schema(first) == _schema(second)


async def test_the_shipped_migrations_make_the_schema_that_a_script_of_them_makes(tmp_path: Path) -> None:
    """A fresh database, one migrated from each earlier version, and the bare SQL are the same."""
    migrations = shipped()
    assert [one.version for one in migrations] == list(range(1, len(migrations) + 1))
    fresh, bare = tmp_path / "fresh.db", tmp_path / "bare.db"
    await _made(fresh)
    connection = sqlite3.connect(bare)
    for migration in migrations:
        connection.executescript(migration.sql)
    connection.close()
    assert _schema(fresh) == _schema(bare)
    for start in range(1, len(migrations)):
        path = tmp_path / f"from{start}.db"
        db = await _opened_with(path)
        try:
            await migrate(db, path, migrations[:start])
            await migrate(db, path)
        finally:
            await db.close()
        assert _schema(path) == _schema(fresh)


async def test_the_foreign_keys_are_enforced(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "a.db", synchronous="OFF") as db:
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            async with db.transaction() as tx:
                await tx.all("INSERT INTO chats (id, user_id) VALUES (5, 404)")


async def test_the_second_of_two_migrations_fails_and_the_copy_of_before_the_first_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await _made(path)
    last = shipped()[-1].version
    wrong = Migration(last + 2, "wrong", "CREATE TABLE users (id INTEGER);")
    fine = Migration(last + 1, "fine", "CREATE TABLE fine (id INTEGER) STRICT;")
    db = await _opened_with(path)
    try:
        with pytest.raises(DatabaseUnusable, match="wrong"):
            await migrate(db, path, (*shipped(), fine, wrong))
    finally:
        await db.close()
    assert len(list(tmp_path.glob("a.db.before-*"))) == 1, "the file is no longer what it was"
