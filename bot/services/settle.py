"""What becomes of a number and its money, decided inside the caller's transaction.

Every change of state here is guarded: whoever comes second finds nothing to do. Each one asks for what the person
is to be shown, so that the state, the money and the message are written together.
"""

import logging

from bot.domain.codes import extract
from bot.domain.errors import NoNumbers, ProviderError
from bot.domain.numbers import Kind, Number, State
from bot.domain.sms import IncomingSms
from bot.domain.time import Ms
from bot.providers.base import Sold
from storage import ledger, numbers, orphans, outbox
from storage import sms as sms_store
from storage.db import Reader, Tx

log = logging.getLogger(__name__)


def subject(number: Number) -> str:
    """What the ledger calls the money of a number."""
    return f"n{number.id}" if number.attempt == 1 else f"n{number.id}.{number.attempt}"


def chat_of(number: Number) -> int:
    """Where the number's messages go: the chat in which it was bought, else the person's own."""
    return number.card_chat_id or number.user_id


async def sold(tx: Tx, number: Number, sale: Sold, now: Ms, *, ahead: Ms = 0) -> Number | None:
    """buying → active, with the SMS that came before the answer did. None when it was decided before.

    A sale that comes after its purchase was given up is an orphan, noted so that it is given back; and so is another
    phone than the very one that was wanted. `ahead`: by how much our clock is ahead of the provider's.
    """
    if number.again_phone not in ("", sale.phone):
        await not_sold(tx, number, NoNumbers("another phone"), now)
        await orphans.add(tx, number.provider, sale.provider_ref, number.id, now)
        return None
    active = await numbers.activate(
        tx,
        number.id,
        provider_ref=sale.provider_ref,
        phone=sale.phone,
        expires_at=sale.expires_at,
        cancel_from=sale.cancel_from,
        refund_until=sale.refund_until,
        ahead=ahead,
        now=now,
    )
    if active is None:
        decided = await numbers.get(tx, number.id)
        if decided is not None and decided.provider_ref != sale.provider_ref:
            await orphans.add(tx, number.provider, sale.provider_ref, number.id, now)
        return None
    if active.kind is Kind.RENTAL:
        await ledger.capture(tx, subject(active), now)
    for sms_id in await sms_store.unclaimed(tx, active.provider, sale.provider_ref):
        await _attach(tx, active, sms_id, now)
    if await came_in_time(tx, active):  # or else the provider's word decides, at its end
        await ledger.capture(tx, subject(active), now)
    await outbox.want_card(tx, chat_of(active), active.id, now)
    return active


async def not_sold(tx: Tx, number: Number, error: ProviderError, now: Ms) -> bool:
    """buying → failed, and the money back."""
    failed = await numbers.move(tx, number.id, State.BUYING, State.FAILED, error.reason, now)
    if failed is None:
        return False
    await ledger.release(tx, subject(failed), now)
    await outbox.want_card(tx, chat_of(failed), failed.id, now)
    return True


async def received(tx: Tx, provider: str, sms: IncomingSms, *, charged: bool | None, now: Ms) -> bool:
    """Note an SMS and owe it to its person; False when it was told of before.

    The first one takes the money, unless the number's end is open: past its time, or with a cancel on its way to the
    provider, only the provider's word decides (`charged`: paid, surely not, or nothing said). A closed number's late
    SMS is delivered, free.
    """
    if sms.vague and await sms_store.is_shown(tx, provider, sms.provider_ref, sms.text):
        return False
    number = await numbers.by_provider_ref(tx, provider, sms.provider_ref)
    sms_id = await sms_store.add(tx, provider, sms, _code_in(sms, number.service if number else None), now)
    if sms_id is None:
        return False
    if number is None:
        return True  # its purchase has not been answered yet: `sold` will find it
    await _attach(tx, number, sms_id, now)
    if number.state is State.CANCELLING and not number.cancel_sent:
        number = await numbers.move(tx, number.id, State.CANCELLING, State.ACTIVE, "code_came", now) or number
    if number.state is State.ACTIVE and (charged or (charged is None and not _is_past_its_time(number, sms, now))):
        await ledger.capture(tx, subject(number), now)
    await outbox.want_card(tx, chat_of(number), number.id, now)
    return True


def _code_in(sms: IncomingSms, service: str | None) -> str | None:
    """An SMS arrives whole also where looking for the code in it fails."""
    try:
        found = extract(sms.text, sms.sender, service)
    except Exception as error:  # noqa: BLE001 - its text may hold the code
        log.error("no code could be looked for in an SMS: %s", type(error).__name__)
        return None
    return found.value if found else None


async def came_in_time(db: Reader, number: Number) -> bool:
    """Whether an SMS arrived on it before its end, by our clock and by its provider's."""
    return await sms_store.came_before(db, number.id, number.expires_at or 0, number.told_expires_at or 0)


def _is_past_its_time(number: Number, sms: IncomingSms, now: Ms) -> bool:
    """By our clock, or by its provider's: the end as it was told, and the SMS, are by the same one."""
    if number.expires_at is None or number.told_expires_at is None:
        return False
    return now >= number.expires_at or sms.received_at >= number.told_expires_at


async def _attach(tx: Tx, number: Number, sms_id: int, now: Ms) -> None:
    ordinal = await numbers.count_sms(tx, number.id)
    await sms_store.attach(tx, sms_id, number.id, ordinal)
    await outbox.add_sms(tx, chat_of(number), number.id, sms_id, now)


async def keep(tx: Tx, number: Number, now: Ms) -> bool:
    """cancelling → active: the provider did not take the cancel because a code had come. The code is paid."""
    active = await numbers.move(tx, number.id, State.CANCELLING, State.ACTIVE, "cancel_refused", now)
    if active is None:
        return False
    if active.sms_count:
        await ledger.capture(tx, subject(active), now)
    await outbox.add_notice(tx, f"kept:{number.id}:{now}", chat_of(active), "cancel_refused", now, number_id=active.id)
    await outbox.want_card(tx, chat_of(active), active.id, now)
    return True


async def given_back(tx: Tx, number: Number, target: State, reason: str, now: Ms) -> bool:
    """To cancelled or expired, and the money back: the hold, or for a rental what was captured at its sale.

    An activation that has been paid for was used: it is completed, whatever its provider says of its end.
    """
    if not number.is_open:
        return False
    if number.kind is Kind.ACTIVATION and await ledger.captured(tx, subject(number)):
        return await completed(tx, number, reason, now)
    closed = await numbers.move(tx, number.id, number.state, target, reason, now)
    if closed is None:
        return False
    if not await ledger.release(tx, subject(closed), now) and closed.kind is Kind.RENTAL:
        await ledger.refund(tx, subject(closed), now)
    if not closed.sms_count:
        await outbox.add_notice(tx, f"closed:{closed.id}", chat_of(closed), reason, now, number_id=closed.id)
    await outbox.want_card(tx, chat_of(closed), closed.id, now)
    return True


async def completed(tx: Tx, number: Number, reason: str, now: Ms) -> bool:
    """To completed: its money is the operator's."""
    if not number.is_open:
        return False
    closed = await numbers.move(tx, number.id, number.state, State.COMPLETED, reason, now)
    if closed is None:
        return False
    await ledger.capture(tx, subject(closed), now)
    await outbox.want_card(tx, chat_of(closed), closed.id, now)
    return True
