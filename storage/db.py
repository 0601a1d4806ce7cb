"""The database: one writer behind a lock, one reader, and transactions that end whatever happens.

This is the only file that knows the engine (SQLite through aiosqlite). Statements use `$1`-style placeholders.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeAlias, TypeVar

import aiosqlite

from storage.errors import DatabaseUnusable, describe
from storage.lock import FileLock, make_private
from storage.migrate import inspect, migrate, require_newest

Row: TypeAlias = sqlite3.Row
StorageError = sqlite3.Error
"""What any statement may raise: a fault of the disk, the file, or our own SQL."""
Value: TypeAlias = str | int | float | bytes | None
Hook: TypeAlias = Callable[[str], None]
"""Called as hook("before commit") and hook("after commit"); the kill tests end the process in it."""

T = TypeVar("T")

WAL_FLAW_FIXED = (3, 51, 3)
"""Earlier SQLite can damage a WAL that two connections write or checkpoint at once; we keep to one writer."""


class Reader(Protocol):
    """What a query needs: a transaction, or the reading connection."""

    async def all(self, sql: str, *args: Value) -> list[Row]: ...

    async def one(self, sql: str, *args: Value) -> Row | None: ...


class Session:
    """Statements on one connection; each costs one hop to its thread."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def all(self, sql: str, *args: Value) -> list[Row]:
        """All rows of a query, or of a statement with RETURNING (whose number is then the row count)."""
        bound = {str(place): value for place, value in enumerate(args, 1)}
        try:
            return list(await self._connection.execute_fetchall(sql, bound))
        except UnicodeEncodeError:  # half a surrogate pair in what the outside world sent; nothing ran yet
            whole = {place: _storable(value) for place, value in bound.items()}
            return list(await self._connection.execute_fetchall(sql, whole))

    async def one(self, sql: str, *args: Value) -> Row | None:
        rows = await self.all(sql, *args)
        return rows[0] if rows else None


class Tx(Session):
    """An open write transaction. A function that takes one as its first argument writes."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        super().__init__(connection)
        self._ended = False

    async def all(self, sql: str, *args: Value) -> list[Row]:
        if self._ended:
            raise RuntimeError("this transaction has ended: the statement would commit by itself")
        return await super().all(sql, *args)

    def end(self) -> None:
        self._ended = True

    def is_open_on(self, connection: aiosqlite.Connection) -> bool:
        return not self._ended and self._connection is connection


_inside: ContextVar[Tx | None] = ContextVar("inside_transaction", default=None)
"""The transaction that this task, or the one that started it, has opened; it may have ended since."""


class Database:
    def __init__(
        self,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        file_lock: FileLock | None,
        hook: Hook,
    ) -> None:
        self.read: Reader = Session(reader)
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
            writer = await _connect(path, "rw")
            await _configure_writer(writer, synchronous, checkpoints=exclusive)
            if exclusive:
                await migrate(writer, path)
            reader = await _connect(path, "ro")
        except BaseException as error:
            if writer is not None:
                await _uninterrupted(writer.close())
            if file_lock is not None:
                file_lock.release()
            if isinstance(error, sqlite3.Error):
                raise DatabaseUnusable(describe(error, path)) from None
            raise
        return cls(writer, reader, file_lock, hook or (lambda _point: None))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One write transaction, alone in the process; committed at the end, rolled back on any exception.

        Cancelling the task waits until COMMIT or ROLLBACK has finished in the thread, so none is left open.
        """
        outer = _inside.get()
        if outer is not None and outer.is_open_on(self._writer):
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        async with self._lock:
            await self._begin()
            tx = Tx(self._writer)
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
            await _uninterrupted(self._writer.execute_fetchall("BEGIN IMMEDIATE"))
        except asyncio.CancelledError:
            await self._undo()
            raise

    async def _commit(self) -> None:
        try:
            self._hook("before commit")
            await _uninterrupted(self._writer.commit())
        except BaseException:
            await self._undo()
            raise
        self._hook("after commit")

    async def _undo(self) -> None:
        """Roll back what is open, if anything. A connection that was closed meanwhile has done so by itself."""
        with suppress(ValueError):
            await _uninterrupted(self._writer.rollback())

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
                await _uninterrupted(self._close())

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


async def _connect(path: Path, mode: str) -> aiosqlite.Connection:
    location = f"{path.absolute().as_uri()}?mode={mode}"  # noqa: ASYNC240 - pure path arithmetic
    connection = aiosqlite.connect(location, uri=True, isolation_level=None, timeout=5.0)
    try:
        await connection
    except BaseException:
        # aiosqlite does not wait for its thread here, which would then report to a loop that may be closed.
        await _uninterrupted(asyncio.to_thread(connection._thread.join))
        raise
    connection.row_factory = sqlite3.Row
    return connection


async def _look(path: Path, check: Callable[[aiosqlite.Connection, Path], Awaitable[None]]) -> None:
    """Raises DatabaseUnusable or sqlite3.Error for a file that is not to be written."""
    connection = await _connect(path, "ro")
    try:
        await check(connection, path)
    finally:
        await _uninterrupted(connection.close())


async def _configure_writer(writer: aiosqlite.Connection, synchronous: str, *, checkpoints: bool) -> None:
    await writer.execute_fetchall("PRAGMA journal_mode = WAL")
    await writer.execute_fetchall(f"PRAGMA synchronous = {synchronous}")
    await writer.execute_fetchall("PRAGMA foreign_keys = ON")
    if not checkpoints:
        await writer.execute_fetchall("PRAGMA wal_autocheckpoint = 0")
    # A file that may only be read is opened all the same, and refuses its first write.
    for statement in ("BEGIN IMMEDIATE", "PRAGMA user_version = 0", "ROLLBACK"):
        await writer.execute_fetchall(statement)


async def _uninterrupted(work: Awaitable[T]) -> T:
    """Await `work` to its end even when this task is cancelled meanwhile; the cancellation follows after."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except BaseException:  # noqa: BLE001, S110 - the task holds it; task.result() raises it below
            pass
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()


def _storable(value: Value) -> Value:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


__all__ = [
    "Database",
    "DatabaseUnusable",
    "Hook",
    "Reader",
    "Row",
    "Session",
    "StorageError",
    "Tx",
    "Value",
    "engine_version",
]
