"""The sandbox's verbs as its customers see them: JSON in, JSON out, refusals as Reject."""

from collections.abc import Callable
from typing import Any, TypeAlias

from bot.domain.money import Units
from bot.domain.numbers import Kind
from bot.domain.time import Ms
from bot.providers import fields
from bot.providers.base import RemoteState
from bot.providers.fields import Malformed, Row
from bot.providers.sandbox.book import Book, Sale
from bot.providers.sandbox.catalogue import LONGEST_RENTAL_HOURS, Catalogue, Cell, rental_cost
from bot.providers.sandbox.records import Record, Reject

Verb: TypeAlias = Callable[[Row], dict[str, Any]]

LONGEST_REF = 40


class Desk:
    """One entrance, `answer`; the rest are the verbs by name."""

    def __init__(self, book: Book, catalogue: Catalogue, clock: Callable[[], Ms], balance: Units) -> None:
        self._book = book
        self._catalogue = catalogue
        self._clock = clock
        self._balance = balance
        self.empty = False
        """Nothing is left of anything."""
        self._verbs: dict[str, Verb] = {
            "stock": self._stock,
            "allocate": self._allocate,
            "again_cost": self._again_cost,
            "again": self._again,
            "find": self._find,
            "fetch": self._fetch,
            "another_code": self._another_code,
            "finish": self._finish,
            "cancel": self._cancel,
            "renewal_cost": self._renewal_cost,
            "renew": self._renew,
            "balance": self._balance_left,
        }

    @property
    def balance(self) -> Units:
        """What is left on the operator's account."""
        return self._balance - self._book.spent

    @balance.setter
    def balance(self, balance: Units) -> None:
        self._balance = balance + self._book.spent

    def answer(self, verb: str, args: Row) -> dict[str, Any]:
        """`{"ok": true, …}` or `{"ok": false, "error": <reason>, …}`."""
        try:
            act = self._verbs.get(verb)
            if act is None:
                raise Malformed("no such verb")
            return {"ok": True, **act(args)}
        except Malformed as why:
            return {"ok": False, "error": "bad_request", "detail": str(why)}
        except Reject as why:
            return {"ok": False, "error": why.code, **why.extra}

    def _stock(self, args: Row) -> dict[str, Any]:
        service = None if args.get("service") is None else fields.text(args, "service")
        rows = self._catalogue.rows(_kind(args), service, self._clock())
        return {"rows": [(*row[:4], 0) for row in rows] if self.empty else list(rows)}

    def _allocate(self, args: Row) -> dict[str, Any]:
        ref = fields.name(args, "ref", LONGEST_REF)
        record = self._book.by_ref(ref) or self._sell(ref, args)
        return {"number": record.as_sold()}

    def _sell(self, ref: str, args: Row) -> Record:
        kind, service, country = _kind(args), fields.name(args, "service"), fields.name(args, "country")
        hours = _hours(args) if kind is Kind.RENTAL else 0
        cell = self._catalogue.cell(kind, service, country)
        if cell is None:
            raise Reject("bad_request")
        now = self._clock()
        if self.empty or not self._catalogue.left(kind, service, country, now):
            raise Reject("no_numbers")
        cost = rental_cost(cell, hours) if kind is Kind.RENTAL else cell.cost
        self._check_cost(cost, fields.whole(args, "cap"))
        record = self._book.sell(Sale(ref, kind, service, country, hours, cost))
        self._catalogue.take(kind, service, country, now)
        return record

    def _again_cost(self, args: Row) -> dict[str, Any]:
        return {"cost": self._cell_of(self._used_up(args)).cost}

    def _again(self, args: Row) -> dict[str, Any]:
        ref = fields.name(args, "ref", LONGEST_REF)
        record = self._book.by_ref(ref) or self._sell_again(ref, args)
        return {"number": record.as_sold()}

    def _sell_again(self, ref: str, args: Row) -> Record:
        before = self._used_up(args)
        cost = self._cell_of(before).cost
        self._check_cost(cost, fields.whole(args, "cap"))
        sale = Sale(ref, before.kind, before.service, before.country, 0, cost, phone=before.phone)
        return self._book.sell(sale)

    def _used_up(self, args: Row) -> Record:
        """An activation that had its SMS and is over; nobody has its phone now."""
        record = self._book.get(fields.name(args, "provider_ref"))
        used = record.kind is Kind.ACTIVATION and record.state is RemoteState.FINISHED
        if not used or self._book.is_taken(record.phone):
            raise Reject("denied")
        if self.empty:
            raise Reject("no_numbers")
        return record

    def _find(self, args: Row) -> dict[str, Any]:
        record = self._book.by_ref(fields.name(args, "ref", LONGEST_REF))
        return {"number": None if record is None else record.as_sold()}

    def _fetch(self, args: Row) -> dict[str, Any]:
        asked = (self._book.known(ref) for ref in fields.names(args, "provider_refs"))
        return {"numbers": [record.as_fetched() for record in asked if record is not None]}

    def _another_code(self, args: Row) -> dict[str, Any]:
        self._book.another_code(fields.name(args, "provider_ref"))
        return {}

    def _finish(self, args: Row) -> dict[str, Any]:
        self._book.finish(fields.name(args, "provider_ref"))
        return {}

    def _cancel(self, args: Row) -> dict[str, Any]:
        self._book.cancel(fields.name(args, "provider_ref"))
        return {}

    def _renewal_cost(self, args: Row) -> dict[str, Any]:
        record = self._renewable(args)
        return {"cost": rental_cost(self._cell_of(record), _hours(args))}

    def _renew(self, args: Row) -> dict[str, Any]:
        key, hours = fields.name(args, "key"), _hours(args)
        record = self._book.get(fields.name(args, "provider_ref"))
        renewal = next((done for done in record.renewals if done.key == key), None)
        if renewal is None:
            self._renewable(args)
            cost = rental_cost(self._cell_of(record), hours)
            self._check_cost(cost, fields.whole(args, "cap"))
            renewal = self._book.renew(record, key, hours, cost)
        return {"provider_ref": record.provider_ref, "expires_at": renewal.expires_at, "cost": renewal.cost}

    def _renewable(self, args: Row) -> Record:
        record = self._book.get(fields.name(args, "provider_ref"))
        if record.kind is not Kind.RENTAL or not record.is_open:
            raise Reject("denied")
        return record

    def _cell_of(self, record: Record) -> Cell:
        cell = self._catalogue.cell(record.kind, record.service, record.country)
        if cell is None:
            raise Reject("bad_request")
        return cell

    def _balance_left(self, args: Row) -> dict[str, Any]:
        self._book.settle()
        return {"balance": self.balance}

    def _check_cost(self, cost: Units, cap: Units) -> None:
        if cost > cap:
            raise Reject("price_risen", cost=cost)
        if cost > self.balance:
            raise Reject("provider_funds")


def _kind(args: Row) -> Kind:
    try:
        return Kind(fields.text(args, "kind"))
    except ValueError:
        raise Malformed("no such kind") from None


def _hours(args: Row) -> int:
    hours = fields.whole(args, "hours")
    if not 1 <= hours <= LONGEST_RENTAL_HOURS:
        raise Malformed("hours out of range")
    return hours
