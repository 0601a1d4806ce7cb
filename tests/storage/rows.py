"""Rows for tests of storage."""

from dataclasses import replace
from typing import Any

from bot.domain.numbers import Kind, Number, Offer, Purpose, Quote
from storage import numbers, quotes
from storage.db import Tx

OFFER = Offer("sandbox", "wa", "GB", Kind.ACTIVATION, 100, 100, 1)


def quote(quote_id: str, user_id: int = 1, **changes: Any) -> Quote:
    fields: dict[str, Any] = {
        "id": quote_id,
        "user_id": user_id,
        "purpose": Purpose.BUY,
        "offer": OFFER,
        "expires_at": 1_000,
    }
    made = Quote(**{**fields, **changes})
    return replace(made, cap=made.at_most)


async def buying(tx: Tx, name: str = "q", user_id: int = 1, now: int = 0) -> Number:
    promised = quote(name, user_id)
    await quotes.add(tx, promised, now)
    return await numbers.add(tx, promised, f"ref-{name}", test=True, card=None, check_at=now, now=now)


async def active(tx: Tx, name: str = "q", user_id: int = 1, now: int = 0) -> Number:
    number = await buying(tx, name, user_id, now)
    found = await numbers.activate(
        tx,
        number.id,
        provider_ref=f"p-{name}",
        phone="+441234567890",
        expires_at=now + 1_000,
        cancel_from=None,
        refund_until=None,
        now=now,
    )
    assert found is not None
    return found
