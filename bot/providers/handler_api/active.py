"""The list of open activations, and the rows of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.money import Units
from bot.providers.handler_api import values
from bot.providers.handler_api.answers import Malformed, Reply
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.dialects import Batch
from bot.providers.values import money

MOST_PAGES = 1000
WAITS_AGAIN = "3"
RENTAL_SUBTYPE = "2"


@dataclass(frozen=True, slots=True)
class Active:
    """One row; what a member leaves out or garbles is empty."""

    ref: str
    service: str
    country: str
    """The member's number of it."""
    phone: str
    cost: Units | None
    status: str
    code: str
    """The last one."""
    codes: int
    """How many are shown."""
    text: str
    time: object
    subtype: str

    @property
    def mark(self) -> tuple[str, str, str, int]:
        """Changes with each SMS, unless an equal one takes the place of another."""
        return self.status, self.code, self.text, self.codes


async def every(calls: Calls, batch: Batch) -> dict[str, Active]:
    """All pages. Raises ProviderError."""
    found: dict[str, Active] = {}
    for page in range(MOST_PAGES):
        paging = {"start": page * batch.page, "limit": batch.page} if batch.page else {}
        rows = await calls.read("getActiveActivations", lambda reply: active_rows(reply, batch.key), **paging)
        fresh = [row for row in rows if row.ref not in found]
        found |= {row.ref: row for row in fresh}
        if not batch.page or len(rows) < batch.page or not fresh:
            break
    return found


def active_rows(reply: Reply, key: str) -> Sequence[Active]:
    if reply.data is None:
        reply.after("NO_ACTIVATIONS")
        return ()
    items = _list_in(reply.data, key)
    rows = [row for item in items if (row := _active(item)) is not None]
    if items and not rows:
        raise Malformed("no row can be read")
    return rows


def _list_in(data: object, key: str) -> Sequence[object]:
    if isinstance(data, list):
        return data
    if isinstance(data, dict):
        for name in (key, "data", "activeActivations"):
            if isinstance(found := data.get(name), list):
                return found
    raise Malformed("no list of activations")


def _active(item: object) -> Active | None:
    if not isinstance(item, dict) or not (ref := values.optional_ident(item.get("activationId") or item.get("id"))):
        return None
    return Active(
        ref=ref,
        service=_lenient(item.get("serviceCode") or item.get("service")),
        country=values.optional_ident(item.get("countryCode")),
        phone=_phone(item.get("phoneNumber") or item.get("phone")),
        cost=cost_in(item),
        status=_lenient(item.get("activationStatus")),
        code=_last(item.get("smsCode")),
        codes=len(codes) if isinstance(codes := item.get("smsCode"), list) else 1,
        text=_last(item.get("smsText")),
        time=item.get("activationTime"),
        subtype=_lenient(item.get("subtype")),
    )


def cost_in(item: values.Row) -> Units | None:
    try:
        return money(item.get("activationCost"))
    except ValueError:
        return None


def _phone(value: object) -> str:
    try:
        return values.phone(value)
    except ValueError:
        return ""


def _last(value: object) -> str:
    if isinstance(value, list):
        return next((text for item in reversed(value) if (text := _lenient(item))), "")
    return _lenient(value)


def _lenient(value: object) -> str:
    try:
        return values.text(value).strip()
    except ValueError:
        return ""
