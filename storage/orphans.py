"""Orphans: numbers that a provider sold after we had given their purchase up. They are given back."""

from dataclasses import dataclass

from bot.domain.time import Ms
from storage.db import Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class Orphan:
    provider: str
    provider_ref: str
    number_id: int
    """The purchase that had been given up."""
    created_at: Ms
    check_attempts: int


def _orphan(row: Row) -> Orphan:
    return Orphan(
        provider=row["provider"],
        provider_ref=row["provider_ref"],
        number_id=row["number_id"],
        created_at=row["created_at"],
        check_attempts=row["check_attempts"],
    )


async def add(tx: Tx, provider: str, provider_ref: str, number_id: int, now: Ms) -> None:
    await tx.all(
        """INSERT INTO orphans (provider, provider_ref, number_id, created_at, check_at) VALUES ($1, $2, $3, $4, $4)
           ON CONFLICT (provider, provider_ref) DO NOTHING""",
        provider,
        provider_ref,
        number_id,
        now,
    )


async def to_check(db: Reader, provider: str, now: Ms, limit: int) -> list[Orphan]:
    rows = await db.all(
        """SELECT * FROM orphans WHERE closed_at IS NULL AND check_at <= $2 AND provider = $1
           ORDER BY check_at LIMIT $3""",
        provider,
        now,
        limit,
    )
    return [_orphan(row) for row in rows]


async def defer(tx: Tx, orphan: Orphan, check_at: Ms) -> None:
    await tx.all(
        """UPDATE orphans SET check_at = $3, check_attempts = check_attempts + 1
           WHERE provider = $1 AND provider_ref = $2""",
        orphan.provider,
        orphan.provider_ref,
        check_at,
    )


async def close(tx: Tx, orphan: Orphan, outcome: str, now: Ms) -> None:
    """`outcome`: 'cancelled', or the reason why it could not be."""
    await tx.all(
        "UPDATE orphans SET closed_at = $3, outcome = $4 WHERE provider = $1 AND provider_ref = $2",
        orphan.provider,
        orphan.provider_ref,
        now,
        outcome,
    )
