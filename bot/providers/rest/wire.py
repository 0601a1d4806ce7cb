"""The documented API's JSON as the values of `providers.base`. A shape that is not the contract's raises Malformed."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from bot.domain.errors import (
    BadKey,
    BadRequest,
    CancelTooEarly,
    Denied,
    Gone,
    NoNumbers,
    PriceRisen,
    ProviderError,
    ProviderFault,
    ProviderFunds,
    Throttled,
)
from bot.domain.money import Units
from bot.domain.numbers import Kind
from bot.domain.sms import IncomingSms
from bot.domain.time import Ms
from bot.providers import fields, values
from bot.providers.base import RemoteNumber, RemoteState, Renewed, Sold, Stock
from bot.providers.fields import Malformed, Row

ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
LIMIT_PAUSE_S = 60.0
"""Before a purchase is tried again that the account's own limit refused."""

_STATES: Mapping[str, RemoteState] = MappingProxyType(
    {
        "buying": RemoteState.WAITING,
        "waiting": RemoteState.WAITING,
        "received": RemoteState.RECEIVED,
        "cancelling": RemoteState.WAITING,
        "finished": RemoteState.FINISHED,
        "cancelled": RemoteState.CANCELLED,
        "expired": RemoteState.EXPIRED,
        "failed": RemoteState.CANCELLED,
    }
)


def _plain(kind: type[ProviderError]) -> Callable[[Row], ProviderError]:
    return lambda row: kind()


def _too_early(row: Row) -> ProviderError:
    return CancelTooEarly(optional_time(row, "cancel_from"))


_CODES: Mapping[str, Callable[[Row], ProviderError]] = MappingProxyType(
    {
        "bad_request": _plain(BadRequest),
        "unknown_country": _plain(BadRequest),
        "unknown_service": _plain(BadRequest),
        "unauthorized": _plain(BadKey),
        "insufficient_funds": _plain(ProviderFunds),
        "forbidden": _plain(BadKey),
        "not_found": _plain(Gone),
        "no_such_call": _plain(BadRequest),
        "method_not_allowed": _plain(BadRequest),
        "no_numbers": _plain(NoNumbers),
        "price_risen": _plain(PriceRisen),
        "wrong_state": _plain(Denied),
        "not_refundable": _plain(Denied),
        "cancel_too_early": _too_early,
        "idempotency_mismatch": _plain(BadRequest),
        "limit_reached": lambda row: Throttled(LIMIT_PAUSE_S),
        "too_large": _plain(BadRequest),
        "rate_limited": lambda row: Throttled(),
        "provider_fault": _plain(ProviderFault),
        "unavailable": _plain(ProviderFault),
    }
)
_UNSURE = "internal"
"""The one code whose effect is not known."""

_BY_STATUS: Mapping[int, type[ProviderError]] = MappingProxyType(
    {402: ProviderFunds, 403: BadKey, 404: Gone, 409: Denied, 429: Throttled}
)


def refusal(row: Row, status: int) -> ProviderError | None:
    """What an error in the contract's form means; None for anything else, and for the code whose effect is not known.

    A code that is not known yet counts as its HTTP status does.
    """
    code = row.get("code")
    if row.get("status") != "error" or not isinstance(code, str) or code == _UNSURE or status < 400:
        return None
    known = _CODES.get(code)
    try:
        return known(row) if known else _BY_STATUS.get(status, BadRequest if status < 500 else ProviderFault)()
    except Malformed:
        return CancelTooEarly()


def sold(row: Row) -> Sold:
    return Sold(
        provider_ref=number_id(row),
        phone=phone(row),
        cost=money(row, "price"),
        expires_at=time(row, "expires_at"),
        cancel_from=optional_time(row, "cancel_from"),
        refund_until=optional_time(row, "refund_until"),
    )


def found(rows: Iterable[Row]) -> Sold | None:
    """The number of a purchase. Raises ProviderFault while it is not decided."""
    for row in rows:
        state = fields.text(row, "state")
        if state == "buying":
            raise ProviderFault("the purchase is not decided yet")
        if state != "failed":
            return sold(row)
    return None


def number(row: Row, sms: tuple[IncomingSms, ...]) -> RemoteNumber:
    return RemoteNumber(number_id(row), state(row), optional_time(row, "expires_at"), sms)


def state(row: Row) -> RemoteState:
    known = _STATES.get(fields.text(row, "state"))
    if known is None:
        raise Malformed("state is not known")
    return known


def messages(row: Row, provider_ref: str) -> tuple[IncomingSms, ...]:
    return tuple(_message(item, provider_ref) for item in fields.rows(row, "messages"))


def _message(row: Row, provider_ref: str) -> IncomingSms:
    return IncomingSms(
        provider_ref=provider_ref,
        sms_id=fields.name(row, "id", 64),
        sender=fields.text(row, "sender"),
        text=fields.text(row, "text"),
        received_at=time(row, "received_at"),
    )


def renewed(row: Row) -> Renewed:
    return Renewed(number_id(row), time(row, "expires_at"))


def stock(kind: Kind, row: Row) -> Stock:
    country = fields.name(row, "country", 2)
    left, hours = fields.whole(row, "stock"), fields.whole(row, "hours")
    if fields.text(row, "kind") != kind or left < 0 or (hours > 0) != (kind is Kind.RENTAL):
        raise Malformed("prices hold something else")
    return Stock(fields.name(row, "service", 64), country.upper(), kind, money(row, "price"), left, hours)


def event(body: bytes) -> tuple[str, tuple[IncomingSms, ...]] | None:
    """The number that an event is about and the SMS that it brings; None for an event without a number."""
    try:
        row = fields.as_row(json.loads(body), "body")
    except (ValueError, RecursionError):
        raise Malformed("body is no JSON object") from None
    kind, data = fields.name(row, "type", 100), fields.mapping(row, "data")
    if kind == "webhook.test":
        return None
    provider_ref = number_id(fields.mapping(data, "number"))
    sms = (_message(fields.mapping(data, "message"), provider_ref),) if kind == "sms.received" else ()
    return provider_ref, sms


def number_id(row: Row) -> str:
    found_id = fields.text(row, "id")
    if not ID.fullmatch(found_id):
        raise Malformed("id is none")
    return found_id


def phone(row: Row) -> str:
    try:
        return values.phone(fields.text(row, "number"))
    except ValueError:
        raise Malformed("number is no phone") from None


def money(row: Row, key: str) -> Units:
    try:
        return values.money(fields.text(row, key))
    except ValueError:
        raise Malformed(f"{key} is no amount") from None


def time(row: Row, key: str) -> Ms:
    try:
        return values.instant(fields.text(row, key))
    except ValueError:
        raise Malformed(f"{key} is no time") from None


def optional_time(row: Row, key: str) -> Ms | None:
    return None if row.get(key) is None else time(row, key)
