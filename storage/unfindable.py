"""Purchases without an answer at providers that cannot say what they sold: until when their money is held."""

from bot.domain.time import Ms
from storage.db import Reader, Tx


async def add(tx: Tx, number_id: int, held_until: Ms, now: Ms) -> bool:
    """False where it was found before."""
    row = await tx.one(
        """INSERT INTO unfindable (number_id, held_until, found_at) VALUES ($1, $2, $3)
           ON CONFLICT (number_id) DO NOTHING RETURNING number_id""",
        number_id,
        held_until,
        now,
    )
    return row is not None


async def held_until(db: Reader, number_id: int) -> Ms | None:
    row = await db.one("SELECT held_until FROM unfindable WHERE number_id = $1", number_id)
    return int(row["held_until"]) if row else None
