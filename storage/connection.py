"""Connections to one file, and waiting for what their threads do."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiosqlite

T = TypeVar("T")

LOCK_WAIT_S = 5.0
"""How long a statement waits for another program that has the file locked."""


async def connect(path: Path, mode: str, lock_wait_s: float = LOCK_WAIT_S) -> aiosqlite.Connection:
    """`mode` is SQLite's: 'ro', 'rw', or with more of a location's options behind it. Raises sqlite3.Error."""
    location = f"{path.absolute().as_uri()}?mode={mode}"  # noqa: ASYNC240 - pure path arithmetic
    connection = aiosqlite.connect(location, uri=True, isolation_level=None, timeout=lock_wait_s)
    try:
        await connection
    except BaseException:
        # aiosqlite does not wait for its thread here, which would then report to a loop that may be closed.
        await uninterrupted(asyncio.to_thread(connection._thread.join))
        raise
    connection.row_factory = sqlite3.Row
    return connection


@asynccontextmanager
async def opened(path: Path, mode: str) -> AsyncIterator[aiosqlite.Connection]:
    """A connection for a while. A statement that was left because its task was cancelled is ended, not waited for."""
    connection = await connect(path, mode)
    try:
        yield connection
    finally:
        await connection.interrupt()
        await uninterrupted(connection.close())


async def uninterrupted(work: Awaitable[T]) -> T:
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
