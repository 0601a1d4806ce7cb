"""5sim's orders as the values of `providers.base`. A shape that is not the protocol's raises Malformed."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from bot.domain.money import Units
from bot.domain.numbers import Kind
from bot.domain.sms import IncomingSms, derived_sms_id
from bot.domain.time import HOUR, MINUTE, Ms
from bot.providers import fields, values
from bot.providers.base import RemoteNumber, RemoteState, Sold
from bot.providers.fields import Malformed, Row
from bot.providers.fivesim.products import HOSTING_HOURS

CATEGORIES: Mapping[Kind, str] = MappingProxyType({Kind.ACTIVATION: "activation", Kind.RENTAL: "hosting"})
ACTIVATION_LASTS: Ms = 15 * MINUTE

_REF = re.compile(r"(h?)([1-9]\d{0,18})", re.ASCII)
_OPEN = frozenset({"PENDING", "RECEIVED"})
_CLOSED: Mapping[str, RemoteState] = MappingProxyType(
    {
        "FINISHED": RemoteState.FINISHED,
        "CANCELED": RemoteState.CANCELLED,
        "BANNED": RemoteState.CANCELLED,
        "TIMEOUT": RemoteState.EXPIRED,
    }
)


@dataclass(frozen=True, slots=True)
class Order:
    id: int
    kind: Kind
    phone: str
    product: str
    country: str
    """A slug; empty where the answer names none."""
    cost: Units
    status: str
    created_at: Ms | None
    expires_at: Ms | None
    """None where the answer has no usable time."""
    sms: tuple[IncomingSms, ...]

    @property
    def ref(self) -> str:
        return ref_of(self.kind, self.id)

    @property
    def state(self) -> RemoteState:
        """RECEIVED is their word for a number that is ready: only an SMS says that one has come.

        What got an SMS in time ends as FINISHED; an SMS of a TIMEOUT came after it.
        """
        if self.status in _OPEN:
            return RemoteState.RECEIVED if self.sms else RemoteState.WAITING
        state = _CLOSED[self.status]
        ran_out = state is RemoteState.EXPIRED and self.kind is Kind.RENTAL
        return RemoteState.FINISHED if ran_out else state

    def remote(self) -> RemoteNumber:
        return RemoteNumber(self.ref, self.state, self.expires_at, self.sms)

    def sold(self, now: Ms) -> Sold:
        hours = HOSTING_HOURS.get(self.product, 0) if self.kind is Kind.RENTAL else 0
        expires_at = self.expires_at or now + (hours * HOUR or ACTIVATION_LASTS)
        return Sold(self.ref, self.phone, self.cost, expires_at)


def ref_of(kind: Kind, order_id: int) -> str:
    """Orders of both kinds share one numbering, but are listed apart: the reference says where to look."""
    return f"h{order_id}" if kind is Kind.RENTAL else str(order_id)


def parse_ref(ref: str) -> tuple[Kind, int] | None:
    match = _REF.fullmatch(ref)
    if match is None:
        return None
    return (Kind.RENTAL if match[1] else Kind.ACTIVATION), int(match[2])


def order(value: object, kind: Kind) -> Order:
    row = fields.as_row(value, "order")
    order_id = _id(row.get("id"))
    status = fields.text(row, "status")
    if status not in _OPEN and status not in _CLOSED:
        raise Malformed("status is not known")
    return Order(
        id=order_id,
        kind=kind,
        phone=_phone(row),
        product=fields.name(row, "product", 64),
        country=_text(row, "country"),
        cost=_money(row, "price"),
        status=status,
        created_at=_time(row, "created_at"),
        expires_at=_time(row, "expires"),
        sms=sms(row.get("sms"), ref_of(kind, order_id)),
    )


@dataclass(frozen=True, slots=True)
class Page:
    orders: Sequence[Order]
    unread: int
    """Rows that are no orders as we know them: one must not hide the others."""

    @property
    def size(self) -> int:
        return len(self.orders) + self.unread


def page(value: object, kind: Kind) -> Page:
    """`Total` is not to be relied on: the list ends with an empty page."""
    row = fields.as_row(value, "orders")
    if "Data" not in row:
        raise Malformed("Data is missing")
    items, found = _list(row["Data"], "Data"), []
    for item in items:
        with suppress(Malformed):
            found.append(order(item, kind))
    return Page(found, len(items) - len(found))


def inbox(value: object, provider_ref: str) -> tuple[IncomingSms, ...]:
    row = fields.as_row(value, "inbox")
    if "Data" not in row:
        raise Malformed("Data is missing")
    return sms(row["Data"], provider_ref)


def sms(value: object, provider_ref: str) -> tuple[IncomingSms, ...]:
    """In the order of their times; None is an empty list in this protocol."""
    found = [_sms(fields.as_row(item, "sms"), provider_ref) for item in _list(value, "sms")]
    return merged(tuple(found))


def merged(*several: tuple[IncomingSms, ...]) -> tuple[IncomingSms, ...]:
    """Each SMS once, however many views show it."""
    by_id = {one.sms_id: one for many in several for one in many}
    return tuple(sorted(by_id.values(), key=lambda one: one.received_at))


def _sms(row: Row, provider_ref: str) -> IncomingSms:
    """Ids are in some views only, so that an SMS is known by its time and content; times differ in their digits."""
    sender, text = _text(row, "sender"), _text(row, "text") or _text(row, "code")
    at = _time(row, "created_at") or _time(row, "date")
    said = str(at) if at is not None else f"{row.get('created_at')} {row.get('date')}"
    return IncomingSms(provider_ref, derived_sms_id(provider_ref, sender, text, said), sender, text, at or 0)


def _list(value: object, what: str) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Malformed(f"{what} is no list")
    return value


def _id(value: object) -> int:
    digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    parsed = parse_ref(digits)
    if parsed is None or digits.startswith("h"):
        raise Malformed("id is none")
    return parsed[1]


def _text(row: Row, key: str) -> str:
    return "" if row.get(key) is None else fields.text(row, key)


def _phone(row: Row) -> str:
    try:
        return values.phone(fields.text(row, "phone"))
    except ValueError:
        raise Malformed("phone is none") from None


def _money(row: Row, key: str) -> Units:
    try:
        return values.money(row.get(key))
    except ValueError:
        raise Malformed(f"{key} is no amount") from None


def _time(row: Row, key: str) -> Ms | None:
    """None for what is missing or has no zone, and for year 1, which stands for no time."""
    try:
        at = values.instant(_text(row, key))
    except ValueError:
        return None
    return at if at > 0 else None
