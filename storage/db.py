"""The database: one writer behind a lock, one reader, and transactions that end whatever happens.

Only this package knows the engine (SQLite through aiosqlite). Statements use `$1`-style placeholders.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import aiosqlite

from storage.condition import Condition
from storage.connection import LOCK_WAIT_S, connect, opened, uninterrupted
from storage.errors import DatabaseUnusable, Fault, StorageDown, describe
from storage.lock import FileLock, make_private
from storage.migrate import migrate
from storage.session import Reader, Row, Session, Tx, Value
from storage.soundness import inspect
from storage.versions import require_newest

StorageError = sqlite3.Error
"""What any statement may raise: StorageDown for a fault of the disk or the file, others for our own SQL."""
Hook: TypeAlias = Callable[[str], None]
"""Called as hook("before commit") and hook("after commit"); the kill tests end the process in it."""

WAL_FLAW_FIXED = (3, 51, 3)
"""Earlier SQLite can damage a WAL that two connections write or checkpoint at once; we keep to one writer."""


_inside: ContextVar[Tx | None] = ContextVar("inside_transaction", default=None)
"""The transaction that this task, or the one that started it, has opened; it may have ended since."""


class Database:
    def __init__(
        self,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        file_lock: FileLock | None,
        condition: Condition,
        hook: Hook,
    ) -> None:
        self.read: Reader = Session(reader, condition)
        self._condition = condition
        self._writer = writer
        self._reader = reader
        self._file_lock = file_lock
        self._hook = hook
        self._lock = asyncio.Lock()
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        exclusive: bool = True,
        synchronous: str = "FULL",
        lock_wait_s: float = LOCK_WAIT_S,
        hook: Hook | None = None,
    ) -> Self:
        """Open, check and migrate the database at `path`, making it where there is none.

        `exclusive` claims it for this process; a command beside a running bot passes False, and neither checkpoints
        nor migrates. Raises DatabaseUnusable with a sentence that says what to do; nothing is overwritten: before the
        file is known to be a sound database of ours, it is only read.
        """
        file_lock = FileLock.claim(path) if exclusive else None
        writer: aiosqlite.Connection | None = None
        try:
            if exclusive:
                make_private(path)
            await _look(path, inspect if exclusive else require_newest)
            writer = await connect(path, "rw", lock_wait_s)
            await _configure_writer(writer, synchronous, checkpoints=exclusive)
            if exclusive:
                await migrate(writer, path)
            reader = await connect(path, "ro", lock_wait_s)
        except BaseException as error:
            if writer is not None:
                await uninterrupted(writer.close())
            if file_lock is not None:
                file_lock.release()
            if isinstance(error, sqlite3.Error):
                raise DatabaseUnusable(describe(error, path)) from None
            raise
        condition = Condition(path, aloud=exclusive)
        return cls(writer, reader, file_lock, condition, hook or (lambda _point: None))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One write transaction, alone in the process; committed at the end, rolled back on any exception.

        Cancelling the task waits until COMMIT or ROLLBACK has finished in the thread, so none is left open.
        Raises StorageDown where the disk, the file or another program does not let it be written.
        """
        outer = _inside.get()
        if outer is not None and outer.is_open_on(self._writer):
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        async with self._lock:
            self._condition.require()
            await self._begin()
            tx = Tx(self._writer, self._condition)
            token = _inside.set(tx)
            try:
                try:
                    yield tx
                except BaseException:
                    await self._undo()
                    raise
                await self._commit()
            finally:
                tx.end()
                _inside.reset(token)

    async def _begin(self) -> None:
        if self._writer.in_transaction:
            await self._undo()  # a rollback that failed, on a disk that was full
        try:
            await uninterrupted(self._writer.execute_fetchall("BEGIN IMMEDIATE"))
        except asyncio.CancelledError:
            await self._undo()
            raise
        except sqlite3.Error as error:
            raise self._condition.failed(error, writing=True) from None

    async def _commit(self) -> None:
        try:
            self._hook("before commit")
            await uninterrupted(self._writer.commit())
        except BaseException as error:
            await self._undo()
            if isinstance(error, sqlite3.Error):
                raise self._condition.failed(error, writing=True) from None
            raise
        self._condition.worked()
        self._hook("after commit")

    async def _undo(self) -> None:
        """Roll back what is open, if anything. A connection that was closed meanwhile has done so by itself."""
        with suppress(ValueError):
            try:
                await uninterrupted(self._writer.rollback())
            except sqlite3.Error as error:  # what it was to undo is what is worth raising; the next one tries again
                self._condition.failed(error, writing=True)

    @property
    def fault(self) -> Fault | None:
        """What keeps it from working, since it last failed; None while all is well."""
        return self._condition.fault

    async def probe(self) -> None:
        """While it does not work: find out whether it does again. Costs nothing otherwise."""
        if self.fault is not None and self._condition.may_work():
            with suppress(StorageDown):
                async with self.transaction() as tx:
                    await tx.all("PRAGMA user_version = 0")  # changes nothing, and is written all the same

    async def version(self) -> int:
        """The number of the newest migration that was applied."""
        row = await self.read.one("SELECT max(version) AS version FROM migrations")
        return int(row["version"]) if row else 0

    async def close(self) -> None:
        """Close both connections (an open one keeps the process from ending) and give the file free.

        A transaction that runs is waited for; a caller that is cancelled while it waits has them closed all the same.
        """
        try:
            await self._lock.acquire()
            self._lock.release()
        finally:
            if not self._closed:
                self._closed = True
                await uninterrupted(self._close())

    async def _close(self) -> None:
        try:
            await self._reader.close()
        finally:
            try:
                await self._writer.close()
            finally:
                if self._file_lock is not None:
                    self._file_lock.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def engine_version() -> tuple[str, bool]:
    """SQLite's version, and whether it has the WAL flaw that one writer avoids."""
    return sqlite3.sqlite_version, sqlite3.sqlite_version_info < WAL_FLAW_FIXED


async def _look(path: Path, check: Callable[[aiosqlite.Connection, Path], Awaitable[object]]) -> None:
    """Raises DatabaseUnusable or sqlite3.Error for a file that is not to be written."""
    async with opened(path, "ro") as connection:
        await check(connection, path)


async def _configure_writer(writer: aiosqlite.Connection, synchronous: str, *, checkpoints: bool) -> None:
    await writer.execute_fetchall("PRAGMA journal_mode = WAL")
    await writer.execute_fetchall(f"PRAGMA synchronous = {synchronous}")
    await writer.execute_fetchall("PRAGMA foreign_keys = ON")
    if not checkpoints:
        await writer.execute_fetchall("PRAGMA wal_autocheckpoint = 0")
    # A file that may only be read is opened all the same, and refuses its first write.
    for statement in ("BEGIN IMMEDIATE", "PRAGMA user_version = 0", "ROLLBACK"):
        await writer.execute_fetchall(statement)


__all__ = [
    "Database",
    "DatabaseUnusable",
    "Fault",
    "Hook",
    "Reader",
    "Row",
    "Session",
    "StorageDown",
    "StorageError",
    "Tx",
    "Value",
    "engine_version",
]
