"""Whether a database can be trusted: its release, its pages, and the money in it."""

import sqlite3
from pathlib import Path

import aiosqlite

from storage.connection import opened
from storage.errors import Damaged, DatabaseUnusable, describe
from storage.versions import Migration, shipped, version_of

_ACCOUNTS_THAT_DIFFER = """
    WITH moved (id, amount) AS (
        SELECT to_account, amount FROM transfers UNION ALL SELECT from_account, -amount FROM transfers
    ), true_balances (id, balance) AS (SELECT id, sum(amount) FROM moved GROUP BY id)
    SELECT count(*) FROM accounts a LEFT JOIN true_balances t ON t.id = a.id
    WHERE a.balance <> coalesce(t.balance, 0) OR (a.balance < 0 AND a.id <> 'operator')"""


async def inspect(connection: aiosqlite.Connection, path: Path, known: tuple[Migration, ...] | None = None) -> int:
    """Its schema. Reads only. Raises DatabaseUnusable for a database that is newer, foreign, or damaged anywhere."""
    version = await version_of(connection, path, known or shipped())
    found = list(await connection.execute_fetchall("PRAGMA quick_check(1)"))
    if found[0][0] != "ok":
        raise Damaged(path)
    return version


async def examine(path: Path) -> int:
    """The schema of a database that may be in use, after a look at all of it. Raises DatabaseUnusable."""
    try:
        async with opened(path, "ro") as connection:
            return await require_whole(connection, path)
    except sqlite3.Error as error:
        raise DatabaseUnusable(describe(error, path)) from None


async def require_whole(
    connection: aiosqlite.Connection, path: Path, known: tuple[Migration, ...] | None = None
) -> int:
    """As `inspect`, for a copy that shall be relied on: it must not be empty, and its money must add up."""
    version = await inspect(connection, path, known)
    if not version:
        raise DatabaseUnusable(f"There is nothing in the database {path}.")
    wrong = list(await connection.execute_fetchall(_ACCOUNTS_THAT_DIFFER))
    sums = list(await connection.execute_fetchall("SELECT coalesce(sum(balance), 0) FROM accounts"))
    if wrong[0][0] or sums[0][0]:
        raise DatabaseUnusable(f"The money in the database {path} does not add up: its balances are not its transfers.")
    return version
