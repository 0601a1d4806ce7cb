"""The services with one promise broken each, which the machine must notice."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.domain.numbers import Number
from bot.providers.base import Provider
from bot.services.delivery import Delivery, Letter, Outcome
from bot.services.reconcile import Reconcile
from storage.db import Database, Row, Tx, Value
from tests.chaos.stateful.machine import Machine
from tests.chaos.stateful.rig import OrderlyDatabase
from tests.support.services import Services

GUARD = "AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id)"
"""In the statements that resolve a hold."""


class _MarkingFirst(Delivery):
    async def _send(self, letter: Letter, *how: Any) -> Outcome:
        async with self._db.transaction() as tx:
            await self._mark(letter, None, tx)
        return await super()._send(letter, *how)


class _MarksFirst(Services):
    def new_delivery(self, in_flight: int = 16) -> Delivery:
        delivery = super().new_delivery(in_flight)
        delivery.__class__ = _MarkingFirst
        return delivery


class MarksBeforeSending(Machine):
    parts = _MarksFirst


class _NotLooking(Reconcile):
    async def _look(self, provider: Provider, number: Number) -> Number | None:
        return number


class _CancelsUnseen(Services):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.reconcile.__class__ = _NotLooking


class CancelsWithoutReadingAgain(Machine):
    parts = _CancelsUnseen


class _Unguarded:
    """A transaction whose statements that resolve a hold have lost their guard and their key."""

    def __init__(self, tx: Tx, kind: str) -> None:
        self._tx, self._kind = tx, kind

    async def all(self, sql: str, *args: Value) -> list[Row]:
        if f"SELECT $1, '{self._kind}'," in sql:
            assert GUARD in sql
            sql, args = sql.replace(GUARD, ""), (f"{args[0]}:{secrets.token_hex(4)}", *args[1:])
        return await self._tx.all(sql, *args)

    async def one(self, sql: str, *args: Value) -> Row | None:
        rows = await self.all(sql, *args)
        return rows[0] if rows else None


class _Unkept(OrderlyDatabase):
    """The schema does not stand in for the guard either."""

    kind: str

    @classmethod
    async def open(cls, *args: Any, **options: Any) -> "_Unkept":
        db = await super().open(*args, **options)
        async with Database.transaction(db) as tx:
            await tx.all("DROP INDEX IF EXISTS transfers_one_resolution")
        return db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with super().transaction() as tx:
            yield _Unguarded(tx, self.kind)


class _CapturesTwice(_Unkept):
    kind = "capture"


class _ReleasesTwice(_Unkept):
    kind = "release"


class CapturesWithoutKey(Machine):
    database = _CapturesTwice


class GivesBackWithoutGuard(Machine):
    database = _ReleasesTwice
