"""What was done under a caller's Idempotency-Key, written down with it."""

from dataclasses import dataclass

from bot.domain.money import Units
from bot.domain.time import Ms
from storage.db import Reader, Tx


@dataclass(frozen=True, slots=True)
class Done:
    """`request` is a hash of the parameters. Just one of the number, the renewal and the refusal is there."""

    request: str
    number_id: int | None
    renewal_id: int | None
    refused: str
    """'', 'no_numbers' or 'price_risen'."""
    price: Units | None


async def get(db: Reader, user_id: int, key: str) -> Done | None:
    row = await db.one("SELECT * FROM idempotency WHERE user_id = $1 AND key = $2", user_id, key)
    if row is None:
        return None
    return Done(row["request"], row["number_id"], row["renewal_id"], row["refused"], row["price"])


async def add(tx: Tx, user_id: int, key: str, done: Done, now: Ms) -> None:
    """Fails where the key is taken: whoever calls has looked, alone."""
    await tx.all(
        """INSERT INTO idempotency (user_id, key, request, number_id, renewal_id, refused, price, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        user_id,
        key,
        done.request,
        done.number_id,
        done.renewal_id,
        done.refused,
        done.price,
        now,
    )


async def forget(tx: Tx, user_id: int, key: str) -> None:
    """For a key under which nothing came about."""
    await tx.all("DELETE FROM idempotency WHERE user_id = $1 AND key = $2", user_id, key)
