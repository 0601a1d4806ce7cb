"""Numbered migrations: one transaction each, a backup of the file first, a newer database refused."""

import re
import sqlite3
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import aiosqlite

from storage.errors import DatabaseUnusable, damaged, describe


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    sql: str


def shipped() -> tuple[Migration, ...]:
    """The migrations of this release, in order; the files are named `0001_what.sql`."""
    found = []
    for file in resources.files("storage").joinpath("migrations").iterdir():
        if match := re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name):
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.version))


async def migrate(
    connection: aiosqlite.Connection, path: Path, migrations: tuple[Migration, ...] | None = None
) -> None:
    """Bring the database to this release. Raises DatabaseUnusable for a newer or a foreign one."""
    known = shipped() if migrations is None else migrations
    current = await _version(connection, path, known)
    due = [migration for migration in known if migration.version > current]
    if due and current:
        await _backup(connection, path, current)
    for migration in due:
        await _apply(connection, migration, path)


async def inspect(connection: aiosqlite.Connection, path: Path) -> None:
    """Reads only. Raises DatabaseUnusable for a database that is newer, foreign, or damaged anywhere."""
    await _version(connection, path, shipped())
    found = list(await connection.execute_fetchall("PRAGMA quick_check(1)"))
    if found[0][0] != "ok":
        raise DatabaseUnusable(damaged(path))


async def require_newest(connection: aiosqlite.Connection, path: Path) -> None:
    """For a command beside the bot, which must not migrate under its feet. Raises DatabaseUnusable."""
    known = shipped()
    if await _version(connection, path, known) < known[-1].version:
        raise DatabaseUnusable(f"The database {path} is from an older codepigeon. Start the bot once to upgrade it.")


async def _version(connection: aiosqlite.Connection, path: Path, known: tuple[Migration, ...]) -> int:
    """The newest migration that was applied, 0 for an empty file."""
    tables = await connection.execute_fetchall("SELECT name FROM sqlite_master")
    if not list(tables):
        return 0
    columns = await connection.execute_fetchall("SELECT name FROM pragma_table_info('migrations')")
    if not {"version", "name", "applied_at"} <= {row[0] for row in columns}:
        raise _foreign(path)
    applied = {row[0]: row[1] for row in await connection.execute_fetchall("SELECT version, name FROM migrations")}
    current, newest = max(applied, default=0), known[-1].version
    ours = {migration.version: migration.name for migration in known}
    if not applied or any(ours.get(version, name) != name for version, name in applied.items()):
        raise _foreign(path)
    if current > newest:
        raise DatabaseUnusable(
            f"The database {path} is from a newer codepigeon (schema {current}, this one knows {newest}). "
            "Upgrade codepigeon, or restore a backup made before the upgrade."
        )
    return int(current)


def _foreign(path: Path) -> DatabaseUnusable:
    return DatabaseUnusable(f"{path} is a database of another program. Set DATABASE_URL to a file of codepigeon's own.")


async def _backup(connection: aiosqlite.Connection, path: Path, version: int) -> None:
    copy = path.with_name(f"{path.name}.before-{version + 1:04d}-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        await connection.execute_fetchall("VACUUM INTO $1", {"1": str(copy)})
    except sqlite3.Error:
        copy.unlink(missing_ok=True)
        raise DatabaseUnusable(
            f"The backup {copy} that an upgrade of the database needs could not be written. Free some space first."
        ) from None


async def _apply(connection: aiosqlite.Connection, migration: Migration, path: Path) -> None:
    # executescript commits an open transaction, so the transaction stands inside the script.
    record = (
        f"INSERT INTO migrations (version, name, applied_at) "  # noqa: S608 - our own file names
        f"VALUES ({migration.version}, '{migration.name}', {int(time.time() * 1000)});"
    )
    try:
        await connection.executescript(f"BEGIN IMMEDIATE;\n{migration.sql}\n{record}\nCOMMIT;")
    except sqlite3.Error as error:
        if connection.in_transaction:
            await connection.rollback()
        raise DatabaseUnusable(
            f"Migration {migration.version} ({migration.name}) failed and was undone. {describe(error, path)}"
        ) from error
