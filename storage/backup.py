"""Copies of a database that is in use: whole, private, looked at before they get their name, and never half there."""

import asyncio
import errno
import os
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storage.connection import opened, uninterrupted
from storage.errors import DatabaseUnusable, fault_of
from storage.soundness import require_whole
from storage.versions import Migration

PAGES_AT_ONCE = 256
REST_S = 0.002
"""After each megabyte the disk is left to whoever else wants it."""
PARTIAL = ".partial"
_SIDE_FILES = ("-wal", "-shm", "-journal")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT, errno.EEXIST, errno.EISDIR)

DISK_FULL, NO_PLACE, DAMAGED, FAILED = "disk_full", "no_place", "damaged", "failed"


class BackupFailed(Exception):
    """No backup was made, and nothing of it is left. `reason` is one of the four words above; the text is a line."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Backup:
    path: Path
    size: int
    """Bytes."""
    schema: int


async def back_up(
    database: Path,
    target: Path,
    known: tuple[Migration, ...] | None = None,
    step: Callable[[], None] | None = None,
) -> Backup:
    """Copy `database`, which may be in use by this or another process, to the new file `target`.

    The copy holds what was committed when it began; commits go on meanwhile. `known`: the migrations that it may have
    seen, if not those of this release. `step` is called in the copying thread after each stretch of pages.
    Raises BackupFailed.
    """
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        try:
            await uninterrupted(asyncio.to_thread(_prepare, target, partial))  # a stop must not miss what it has made
            schema = await copy(database, partial, known=known, step=step)
            size = await asyncio.to_thread(publish, partial, target)
        finally:
            discard(partial)
    except DatabaseUnusable as error:
        raise BackupFailed(DAMAGED, f"No backup was made. {error}") from None
    except (OSError, sqlite3.Error) as error:
        raise _failed(error, target) from None
    return Backup(target, size, schema)


async def copy(
    source: Path,
    target: Path,
    mode: str = "rw",
    known: tuple[Migration, ...] | None = None,
    step: Callable[[], None] | None = None,
) -> int:
    """Fill the empty file `target` with all of `source` and look at it; its schema.

    Raises DatabaseUnusable for what is not sound, sqlite3.Error for what could not be read or written.
    """
    ended = False

    def rest(_status: int, _left: int, _total: int) -> None:
        if ended:
            raise InterruptedError
        if step is not None:
            step()
        time.sleep(REST_S)

    async with opened(target, "rw") as copied:
        await copied.execute_fetchall("PRAGMA synchronous = OFF")  # it is synchronised as a whole before it gets a name
        async with opened(source, mode) as original:
            try:
                # One transaction over all steps: otherwise every commit meanwhile would begin the copy anew.
                for statement in ("PRAGMA query_only = ON", "BEGIN", "SELECT count(*) FROM sqlite_master"):
                    await original.execute_fetchall(statement)
                await original.backup(copied, pages=PAGES_AT_ONCE, progress=rest)
            finally:
                ended = True
        await copied.execute_fetchall("PRAGMA journal_mode = DELETE")  # a file that stands alone
    async with opened(target, "ro") as copied:
        return await require_whole(copied, source, known)


def make_empty(path: Path) -> None:
    """For its owner only: it will hold people's SMS. Raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _prepare(target: Path, partial: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.exists():
        raise BackupFailed(NO_PLACE, f"No backup was made: {target} is there already, and nothing is overwritten.")
    make_empty(partial)


def publish(partial: Path, target: Path) -> int:
    """Put the file in its place, whatever the power does; its size in bytes."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, target)
    sync_folder(target.parent)
    return target.stat().st_size


def sync_folder(folder: Path) -> None:
    """Names, too, are written down only then. A system without such a call does it by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def discard(partial: Path) -> None:
    """Leave nothing of a copy that did not come to be."""
    for name in (partial.name, *(f"{partial.name}{suffix}" for suffix in _SIDE_FILES)):
        with suppress(OSError):
            partial.with_name(name).unlink()


def _failed(error: OSError | sqlite3.Error, target: Path) -> BackupFailed:
    match _reason(error):
        case "disk_full":
            mend = "its disk is full. Free some space, or set BACKUP_DIR to a folder on another disk"
            return BackupFailed(DISK_FULL, f"The backup {target} could not be made: {mend}.")
        case "no_place":
            mend = "its folder cannot be written. Change the folder's owner, or set BACKUP_DIR to another folder"
            return BackupFailed(NO_PLACE, f"The backup {target} could not be made: {mend}.")
        case reason:
            name = getattr(error, "sqlite_errorname", None) or getattr(error, "strerror", None) or type(error).__name__
            return BackupFailed(reason, f"The backup {target} could not be made ({name}).")


def _reason(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return DISK_FULL if error.errno in _NO_ROOM else NO_PLACE if error.errno in _NO_PLACE else FAILED
    return {"full": DISK_FULL, "read_only": NO_PLACE, "damaged": DAMAGED}.get(
        str(fault_of(error, writing=True)), FAILED
    )
