"""Which release a database is from: the numbered migrations that this one ships, and those that a file has seen."""

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import aiosqlite

from storage.errors import DatabaseUnusable, Foreign


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


async def require_newest(connection: aiosqlite.Connection, path: Path) -> None:
    """For a command beside the bot, which must not migrate under its feet. Raises DatabaseUnusable."""
    known = shipped()
    if await version_of(connection, path, known) < known[-1].version:
        raise DatabaseUnusable(f"The database {path} is from an older codepigeon. Start the bot once to upgrade it.")


async def version_of(connection: aiosqlite.Connection, path: Path, known: tuple[Migration, ...]) -> int:
    """The newest migration that was applied, 0 for an empty file. Reads only.

    Raises DatabaseUnusable for a database that is newer than `known`, foreign, or lacks a migration in between.
    """
    tables = await connection.execute_fetchall("SELECT name FROM sqlite_master")
    if not list(tables):
        return 0
    columns = await connection.execute_fetchall("SELECT name FROM pragma_table_info('migrations')")
    if not {"version", "name", "applied_at"} <= {row[0] for row in columns}:
        raise Foreign(path)
    applied = {row[0]: row[1] for row in await connection.execute_fetchall("SELECT version, name FROM migrations")}
    current, newest = max(applied, default=0), known[-1].version
    ours = {migration.version: migration.name for migration in known}
    if not applied or any(ours.get(version, name) != name for version, name in applied.items()):
        raise Foreign(path)
    if current > newest:
        raise _newer(path, f"schema {current}, this one knows {newest}")
    if missing := [version for version in ours if version < current and version not in applied]:
        raise DatabaseUnusable(
            f"The database {path} is half-migrated: step {missing[0]} of {current} is missing. "
            "Restore a backup of it; this file was left as it was."
        )
    if form := await _user_version(connection):
        raise _newer(path, f"format {form}, this one knows 0")
    return int(current)


async def _user_version(connection: aiosqlite.Connection) -> int:
    """SQLite's own number for a file's form, which no release up to this one has used."""
    rows = list(await connection.execute_fetchall("PRAGMA user_version"))
    return int(rows[0][0])


def _newer(path: Path, how: str) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"The database {path} is from a newer codepigeon ({how}). "
        "Upgrade codepigeon, or restore a backup made before the upgrade."
    )
