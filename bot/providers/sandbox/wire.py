"""The sandbox's JSON as the values of `providers.base`. A shape that is not the protocol's raises Malformed."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
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
from bot.domain.money import LARGEST
from bot.domain.numbers import Kind
from bot.domain.sms import IncomingSms
from bot.providers import fields
from bot.providers.base import RemoteNumber, RemoteState, Renewed, Sold, Stock
from bot.providers.fields import Malformed, Row
from bot.providers.sandbox.notify import EVENT_TYPE

LONGEST_WAIT_S = 30 * 86_400.0
LONGEST_HOURS = 100_000
_E164 = re.compile(r"\+[1-9]\d{5,14}", re.ASCII)


def _too_early(answer: Row) -> ProviderError:
    return CancelTooEarly(fields.optional_moment(answer, "at"))


def _throttled(answer: Row) -> ProviderError:
    seconds = answer.get("retry_after_s")
    known = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= LONGEST_WAIT_S
    return Throttled(float(seconds)) if known and isinstance(seconds, int | float) else Throttled()


def _plain(kind: type[ProviderError]) -> Callable[[Row], ProviderError]:
    return lambda answer: kind()


_REFUSALS: Mapping[str, Callable[[Row], ProviderError]] = MappingProxyType(
    {
        **{
            kind.reason: _plain(kind)
            for kind in (
                NoNumbers,
                PriceRisen,
                ProviderFunds,
                BadKey,
                BadRequest,
                Gone,
                Denied,
                ProviderFault,
            )
        },
        CancelTooEarly.reason: _too_early,
        Throttled.reason: _throttled,
    }
)


def unwrap(answer: object) -> Row:
    """A success. Raises ProviderError for a refusal that says why."""
    row = fields.as_row(answer, "answer")
    if row.get("ok") is True:
        return row
    if row.get("ok") is not False:
        raise Malformed("ok is missing")
    refusal = _REFUSALS.get(fields.text(row, "error"))
    if refusal is None:
        raise Malformed("error is not known")
    raise refusal(row)


def sold(answer: Row) -> Sold:
    number = fields.mapping(answer, "number")
    phone = fields.text(number, "phone")
    if not _E164.fullmatch(phone):
        raise Malformed("phone is not E.164")
    return Sold(
        provider_ref=fields.name(number, "provider_ref"),
        phone=phone,
        cost=fields.amount(number, "cost"),
        expires_at=fields.moment(number, "expires_at"),
        cancel_from=fields.optional_moment(number, "cancel_from"),
        refund_until=fields.optional_moment(number, "refund_until"),
    )


def found(answer: Row) -> Sold | None:
    if "number" not in answer:
        raise Malformed("number is missing")
    return None if answer["number"] is None else sold(answer)


def renewed(answer: Row) -> Renewed:
    return Renewed(fields.name(answer, "provider_ref"), fields.moment(answer, "expires_at"))


def numbers(answer: Row) -> Sequence[RemoteNumber]:
    return [_number(row) for row in fields.rows(answer, "numbers")]


def _number(row: Row) -> RemoteNumber:
    provider_ref = fields.name(row, "provider_ref")
    try:
        state = RemoteState(fields.text(row, "state"))
    except ValueError:
        raise Malformed("state is not known") from None
    sms = tuple(_sms(provider_ref, item) for item in fields.rows(row, "sms"))
    return RemoteNumber(provider_ref, state, fields.moment(row, "expires_at"), sms)


def _sms(provider_ref: str, row: Row) -> IncomingSms:
    return IncomingSms(
        provider_ref=provider_ref,
        sms_id=fields.name(row, "id"),
        sender=fields.text(row, "sender"),
        text=fields.text(row, "text"),
        received_at=fields.moment(row, "received_at"),
    )


def stock(kind: Kind, row: object) -> Stock:
    match row:
        case [str(service), str(country), int(hours), int(cost), int(left)] if (
            0 <= cost <= LARGEST and 0 <= left <= fields.LARGEST_WHOLE and 0 <= hours <= LONGEST_HOURS
        ):
            return Stock(service, country, kind, cost, left, hours)
    raise Malformed("rows hold something else")


def event(body: bytes) -> IncomingSms:
    """The SMS that a webhook tells of."""
    try:
        row = fields.as_row(json.loads(body), "body")
    except (ValueError, RecursionError):
        raise Malformed("body is no JSON object") from None
    if fields.text(row, "type") != EVENT_TYPE:
        raise Malformed("type is not known")
    return _sms(fields.name(row, "provider_ref"), fields.mapping(row, "sms"))
