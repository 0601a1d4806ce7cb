"""Statements on a connection: what reads, and what writes while its transaction is open."""

import sqlite3
from typing import Protocol, TypeAlias

import aiosqlite

from storage.condition import Condition

Row: TypeAlias = sqlite3.Row
Value: TypeAlias = str | int | float | bytes | None


class Reader(Protocol):
    """What a query needs: a transaction, or the reading connection."""

    async def all(self, sql: str, *args: Value) -> list[Row]: ...

    async def one(self, sql: str, *args: Value) -> Row | None: ...


class Session:
    """Statements on one connection; each costs one hop to its thread. Raises StorageError."""

    _writes = False

    def __init__(self, connection: aiosqlite.Connection, condition: Condition) -> None:
        self._connection = connection
        self._condition = condition

    async def all(self, sql: str, *args: Value) -> list[Row]:
        """All rows of a query, or of a statement with RETURNING (whose number is then the row count)."""
        bound = {str(place): value for place, value in enumerate(args, 1)}
        try:
            return await self._rows(sql, bound)
        except UnicodeEncodeError:  # half a surrogate pair in what the outside world sent; nothing ran yet
            return await self._rows(sql, {place: _storable(value) for place, value in bound.items()})

    async def _rows(self, sql: str, bound: dict[str, Value]) -> list[Row]:
        try:
            return list(await self._connection.execute_fetchall(sql, bound))
        except sqlite3.Error as error:
            raise self._condition.failed(error, writing=self._writes) from None

    async def one(self, sql: str, *args: Value) -> Row | None:
        rows = await self.all(sql, *args)
        return rows[0] if rows else None


class Tx(Session):
    """An open write transaction. A function that takes one as its first argument writes."""

    _writes = True

    def __init__(self, connection: aiosqlite.Connection, condition: Condition) -> None:
        super().__init__(connection, condition)
        self._ended = False

    async def all(self, sql: str, *args: Value) -> list[Row]:
        if self._ended:
            raise RuntimeError("this transaction has ended: the statement would commit by itself")
        return await super().all(sql, *args)

    def end(self) -> None:
        self._ended = True

    def is_open_on(self, connection: aiosqlite.Connection) -> bool:
        return not self._ended and self._connection is connection


def _storable(value: Value) -> Value:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
