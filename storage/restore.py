"""Putting a backup in the place of the database, which is kept beside it."""

import asyncio
import glob
import os
import secrets
import shutil
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storage.backup import PARTIAL, copy, discard, make_empty, publish, sync_folder
from storage.connection import opened
from storage.errors import Damaged, DatabaseUnusable, Fault, Foreign, fault_of
from storage.lock import FileLock, is_there
from storage.versions import shipped


@dataclass(frozen=True, slots=True)
class Restored:
    schema: int
    replaced: Path | None
    """Where the database that was there is now."""

    @property
    def is_older(self) -> bool:
        """The next start will upgrade it."""
        return self.schema < shipped()[-1].version


async def restore(backup: Path, database: Path, *, stamp: str, force: bool) -> Restored:
    """Make `database` a copy of `backup`, a file made by `back_up`, or a database copied with its -wal.

    `stamp` becomes part of the name of the database that was there; without `force` there must be none.
    Raises DatabaseUnusable, and then nothing was changed.
    """
    database = await asyncio.to_thread(database.resolve)
    claim = FileLock.claim(database)
    try:
        return await _restore(backup, database, stamp, force=force)
    except Foreign:
        raise DatabaseUnusable(f"Nothing was restored: {backup} is a database of another program.") from None
    except (Damaged, sqlite3.Error) as error:
        raise DatabaseUnusable(f"Nothing was restored: {_why(error, backup, database)}") from None
    except OSError as error:
        raise DatabaseUnusable(f"Nothing was restored: {error.strerror} in {database.parent}.") from None
    finally:
        claim.release()


def _why(error: Damaged | sqlite3.Error, backup: Path, database: Path) -> str:
    fault = Fault.DAMAGED if isinstance(error, Damaged) else fault_of(error, writing=True)
    if fault is Fault.DAMAGED:
        return f"{backup} is damaged, or no backup. Try another one."
    if fault is Fault.FULL:
        return f"the disk that holds {database} is full. Free some space, and try again."
    return f"{backup} could not be copied to {database.parent} ({getattr(error, 'sqlite_errorname', 'error')})."


async def _restore(backup: Path, database: Path, stamp: str, *, force: bool) -> Restored:
    mode = await asyncio.to_thread(_mode_of, backup, database, force=force)
    partial = database.with_name(f".{database.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        await asyncio.to_thread(_make_way, partial, database)
        schema = await copy(backup, partial, mode)
        await _fold_in(database)
        replaced = await asyncio.to_thread(_exchange, partial, database, stamp)
    finally:
        discard(partial)
    return Restored(schema, replaced)


def _make_way(partial: Path, database: Path) -> None:
    """An empty file; what a kill has cut off earlier goes, since nobody else can be at it."""
    for left in database.parent.glob(f".{glob.escape(database.name)}.*{PARTIAL}*"):
        left.unlink()
    make_empty(partial)


def _mode_of(backup: Path, database: Path, *, force: bool) -> str:
    """How the backup is to be opened. Raises DatabaseUnusable for what cannot be restored, or must not be."""
    if not is_there(backup) or not backup.is_file():
        raise DatabaseUnusable(f"There is no backup {backup}.")
    if database.exists() and os.path.samefile(backup, database):
        raise DatabaseUnusable(f"{backup} is the database itself.")
    if not force and database.exists() and database.stat().st_size:
        raise DatabaseUnusable(
            f"There is a database at {database} already. "
            "With --force it is replaced, and kept beside it under another name."
        )
    return "ro" if _beside(backup, "-wal").exists() else "ro&immutable=1"  # it may lie where nothing can be written


async def _fold_in(database: Path) -> None:
    """Bring what stands in the -wal into the file, so that one file is all of it. A damaged database stays as it is."""
    with suppress(sqlite3.Error):
        async with opened(database, "rw") as connection:
            await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")


def _exchange(partial: Path, database: Path, stamp: str) -> Path | None:
    """Where the old database is now. At every moment there is a whole one in the place, but for what stands in a -wal
    that could not be folded in; that must go first, for it would be taken for a part of the new one."""
    kept: Path | None = None
    if database.exists():
        kept = database.with_name(f"{database.name}.replaced-{stamp}")
        _keep(database, kept)
    if (wal := _beside(database, "-wal")).exists():
        _keep(wal, database.with_name(f"{database.name}.replaced-{stamp}-wal"))
    sync_folder(database.parent)
    for suffix in ("-wal", "-shm", "-journal"):
        _beside(database, suffix).unlink(missing_ok=True)
    publish(partial, database)
    return kept


def _keep(path: Path, kept: Path) -> None:
    """Give the file a second name; a copy where the file system has none."""
    try:
        os.link(path, kept)
    except FileExistsError:
        raise
    except OSError:
        shutil.copy2(path, kept)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
