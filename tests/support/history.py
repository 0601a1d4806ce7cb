"""A past: activations that were sold and have ended, as rows that the program's own statements wrote."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.numbers import Kind, Offer, Purpose, Quote, State
from bot.domain.people import Role, Seen
from bot.domain.sms import IncomingSms
from bot.domain.time import MINUTE, Ms
from storage import numbers, quotes, users
from storage import sms as sms_store
from storage.db import Database, Tx

SOMEBODY = 990_001
_counter = itertools.count(1)


@dataclass(frozen=True)
class Ended:
    """Spans count from its sale; `asked_after`: a cancel by its person."""

    closed_at: Ms
    code_after: Ms | None = None
    provider: str = "sandbox"
    service: str = "wa"
    country: str = "GB"
    lived: Ms = 10 * MINUTE
    asked_after: Ms | None = None
    kind: Kind = Kind.ACTIVATION


async def remember(db: Database, ends: Iterable[Ended]) -> None:
    async with db.transaction() as tx:
        await users.upsert(tx, Seen(SOMEBODY, "Somebody"), Role.MEMBER, 0)
        for one in ends:
            await _remember(tx, one)


async def _remember(tx: Tx, one: Ended) -> None:
    place, sold_at = next(_counter), one.closed_at - one.lived
    offer = Offer(one.provider, one.service, one.country, one.kind, 100, 100, 1, hours=int(one.kind is Kind.RENTAL))
    quote = Quote(f"past-{place}", SOMEBODY, Purpose.BUY, offer, sold_at)
    await quotes.add(tx, quote, sold_at)
    bought = await numbers.add(tx, quote, f"past-{place}", test=True, card=None, check_at=sold_at, now=sold_at - 500)
    ref = f"past-{place}"
    await numbers.activate(
        tx, bought.id, provider_ref=ref, phone=f"+4490{place:06}", expires_at=one.closed_at, cancel_from=None,
        refund_until=None, now=sold_at,
    )  # fmt: skip
    if one.code_after is not None:
        came_at = sold_at + one.code_after
        told = IncomingSms(ref, f"sms-{place}", "Sender", "", came_at)
        sms_id = await sms_store.add(tx, one.provider, told, None, came_at)
        assert sms_id is not None
        await sms_store.attach(tx, sms_id, bought.id, await numbers.count_sms(tx, bought.id))
    await _end(tx, bought.id, one, sold_at)


async def _end(tx: Tx, number_id: int, one: Ended, sold_at: Ms) -> None:
    source, target, reason = State.ACTIVE, State.EXPIRED, "expired_no_code"
    if one.asked_after is not None:
        asked_at = sold_at + one.asked_after
        await numbers.move(tx, number_id, State.ACTIVE, State.CANCELLING, "cancel_asked", asked_at)
        source, target, reason = State.CANCELLING, State.CANCELLED, "cancelled"
    elif one.code_after is not None:
        target, reason = State.COMPLETED, "done"
    assert await numbers.move(tx, number_id, source, target, reason, one.closed_at) is not None
