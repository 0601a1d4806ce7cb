"""Renewals of rentals: each a purchase of its own, with its own hold."""

from dataclasses import dataclass

from bot.domain.money import Units
from bot.domain.numbers import Quote
from bot.domain.time import Ms
from storage.db import Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class Renewal:
    id: int
    number_id: int
    user_id: int
    state: str
    """'pending', 'done' or 'failed'."""
    reason: str
    hours: int
    price: Units
    cost: Units
    old_expires_at: Ms
    """The end before it: a provider's later end shows that an unanswered renewal took effect."""
    created_at: Ms
    check_attempts: int


def _renewal(row: Row) -> Renewal:
    return Renewal(
        id=row["id"],
        number_id=row["number_id"],
        user_id=row["user_id"],
        state=row["state"],
        reason=row["reason"],
        hours=row["hours"],
        price=row["price"],
        cost=row["cost"],
        old_expires_at=row["old_expires_at"],
        created_at=row["created_at"],
        check_attempts=row["check_attempts"],
    )


async def of_quote(db: Reader, quote_id: str) -> Renewal | None:
    row = await db.one("SELECT * FROM renewals WHERE quote_id = $1", quote_id)
    return _renewal(row) if row else None


async def get(db: Reader, renewal_id: int) -> Renewal | None:
    row = await db.one("SELECT * FROM renewals WHERE id = $1", renewal_id)
    return _renewal(row) if row else None


async def pending_of(db: Reader, number_id: int) -> Renewal | None:
    row = await db.one("SELECT * FROM renewals WHERE number_id = $1 AND state = 'pending'", number_id)
    return _renewal(row) if row else None


async def add(tx: Tx, quote: Quote, number_id: int, old_expires_at: Ms, *, check_at: Ms, now: Ms) -> Renewal:
    rows = await tx.all(
        """INSERT INTO renewals (number_id, user_id, quote_id, state, hours, price, cost, old_expires_at, created_at,
                                 check_at)
           VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9) RETURNING *""",
        number_id,
        quote.user_id,
        quote.id,
        quote.offer.hours,
        quote.offer.price,
        quote.offer.cost,
        old_expires_at,
        now,
        check_at,
    )
    return _renewal(rows[0])


async def close(tx: Tx, renewal_id: int, state: str, reason: str, now: Ms) -> bool:
    """pending → done or failed; False when it was decided before."""
    row = await tx.one(
        """UPDATE renewals SET state = $2, reason = $3, closed_at = $4, check_at = NULL
           WHERE id = $1 AND state = 'pending' RETURNING id""",
        renewal_id,
        state,
        reason,
        now,
    )
    return row is not None


async def defer(tx: Tx, renewal_id: int, check_at: Ms) -> None:
    await tx.all(
        """UPDATE renewals SET check_at = $2, check_attempts = check_attempts + 1
           WHERE id = $1 AND state = 'pending'""",
        renewal_id,
        check_at,
    )


async def to_check(db: Reader, provider: str, now: Ms, limit: int) -> list[Renewal]:
    rows = await db.all(
        """SELECT r.* FROM renewals r JOIN numbers n ON n.id = r.number_id
           WHERE r.state = 'pending' AND r.check_at <= $2 AND n.provider = $1 ORDER BY r.check_at LIMIT $3""",
        provider,
        now,
        limit,
    )
    return [_renewal(row) for row in rows]


async def done_of(db: Reader, number_id: int) -> list[Renewal]:
    """Those that took effect, oldest first."""
    rows = await db.all("SELECT * FROM renewals WHERE number_id = $1 AND state = 'done' ORDER BY id", number_id)
    return [_renewal(row) for row in rows]
