"""Events on their way to webhooks. Those of one number go to one address in their order, others side by side."""

from dataclasses import dataclass

from bot.domain.time import Ms
from bot.domain.webhooks import Delivery, Progress
from storage.db import Reader, Row, Tx

_WHOLE = """SELECT d.*, e.type, e.created_at FROM webhook_deliveries d JOIN events e ON e.id = d.event_id"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one address, of the time that is kept."""

    pending: int
    failed: int


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=row["id"],
        webhook_id=row["webhook_id"],
        event_id=row["event_id"],
        type=row["type"],
        number_id=row["number_id"],
        progress=Progress(row["progress"]),
        attempts=row["attempts"],
        first_attempt_at=row["first_attempt_at"],
        next_attempt_at=row["next_attempt_at"],
        done_at=row["done_at"],
        status=row["status"],
        error=row["error"],
        created_at=row["created_at"],
    )


async def add(tx: Tx, webhook_id: int, event_id: int, now: Ms) -> int:
    """Of an event that only this address is told of: a test. What other addresses are owed, the schema adds."""
    rows = await tx.all(
        "INSERT INTO webhook_deliveries (webhook_id, event_id, next_attempt_at) VALUES ($1, $2, $3) RETURNING id",
        webhook_id,
        event_id,
        now,
    )
    return int(rows[0]["id"])


async def get(db: Reader, delivery_id: int) -> Delivery | None:
    row = await db.one(f"{_WHOLE} WHERE d.id = $1", delivery_id)
    return _delivery(row) if row else None


async def owned(db: Reader, delivery_id: int, user_id: int) -> Delivery | None:
    """The delivery, if it is to an address of this person's."""
    row = await db.one(
        f"{_WHOLE} JOIN webhooks w ON w.id = d.webhook_id WHERE d.id = $1 AND w.user_id = $2", delivery_id, user_id
    )
    return _delivery(row) if row else None


async def webhooks_due(db: Reader, now: Ms) -> dict[int, bool]:
    """Addresses with something due, and whether each is failing."""
    rows = await db.all(
        """SELECT w.id, w.failing_since IS NOT NULL AS failing FROM webhooks w WHERE w.id IN (
               SELECT webhook_id FROM webhook_deliveries WHERE progress = 'pending' AND next_attempt_at <= $1)""",
        now,
    )
    return {row["id"]: bool(row["failing"]) for row in rows}


async def due(db: Reader, webhook_id: int, now: Ms, limit: int) -> list[Delivery]:
    """What is due at one address, oldest first: the first of each number that has any."""
    rows = await db.all(
        f"""{_WHOLE} WHERE d.webhook_id = $1 AND d.progress = 'pending' AND d.next_attempt_at <= $2
              AND NOT EXISTS (
                  SELECT 1 FROM webhook_deliveries p WHERE p.webhook_id = $1 AND p.number_id = d.number_id
                    AND p.progress = 'pending' AND p.event_id < d.event_id)
            ORDER BY d.event_id LIMIT $3""",  # noqa: S608
        webhook_id,
        now,
        limit,
    )
    return [_delivery(row) for row in rows]


async def mark(tx: Tx, delivery: Delivery, status: int, now: Ms) -> bool:
    """Taken; False where it was settled, or its address was removed, meanwhile."""
    row = await tx.one(
        """UPDATE webhook_deliveries SET progress = 'delivered', done_at = $2, status = $3, error = '',
               attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, $2)
           WHERE id = $1 AND progress = 'pending' RETURNING id""",
        delivery.id,
        now,
        status,
    )
    return row is not None


async def note_attempt(tx: Tx, delivery: Delivery, status: int | None, error: str, now: Ms) -> Delivery | None:
    """One that failed; None where the delivery was settled meanwhile."""
    row = await tx.one(
        """UPDATE webhook_deliveries SET attempts = attempts + 1, status = CAST($3 AS INTEGER), error = $4,
               first_attempt_at = coalesce(first_attempt_at, $2)
           WHERE id = $1 AND progress = 'pending' RETURNING id""",
        delivery.id,
        now,
        status,
        error,
    )
    return await get(tx, delivery.id) if row else None


