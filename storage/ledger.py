"""Money: append-only double entry. The schema's triggers keep balances, single resolutions and no overdraft.

Every function is a no-op when its transfer exists already, and says so by returning False.
"""

from dataclasses import dataclass

from bot.domain.money import Units
from bot.domain.time import Ms
from storage.db import Reader, Tx

OPERATOR = "operator"


def person(user_id: int) -> str:
    return f"person:{user_id}"


def hold_id(subject: str) -> str:
    """`subject` is what the money is for: 'n17' a number, 'r5' a renewal."""
    return f"{subject}:hold"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a person's statement; `amount` is signed from their point of view."""

    kind: str
    amount: Units
    reason: str
    number_id: int | None
    at: Ms


async def balance(db: Reader, user_id: int) -> Units:
    row = await db.one("SELECT balance FROM accounts WHERE user_id = $1", user_id)
    return row["balance"] if row else 0


async def credit(tx: Tx, key: str, user_id: int, amount: Units, *, actor_id: int | None, reason: str, now: Ms) -> bool:
    """Give (or, below zero, take) money by hand. `key` makes a repetition a no-op."""
    source, target = (OPERATOR, person(user_id)) if amount > 0 else (person(user_id), OPERATOR)
    row = await tx.one(
        """INSERT INTO transfers (id, kind, from_account, to_account, amount, actor_id, reason, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING id""",
        key,
        "credit" if amount > 0 else "debit",
        source,
        target,
        abs(amount),
        actor_id,
        reason,
        now,
    )
    return row is not None


async def exists(db: Reader, key: str) -> bool:
    return await db.one("SELECT id FROM transfers WHERE id = $1", key) is not None


async def hold(tx: Tx, subject: str, user_id: int, amount: Units, *, number_id: int, reason: str, now: Ms) -> bool:
    """Set money aside. Nothing is held for a free number: there is then nothing to resolve either."""
    if amount == 0:
        return False
    row = await tx.one(
        """INSERT INTO transfers (id, kind, from_account, to_account, amount, number_id, reason, created_at)
           VALUES ($1, 'hold', $2, 'holds', $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING RETURNING id""",
        hold_id(subject),
        person(user_id),
        amount,
        number_id,
        reason,
        now,
    )
    return row is not None


async def capture(tx: Tx, subject: str, now: Ms) -> bool:
    """Take the money that was held. False where nothing is held, or the hold was resolved before."""
    row = await tx.one(
        """INSERT INTO transfers (id, kind, from_account, to_account, amount, hold_id, number_id, reason, created_at)
           SELECT $1, 'capture', 'holds', 'income', h.amount, h.id, h.number_id, h.reason, $3
           FROM transfers h WHERE h.id = $2
             AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id)
           RETURNING id""",
        f"{subject}:capture",
        hold_id(subject),
        now,
    )
    return row is not None


async def release(tx: Tx, subject: str, now: Ms) -> bool:
    """Give back the money that was held. False where nothing is held, or the hold was resolved before."""
    row = await tx.one(
        """INSERT INTO transfers (id, kind, from_account, to_account, amount, hold_id, number_id, reason, created_at)
           SELECT $1, 'release', 'holds', h.from_account, h.amount, h.id, h.number_id, h.reason, $3
           FROM transfers h WHERE h.id = $2
             AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id)
           RETURNING id""",
        f"{subject}:release",
        hold_id(subject),
        now,
    )
    return row is not None


async def captured(db: Reader, subject: str) -> bool:
    """Whether the money that was held has been taken."""
    return (
        await db.one("SELECT id FROM transfers WHERE hold_id = $1 AND kind = 'capture'", hold_id(subject)) is not None
    )


async def refund(tx: Tx, subject: str, now: Ms) -> bool:
    """Give back money that was captured. False where nothing was, or it was refunded before."""
    row = await tx.one(
        """INSERT INTO transfers (id, kind, from_account, to_account, amount, hold_id, number_id, reason, created_at)
           SELECT $1, 'refund', 'income', h.from_account, h.amount, h.id, h.number_id, h.reason, $3
           FROM transfers h JOIN transfers c ON c.hold_id = h.id AND c.kind = 'capture' WHERE h.id = $2
             AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id AND r.kind = 'refund')
           RETURNING id""",
        f"{subject}:refund",
        hold_id(subject),
        now,
    )
    return row is not None


async def statement(db: Reader, user_id: int, limit: int) -> list[Entry]:
    """The person's newest entries, newest first. A capture moves nothing of theirs: the hold already did.

    The hold for a renewal is an entry of its own kind.
    """
    rows = await db.all(
        """SELECT CASE WHEN kind = 'hold' AND id LIKE 'r%' THEN 'renewal' ELSE kind END AS kind,
               CASE WHEN to_account = $1 THEN amount ELSE -amount END AS amount, reason, number_id, created_at
           FROM transfers WHERE from_account = $1 OR to_account = $1 ORDER BY rowid DESC LIMIT $2""",
        person(user_id),
        limit,
    )
    return [Entry(row["kind"], row["amount"], row["reason"], row["number_id"], row["created_at"]) for row in rows]


async def held(db: Reader, user_id: int) -> Units:
    """What is set aside for numbers that are still under way."""
    row = await db.one(
        """SELECT coalesce(sum(h.amount), 0) AS held FROM transfers h
           WHERE h.from_account = $1 AND h.kind = 'hold'
             AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id)""",
        person(user_id),
    )
    return row["held"] if row else 0
