"""The services over a real file and two suppliers, stepped: after each step everything rests, or waits outside.

A life ends without warning: whatever runs is cut off where it waits, and nothing is written after that.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.domain.catalogue import Catalogue
from bot.domain.errors import CodepigeonError
from bot.domain.people import User
from bot.domain.time import HOUR, SECOND
from bot.providers.breaker import Breaker
from bot.providers.registry import Registry
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from storage.db import Database, Reader, Row, Tx, Value
from tests.chaos.stateful.audit import File, Supplied
from tests.chaos.stateful.books import MARKUP_PERCENT, RATES, Books
from tests.chaos.stateful.chats import Chats
from tests.chaos.stateful.clocks import Clocks
from tests.chaos.stateful.line import Call, Line
from tests.chaos.stateful.reached import REACHED
from tests.support.services import SECRET, Services

CATALOGUE = Catalogue.shipped()
A_FEW, MANY = 4, 12
"""Turns of the loop in which others come to their next statement, and after which nothing moves any more."""
PATIENCE_S = 24 * HOUR / SECOND
"""Calls are ended by rules, never by a timer of the adapter."""


class OrderlyReader:
    def __init__(self, inner: Reader, db: "OrderlyDatabase") -> None:
        self._inner, self._db = inner, db

    async def all(self, sql: str, *args: Value) -> list[Row]:
        async with self._db.turn():
            return await self._inner.all(sql, *args)

    async def one(self, sql: str, *args: Value) -> Row | None:
        rows = await self.all(sql, *args)
        return rows[0] if rows else None


class OrderlyDatabase(Database):
    """One query or transaction at a time, each once all others have come as far as they can.

    So the same steps are the same life, however fast the threads are; and whether anything is under way is known.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.read: Reader = OrderlyReader(self.read, self)
        self._gate = asyncio.Lock()
        self._inside: asyncio.Task[Any] | None = None
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        if asyncio.current_task() is self._inside:
            yield  # a query beside the transaction of the same task
            return
        self._busy += 1
        self._idle.clear()
        try:
            async with self._gate:
                self._inside = asyncio.current_task()
                try:
                    yield
                    await turns(A_FEW)
                finally:
                    self._inside = None
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        async with self.turn(), super().transaction() as tx:
            yield tx

    async def calm(self) -> None:
        """Returns once everything that can go on has gone on."""
        while True:
            await self._idle.wait()
            for _ in range(MANY):
                await asyncio.sleep(0)
                if self._busy:
                    break
            else:
                return


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Complaints(logging.Handler):
    """What the program caught and did not expect."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.heard.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


class Rig:
    """`path` is a copy of a migrated file. `parts` wires the services, `database` opens their file."""

    def __init__(
        self, path: Path, say: Callable[[str], None], parts: type[Services], database: type[OrderlyDatabase]
    ) -> None:
        self.path, self._say, self._parts, self._database = path, say, parts, database
        self.clocks = Clocks()
        self.file = File(path)
        self.books = Books(self.file.given_up)
        self.held: list[Call] = []
        self.lines: dict[str, Line] = {}
        self.chats = Chats(self.alive)
        self.people: dict[int, User] = {}
        self.works: dict[asyncio.Task[None], str] = {}
        self.dead = False
        self.dies_after = 0
        self.lives = 0
        self.deaths_at_commits = 0
        self._names = 0
        self.complaints = Complaints()
        self.db: OrderlyDatabase
        self.services: Services

    def open_suppliers(self, lenient: str) -> None:
        """One of them takes a number back although its SMS has come; the other denies it."""
        for place, name in enumerate(RATES, 1):
            settings = SandboxSettings(takes_back_used=name == lenient)
            world = SandboxWorld(seed=place, clock=self.clocks.right, settings=settings, naming=self._name)
            self.lines[name] = Line(name, world, self.clocks, self.books, self.held, self.alive)

    def _name(self, prefix: str) -> str:
        """Ids in the order of their making, so that the same steps are the same life."""
        self._names += 1
        return f"{prefix}{self._names:03}"

    # lives

    async def begin(self) -> None:
        self.dead, self.dies_after = False, 0
        self.db = await self._database.open(self.path, synchronous="OFF", hook=self._at_commit)
        clock = self.clocks.start()
        guarded = {
            name: Breaker(
                SandboxProvider(name, line, signing_secrets=(SECRET,), timeout_s=PATIENCE_S, clock=clock), clock
            )
            for name, line in self.lines.items()
        }
        rates = {name: Decimal(rate.numerator) / rate.denominator for name, rate in RATES.items()}
        markup = Decimal(MARKUP_PERCENT)
        self.services = self._parts(
            self.db, Registry(guarded), clock, rates=rates, markup_percent=markup, catalogue=CATALOGUE
        )
        self.services.letters = self.chats
        self.services.delivery = self.services.new_delivery()
        await self.services.timekeeper.after_start()
        await self.services.reconcile.after_start()
        self.lives += 1

    async def end(self) -> None:
        """Cut everything off."""
        self.dead = True
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self.works.clear()
        self.held.clear()
        await self.db.close()

    def alive(self) -> None:
        if self.dead:
            raise asyncio.CancelledError

    def _at_commit(self, point: str) -> None:
        self.alive()
        if self.dies_after:
            self.dies_after -= 1
            if not self.dies_after:
                self.dead = True
                self.deaths_at_commits += 1
                self._say(f"  the program dies {point}")
                raise asyncio.CancelledError

    async def restart(self, sent: str) -> None:
        """Killed, and started again. What it was sending has come, is lost, or is late and on its way (`sent`)."""
        for call in self.held:
            if call.stage == "before" and sent == "late":
                call.line.send_late(call)
            elif call.stage == "before" and sent == "came" and not call.is_too_late:
                await call.line.take_effect(call)
        unmarked = {row["key"] for row in self.file.all("SELECT key FROM outbox WHERE state <> 'sent'")}
        self.chats.unsure.update(self.chats.just_sent & unmarked)
        for sending in self.chats.held:
            self.chats.unsure[sending.letter.owed.key] += 1
            if sent == "came":
                self.chats.arrive(sending.letter)
        await self.end()
        await self.begin()

    # work

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.works[asyncio.get_running_loop().create_task(work)] = name

    async def rest(self) -> None:
        """Let everything go on as far as it can. Raises what a piece of work should not have raised."""
        await self.db.calm()
        for task in [one for one in self.works if one.done()]:
            name = self.works.pop(task)
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, CodepigeonError):
                raise error
            if error is not None:
                self._say(f"  {name}: {type(error).__name__}")
                REACHED[f"refused: {name.split()[0]}, {type(error).__name__}"] += 1

    async def sweep(self, name: str) -> None:
        sweeps = {
            "clock": self.services.timekeeper.sweep,
            "poll": self.services.watch.poll,
            "expire": self.services.watch.expire,
            "check": self.services.reconcile.sweep,
            "supply": self.services.supply.sweep,
            "tally": self.services.tally.sweep,
            "prune": self.services.housekeeping.prune,
        }
        if name == "deliver":
            await self.deliver()
        else:
            self.start(name, sweeps[name]())
            await self.rest()

    async def deliver(self, passes: int = 30) -> None:
        """Sweep until nothing more leaves now."""
        for _ in range(passes):
            seen = len(self.services.woken)
            self.start("deliver", self.services.delivery.sweep())
            await self.rest()
            if self.dead or len(self.services.woken) == seen:
                return

    @property
    def suspicions(self) -> int:
        """How often a message may have been counted as sent that was not.

        The first restart counts whatever is owed then; and a repetition is counted before it leaves.
        """
        return self.deaths_at_commits + (self.lives > 1)

    def supplied(self) -> list[Supplied]:
        """All that the suppliers have sold."""
        answering = {call.subject for call in self.held if call.stage == "after"}
        return [
            Supplied(name, record, answering=record["ref"] in answering)
            for name, line in self.lines.items()
            for record in line.world.record()
        ]
