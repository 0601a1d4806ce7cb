"""Numbered migrations: one transaction each, a backup of the file first."""

import sqlite3
import time
from pathlib import Path

import aiosqlite

from storage.backup import BackupFailed, back_up
from storage.errors import DatabaseUnusable, describe
from storage.versions import Migration, shipped, version_of


async def migrate(
    connection: aiosqlite.Connection, path: Path, migrations: tuple[Migration, ...] | None = None
) -> None:
    """Bring the database to this release. Raises DatabaseUnusable for a newer or a foreign one."""
    known = shipped() if migrations is None else migrations
    current = await version_of(connection, path, known)
    due = [migration for migration in known if migration.version > current]
    copy = await _back_up(path, current, known) if due and current else None
    for migration in due:
        try:
            await _apply(connection, migration, path)
        except DatabaseUnusable:
            if copy is not None and migration is due[0]:
                copy.unlink()  # nothing was changed; a service manager that tries again fills no disk with copies
            raise


async def _back_up(path: Path, version: int, known: tuple[Migration, ...]) -> Path:
    at_ms = time.time_ns() // 1_000_000
    when = time.strftime("%Y%m%d-%H%M%S", time.localtime(at_ms // 1000))
    copy = path.with_name(f"{path.name}.before-{version + 1:04d}-{when}-{at_ms % 1000:03d}")
    try:
        return (await back_up(path, copy, known)).path
    except BackupFailed as error:
        raise DatabaseUnusable(f"An upgrade of the database needs a backup first. {error}") from None


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