async def defer(tx: Tx, delivery: Delivery, at: Ms) -> None:
    """Again at that time; what comes after it in its line waits as long."""
    await tx.all("UPDATE webhook_deliveries SET next_attempt_at = $2 WHERE id = $1", delivery.id, at)
    await tx.all(
        """UPDATE webhook_deliveries SET next_attempt_at = $3
           WHERE webhook_id = $1 AND number_id = $2 AND progress = 'pending' AND next_attempt_at < $3""",
        delivery.webhook_id,
        delivery.number_id,
        at,
    )


async def give_up(tx: Tx, delivery: Delivery, now: Ms) -> None:
    """What comes after it in its line goes at once."""
    await tx.all(
        "UPDATE webhook_deliveries SET progress = 'failed', done_at = $2 WHERE id = $1 AND progress = 'pending'",
        delivery.id,
        now,
    )
    await tx.all(
        """UPDATE webhook_deliveries SET next_attempt_at = $3
           WHERE webhook_id = $1 AND number_id = $2 AND progress = 'pending'""",
        delivery.webhook_id,
        delivery.number_id,
        now,
    )


async def give_up_all(tx: Tx, webhook_id: int, error: str, now: Ms) -> None:
    """The address is switched off: what it is owed can be sent again when it is on."""
    await tx.all(
        """UPDATE webhook_deliveries SET progress = 'failed', done_at = $2,
               error = CASE error WHEN '' THEN $3 ELSE error END
           WHERE webhook_id = $1 AND progress = 'pending'""",
        webhook_id,
        now,
        error,
    )


async def hurry(tx: Tx, webhook_id: int, now: Ms) -> None:
    """The address takes events again: all that waits there is due now."""
    await tx.all(
        """UPDATE webhook_deliveries SET next_attempt_at = $2
           WHERE webhook_id = $1 AND progress = 'pending' AND next_attempt_at > $2""",
        webhook_id,
        now,
    )


async def again(tx: Tx, delivery_id: int, now: Ms) -> None:
    """Owed once more, as if it had never been tried; what waits behind it in its line goes with it."""
    await tx.all(
        """UPDATE webhook_deliveries SET progress = 'pending', done_at = NULL, next_attempt_at = $2, attempts = 0,
               first_attempt_at = NULL, error = '', status = NULL
           WHERE id = $1 AND progress <> 'pending'""",
        delivery_id,
        now,
    )


async def all_failed_again(tx: Tx, webhook_id: int, now: Ms) -> int:
    """How many are owed once more."""
    rows = await tx.all(
        """UPDATE webhook_deliveries SET progress = 'pending', done_at = NULL, next_attempt_at = $2, attempts = 0,
               first_attempt_at = NULL, error = '', status = NULL
           WHERE webhook_id = $1 AND progress = 'failed' RETURNING id""",
        webhook_id,
        now,
    )
    return len(rows)


async def of_webhook(
    db: Reader, webhook_id: int, limit: int, before_event: int, progress: Progress | None = None
) -> list[Delivery]:
    """Newest first, of events older than `before_event`."""
    rows = await db.all(
        f"""{_WHOLE} WHERE d.webhook_id = $1 AND d.event_id < $2 AND ($3 = '' OR d.progress = $3)
            ORDER BY d.event_id DESC LIMIT $4""",
        webhook_id,
        before_event,
        progress or "",
        limit,
    )
    return [_delivery(row) for row in rows]


async def counts(db: Reader, webhook_id: int) -> Counts:
    row = await db.one(
        """SELECT (SELECT count(*) FROM webhook_deliveries WHERE webhook_id = $1 AND progress = 'pending') AS pending,
                  (SELECT count(*) FROM webhook_deliveries WHERE webhook_id = $1 AND progress = 'failed') AS failed""",
        webhook_id,
    )
    return Counts(row["pending"], row["failed"]) if row else Counts(0, 0)
