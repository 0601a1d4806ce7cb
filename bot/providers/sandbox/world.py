"""The sandbox supplier itself: a panel for whoever plays the world, and one entrance for its customers."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any

from bot.domain.money import Units
from bot.domain.time import Ms
from bot.providers.sandbox.backend import ConnectionLost, NotReached
from bot.providers.sandbox.book import Book, Change
from bot.providers.sandbox.catalogue import Catalogue
from bot.providers.sandbox.chance import Naming, fresh_id, generator
from bot.providers.sandbox.desk import Desk
from bot.providers.sandbox.events import Event, Events
from bot.providers.sandbox.faults import Fault, FaultBook
from bot.providers.sandbox.notify import Notification, Notifier
from bot.providers.sandbox.records import Received, Record
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.texts import typical


class Mode(StrEnum):
    NORMAL = "normal"
    SLOW = "slow"
    EMPTY = "empty"
    DOWN = "down"


class SandboxWorld:
    """In memory, on one event loop. Prices, stock and phones follow the seed; `naming` makes ids, new in every world.

    `notify` hears of every SMS, and must return at once.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        clock: Callable[[], Ms],
        settings: SandboxSettings | None = None,
        notify: Notifier | None = None,
        naming: Naming = fresh_id,
    ) -> None:
        self.settings = settings or SandboxSettings()
        self.faults = FaultBook()
        self._notify = notify
        self._chance = generator(seed)
        self._events = Events()
        self._tasks: set[asyncio.Task[None]] = set()
        self._mode = Mode.NORMAL
        self._book = Book(seed, clock, self.settings, self._changed, naming)
        catalogue = Catalogue(seed, self.settings.restock_ms)
        self._desk = Desk(self._book, catalogue, clock, self.settings.balance)

    # the panel

    @property
    def mode(self) -> str:
        return self._mode.value

    @mode.setter
    def mode(self, mode: str) -> None:
        """Raises ValueError for a mode that is none."""
        self._mode = Mode(mode)
        self._desk.empty = self._mode is Mode.EMPTY
        self._events.emit({"type": "provider", "mode": self._mode.value})

    @property
    def balance(self) -> Units:
        """What is left on the operator's account; the panel may set it."""
        return self._desk.balance

    @balance.setter
    def balance(self, balance: Units) -> None:
        self._desk.balance = balance

    def phones(self) -> list[dict[str, Any]]:
        """`{phone, provider_ref, service, country, kind, state, expires_at, sms_count}`: open first, then newest."""
        found = sorted(self._book.newest_first(), key=lambda record: not record.is_open)
        return [record.as_phone() for record in found]

    def record(self) -> list[dict[str, Any]]:
        """The supplier's own truth, in the order of sale.

        `{ref, provider_ref, phone, service, country, kind, cost, state, charged, sms, renewals: [{hours, cost}]}`,
        `sms` being their count.
        """
        return [record.as_record() for record in self._book.newest_first()][::-1]

    def open_numbers(self) -> int:
        return self._book.open_count()

    def receive(self, phone: str, sender: str, text: str) -> str | None:
        """An SMS arrives: its id, or None when nobody has had that phone. A closed number still notes it."""
        taken = self._book.receive(phone, sender, text)
        if taken is None:
            return None
        record, sms = taken
        self._tell(record, sms)
        return sms.id

    def typical(self, service: str, *, index: int | None = None) -> list[dict[str, str]]:
        """`{sender, text}` in the service's usual shapes with fresh codes; all, or the one at `index` (wrapped)."""
        found = [{"sender": sender, "text": text} for sender, text in typical(service, self._chance)]
        return found if index is None else [found[index % len(found)]]

    def subscribe(self) -> AbstractContextManager[asyncio.Queue[Event]]:
        """Yields a queue of `{"type": "phones"}`, `{"type": "provider", "mode": …}` and `{"type": "resync"}`."""
        return self._events.subscribe()

    async def aclose(self) -> None:
        """End the SMS still on their way by themselves."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # the wire

    async def call(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        """What a customer's request gets; the verbs and their fields stand in `desk`.

        Raises NotReached while down, and ConnectionLost when a fault swallows the answer.
        """
        if self._mode is Mode.DOWN:
            raise NotReached("down")
        fault = self.faults.take(verb)
        latency_s = self._latency_s()
        await _pause(latency_s / 2)
        answer = {"ok": False, "error": fault.refuse} if fault.refuse else self._desk.answer(verb, args)
        await _pause(latency_s / 2 + fault.delay_s)
        return self._spoil(answer, fault)

    def _spoil(self, answer: dict[str, Any], fault: Fault) -> dict[str, Any]:
        if fault.lost_answer:
            raise ConnectionLost("answer lost")
        return self.faults.garbage() if fault.garbage else answer

    def _latency_s(self) -> float:
        span = self.settings.slow_s if self._mode is Mode.SLOW else self.settings.latency_s
        return self._chance.uniform(*span)

    def _changed(self, record: Record, change: Change) -> None:
        self._events.emit({"type": "phones"})
        if change in (Change.SOLD, Change.WAITS_AGAIN) and self.settings.auto_sms_after_ms is not None:
            after_ms = self._chance.uniform(*self.settings.auto_sms_after_ms)
            task = asyncio.get_running_loop().create_task(self._text_later(record, after_ms / 1000))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _text_later(self, record: Record, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self._book.settle()
        if record.is_open:
            self.receive(record.phone, **self.typical(record.service, index=0)[0])

    def _tell(self, record: Record, sms: Received) -> None:
        if self._notify is not None:
            self._notify(Notification(fresh_id("msg-"), record.provider_ref, sms))


async def _pause(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
