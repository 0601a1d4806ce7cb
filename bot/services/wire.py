"""A number and a message as the API and its webhooks tell of them (docs/api.md): plain values for JSON."""

from datetime import UTC, datetime
from typing import Any

from bot.domain.money import ONE, SCALE, Units
from bot.domain.numbers import Actions, Kind, Number, State
from bot.domain.sms import Sms
from bot.domain.time import SECOND, Ms

STATES = {
    State.BUYING: "buying",
    State.CANCELLING: "cancelling",
    State.COMPLETED: "finished",
    State.CANCELLED: "cancelled",
    State.EXPIRED: "expired",
    State.FAILED: "failed",
}


def number_body(
    number: Number,
    actions: Actions,
    *,
    charged: bool,
    service_name: str,
    currency: str,
    now: Ms,
    renewing: bool = False,
) -> dict[str, Any]:
    """`actions`: what its provider can still do with it; `renewing`: a renewal of it is not decided yet."""
    rental = number.kind is Kind.RENTAL
    return {
        "id": number_id(number.id),
        "number": number.phone,
        "country": number.country,
        "service": number.service,
        "service_name": service_name,
        "kind": number.kind.value,
        "hours": number.hours,
        "state": api_state(number),
        "price": money(number.price),
        "currency": currency,
        "charged": charged,
        "created_at": instant(number.created_at),
        "expires_at": instant(number.expires_at),
        "closed_at": instant(number.closed_at),
        "cancel_from": instant(number.cancel_from),
        "refund_until": instant(number.refund_until) if rental else None,
        "can_cancel": can_cancel(number, actions, now) and not renewing,
        "can_finish": actions.finish or (actions.release and not renewing),
        "can_another_code": actions.another_code,
        "can_renew": actions.renew and not renewing,
        "message_count": number.sms_count,
    }


def api_state(number: Number) -> str:
    if number.state is State.ACTIVE:
        return "waiting" if number.awaits_sms else "received"
    return STATES[number.state]


def can_cancel(number: Number, actions: Actions, now: Ms) -> bool:
    """Whether the money would come back now."""
    if now < (number.cancel_from or 0) or number.sms_count:
        return False
    return actions.cancel or (actions.release and number.refund_until is not None and now < number.refund_until)


def is_used(number: Number) -> bool:
    """What would have been charged, for an installation that takes no money."""
    if number.state in (State.BUYING, State.CANCELLED, State.EXPIRED, State.FAILED):
        return False
    return number.kind is Kind.RENTAL or number.sms_count > 0 or number.state is State.COMPLETED


def message_body(sms: Sms) -> dict[str, Any]:
    return {
        "id": message_id(sms.id),
        "number_id": number_id(sms.number_id or 0),
        "sender": sms.sender,
        "text": sms.text,
        "code": sms.code,
        "received_at": instant(sms.received_at),
    }


def number_id(number: int) -> str:
    return f"n{number}"


def message_id(sms: int) -> str:
    return f"s{sms}"


def money(units: Units) -> str:
    """`3750` → `"0.3750"`."""
    sign = "-" if units < 0 else ""
    return f"{sign}{abs(units) // ONE}.{abs(units) % ONE:0{SCALE}d}"


def instant(at: Ms | None) -> str | None:
    """RFC 3339 in UTC, with exactly three decimals."""
    if at is None:
        return None
    return f"{datetime.fromtimestamp(at // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{at % SECOND:03d}Z"
