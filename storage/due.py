"""What the sweeps ask of numbers: whose time has come."""

from bot.domain.numbers import Kind, Number
from bot.domain.time import Ms
from storage.db import Reader, Tx
from storage.numbers import from_row


async def live_refs(db: Reader, provider: str, after: str, limit: int, *, rentals: bool = True) -> list[str]:
    """A page of the provider's own references of our live numbers, in order; `rentals`: with those."""
    rows = await db.all(
        """SELECT provider_ref FROM numbers
           WHERE provider = $1 AND state IN ('active', 'cancelling') AND provider_ref > $2
             AND ($4 = 1 OR kind <> 'rental')
           ORDER BY provider_ref LIMIT $3""",
        provider,
        after,
        limit,
        int(rentals),
    )
    return [row["provider_ref"] for row in rows]


async def live_since(db: Reader, provider: str, kind: Kind | None = None) -> dict[str, Ms]:
    """The provider's own references of our live numbers, of one kind or of all, with when each was bought."""
    rows = await db.all(
        """SELECT provider_ref, created_at FROM numbers
           WHERE provider = $1 AND state IN ('active', 'cancelling') AND provider_ref IS NOT NULL
             AND ($2 = '' OR kind = $2)""",
        provider,
        kind or "",
    )
    return {row["provider_ref"]: row["created_at"] for row in rows}


async def newest_live(db: Reader, provider: str) -> Ms | None:
    """When the youngest live number of a provider was bought: young numbers are polled faster. None without any."""
    row = await db.one(
        "SELECT max(created_at) AS newest FROM numbers WHERE provider = $1 AND state IN ('active', 'cancelling')",
        provider,
    )
    return row["newest"] if row else None


async def providers_to_expire(db: Reader, now: Ms) -> list[str]:
    """Whose numbers are past their end, and were not asked about lately."""
    rows = await db.all(
        """SELECT DISTINCT provider FROM numbers
           WHERE state = 'active' AND CASE WHEN check_at > expires_at THEN check_at ELSE expires_at END <= $1""",
        now,
    )
    return [row["provider"] for row in rows]


async def to_expire(db: Reader, provider: str, now: Ms, limit: int) -> list[Number]:
    rows = await db.all(
        """SELECT * FROM numbers
           WHERE state = 'active' AND CASE WHEN check_at > expires_at THEN check_at ELSE expires_at END <= $2
             AND provider = $1
           ORDER BY CASE WHEN check_at > expires_at THEN check_at ELSE expires_at END LIMIT $3""",
        provider,
        now,
        limit,
    )
    return [from_row(row) for row in rows]


async def providers_to_check(db: Reader, now: Ms) -> list[str]:
    """Who is to be asked about purchases, cancels, renewals or orphans now."""
    rows = await db.all(
        """SELECT provider FROM numbers WHERE state IN ('buying', 'cancelling') AND check_at <= $1
           UNION SELECT n.provider FROM renewals r JOIN numbers n ON n.id = r.number_id
               WHERE r.state = 'pending' AND r.check_at <= $1
           UNION SELECT provider FROM orphans WHERE closed_at IS NULL AND check_at <= $1""",
        now,
    )
    return [row["provider"] for row in rows]


async def to_check(db: Reader, provider: str, now: Ms, limit: int) -> list[Number]:
    """Unanswered purchases and undecided cancels whose next question to the provider is due."""
    rows = await db.all(
        """SELECT * FROM numbers WHERE state IN ('buying', 'cancelling') AND check_at <= $2 AND provider = $1
           ORDER BY check_at LIMIT $3""",
        provider,
        now,
        limit,
    )
    return [from_row(row) for row in rows]


async def forget_timers(tx: Tx, now: Ms) -> None:
    """At start: whatever was in flight when the process ended is asked about at once."""
    await tx.all("UPDATE numbers SET check_at = $1 WHERE state = 'buying'", now)
    await tx.all("UPDATE numbers SET check_at = $1 WHERE state = 'cancelling' AND cancel_sent = 1", now)
    await tx.all("UPDATE numbers SET check_at = NULL WHERE state = 'active' AND check_at IS NOT NULL")
    await tx.all("UPDATE renewals SET check_at = $1 WHERE state = 'pending'", now)
    await tx.all("UPDATE orphans SET check_at = $1 WHERE closed_at IS NULL", now)
