"""The SMS of one number, from whichever answer of its dialect tells most."""

from collections.abc import Iterable, Sequence

from bot.domain.errors import Denied, ProviderFault
from bot.domain.sms import IncomingSms, derived_sms_id
from bot.domain.time import Ms
from bot.providers.handler_api import values
from bot.providers.handler_api.answers import Malformed, Reply
from bot.providers.handler_api.calls import Calls

PAGE = 100
MOST_PAGES = 10


async def read_all(calls: Calls, ref: str, now: Ms) -> Sequence[IncomingSms]:
    """By `getAllSms`, oldest first. Raises Denied where the number was cancelled or refunded."""
    found: list[IncomingSms] = []
    for page in range(1, MOST_PAGES + 1):
        items = await calls.read("getAllSms", _data_list, id=ref, size=PAGE, page=page)
        found += [sms for item in items if (sms := one_sms(ref, item, now)) is not None]
        if len(items) < PAGE:
            break
    else:
        raise ProviderFault("getAllSms: no end")
    return oldest_first({sms.sms_id: sms for sms in found}.values())


async def read_last(calls: Calls, ref: str, now: Ms) -> Sequence[IncomingSms]:
    """By `getStatusV2`: the last SMS, or none. Raises Denied where the number is closed."""
    item = await calls.read("getStatusV2", _v2_sms, id=ref)
    sms = one_sms(ref, item, now) if item else None
    return () if sms is None else (sms,)


def oldest_first(listed: Iterable[IncomingSms]) -> Sequence[IncomingSms]:
    """Lists begin with the newest unless their times say otherwise, and times are to the second."""
    found = list(listed)
    if found and found[0].received_at >= found[-1].received_at:
        found.reverse()
    return sorted(found, key=lambda sms: sms.received_at)


def _data_list(reply: Reply) -> Sequence[object]:
    data = reply.data.get("data") if isinstance(reply.data, dict) else None
    if not isinstance(data, list):
        raise Malformed("no list of SMS")
    return data


def _v2_sms(reply: Reply) -> values.Row:
    if reply.data is None:
        reply.after("STATUS_CANCEL")
        raise Denied("STATUS_CANCEL")
    if not isinstance(reply.data, dict) or not {"verificationType", "sms", "data"} & reply.data.keys():
        raise Malformed("no state of a number")
    return values.row(reply.data.get("sms") or reply.data.get("data") or {})


def one_sms(ref: str, item: object, now: Ms) -> IncomingSms | None:
    """An SMS with its own id, or with one from what tells it apart. None for what holds no text: a call."""
    if not isinstance(item, dict):
        raise Malformed("no SMS")
    code = values.text(item.get("code")).strip()
    body = values.text(item.get("text")) or code
    if not body.strip():
        return None
    sender = values.text(item.get("phoneFrom"))
    told = next((item[name] for name in ("date", "dateTime") if item.get(name)), "")
    own = values.optional_ident(item.get("id"))
    return IncomingSms(
        provider_ref=ref,
        sms_id=own or derived_sms_id(ref, sender, body, values.text(told)),
        sender=sender,
        text=body,
        received_at=values.moment(told, now) or now,
    )
