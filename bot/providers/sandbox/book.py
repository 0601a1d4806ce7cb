"""All numbers that the sandbox has sold, with their time kept by its clock."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from bot.domain.money import Units
from bot.domain.numbers import Kind
from bot.domain.time import HOUR, Ms
from bot.providers.base import RemoteState
from bot.providers.sandbox import phones
from bot.providers.sandbox.chance import Naming, generator
from bot.providers.sandbox.records import Received, Record, Reject, Renewal
from bot.providers.sandbox.settings import SandboxSettings


class Change(Enum):
    SOLD = "sold"
    SMS = "sms"
    WAITS_AGAIN = "waits again"
    RENEWED = "renewed"
    CLOSED = "closed"


Observer: TypeAlias = Callable[[Record, Change], None]


@dataclass(frozen=True, slots=True)
class Sale:
    """What was asked for; `hours` is 0 for an activation."""

    ref: str
    kind: Kind
    service: str
    country: str
    hours: int
    cost: Units
    phone: str = ""
    """The very one that is sold; empty for a new one."""


class Book:
    """Every reader first closes what has expired by `clock`; nothing here waits for a timer."""

    def __init__(
        self, seed: int, clock: Callable[[], Ms], settings: SandboxSettings, observer: Observer, naming: Naming
    ) -> None:
        self._clock = clock
        self._naming = naming
        self._settings = settings
        self._observer = observer
        self._chance = generator(seed)
        self._records: dict[str, Record] = {}
        self._by_ref: dict[str, Record] = {}
        self._by_phone: dict[str, Record] = {}
        self._open: dict[str, Record] = {}
        self._ends: list[tuple[Ms, str]] = []
        self._closed: deque[Record] = deque()
        self.spent: Units = 0

    def sell(self, sale: Sale) -> Record:
        self.settle()
        now = self._clock()
        try:
            phone = sale.phone or phones.mint(sale.country, self._chance, self._open)
        except LookupError:
            raise Reject("no_numbers") from None
        rental = sale.kind is Kind.RENTAL
        record = Record(
            ref=sale.ref,
            provider_ref=self._naming("sb-"),
            phone=phone,
            service=sale.service,
            country=sale.country,
            kind=sale.kind,
            cost=sale.cost,
            hours=sale.hours,
            expires_at=now + (sale.hours * HOUR if rental else self._settings.lifetime_ms),
            cancel_from=None if rental else now + self._settings.cancel_from_ms,
            refund_until=now + self._settings.rental_refund_ms if rental else None,
            charged=rental,
        )
        self._enter(record)
        self._observer(record, Change.SOLD)
        return record

    def receive(self, phone: str, sender: str, text: str) -> tuple[Record, Received] | None:
        """None when nobody has had that phone. What UTF-8 cannot carry becomes a question mark."""
        self.settle()
        record = self._by_phone.get(phone)
        if record is None:
            return None
        sms = Received(self._naming("sms-"), _utf8(sender), _utf8(text), self._clock())
        record.receive(sms)
        self._observer(record, Change.SMS)
        return record, sms

    def another_code(self, provider_ref: str) -> None:
        record = self.get(provider_ref)
        record.another_code()
        self._observer(record, Change.WAITS_AGAIN)

    def finish(self, provider_ref: str) -> None:
        record = self.get(provider_ref)
        record.finish()
        self._close(record)

    def cancel(self, provider_ref: str) -> None:
        record = self.get(provider_ref)
        record.cancel(self._clock(), also_used=self._settings.takes_back_used)
        self._close(record)

    def renew(self, record: Record, key: str, hours: int, cost: Units) -> Renewal:
        renewal = record.renew(key, hours, cost)
        self.spent += cost
        heapq.heappush(self._ends, (record.expires_at, record.provider_ref))
        self._observer(record, Change.RENEWED)
        return renewal

    def get(self, provider_ref: str) -> Record:
        """Raises Reject `gone`."""
        record = self.known(provider_ref)
        if record is None:
            raise Reject("gone")
        return record

    def known(self, provider_ref: str) -> Record | None:
        self.settle()
        return self._records.get(provider_ref)

    def by_ref(self, ref: str) -> Record | None:
        self.settle()
        return self._by_ref.get(ref)

    def is_taken(self, phone: str) -> bool:
        self.settle()
        return phone in self._open

    def newest_first(self) -> Iterator[Record]:
        self.settle()
        return reversed(self._records.values())

    def open_count(self) -> int:
        self.settle()
        return len(self._open)

    def settle(self) -> None:
        """Close what has expired."""
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            _, provider_ref = heapq.heappop(self._ends)
            record = self._records.get(provider_ref)
            # A renewed rental has a later entry; its first one says nothing any more.
            if record is not None and record.is_open and record.expires_at <= now:
                record.expire()
                self._close(record)

    def _enter(self, record: Record) -> None:
        self.spent += record.cost
        self._records[record.provider_ref] = record
        self._by_ref[record.ref] = record
        self._by_phone[record.phone] = record
        self._open[record.phone] = record
        heapq.heappush(self._ends, (record.expires_at, record.provider_ref))

    def _close(self, record: Record) -> None:
        if self._open.get(record.phone) is not record:
            return
        del self._open[record.phone]
        if record.state in (RemoteState.CANCELLED, RemoteState.EXPIRED):
            self.spent -= record.cost
        self._closed.append(record)
        if len(self._closed) > self._settings.keep_closed:
            self._forget(self._closed.popleft())
        self._observer(record, Change.CLOSED)

    def _forget(self, record: Record) -> None:
        del self._records[record.provider_ref]
        del self._by_ref[record.ref]
        if self._by_phone.get(record.phone) is record:
            del self._by_phone[record.phone]


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
