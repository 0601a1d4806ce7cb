"""What became of the activations that were sold, in the order in which they ended."""

from typing import TypeAlias

from bot.domain.record import Outcome
from bot.domain.time import Ms
from storage.db import Reader, Row

Mark: TypeAlias = tuple[Ms, int]
"""(closed_at, id) of the number that was read last."""


async def after(db: Reader, mark: Mark, until: Ms, limit: int) -> list[Outcome]:
    """A page of what ended after `mark`, up to and including `until`.

    An SMS counts while its number was open; one that came later was a gift.
    """
    rows = await db.all(
        """SELECT n.id, n.provider, n.service, n.country, n.created_at, n.closed_at,
                  (SELECT at FROM number_events WHERE number_id = n.id AND to_state = 'active'
                   ORDER BY id LIMIT 1) AS sold_at,
                  (SELECT created_at FROM sms WHERE number_id = n.id ORDER BY id LIMIT 1) AS came_at,
                  CASE WHEN n.state = 'cancelled' AND n.reason = 'cancelled' THEN
                      (SELECT at FROM number_events WHERE number_id = n.id AND to_state = 'cancelling'
                       ORDER BY id DESC LIMIT 1) END AS asked_at
           FROM numbers n
           WHERE n.kind = 'activation' AND n.state IN ('completed', 'cancelled', 'expired')
             AND (n.closed_at, n.id) > ($1, $2) AND n.closed_at <= $3
           ORDER BY n.closed_at, n.id LIMIT $4""",
        *mark,
        until,
        limit,
    )
    return [_outcome(row) for row in rows]


def _outcome(row: Row) -> Outcome:
    came_at = row["came_at"]
    sold_at = row["created_at"] if row["sold_at"] is None else row["sold_at"]
    return Outcome(
        number_id=row["id"],
        provider=row["provider"],
        service=row["service"],
        country=row["country"],
        closed_at=row["closed_at"],
        code_after=None if came_at is None or came_at > row["closed_at"] else max(0, came_at - sold_at),
        withdrawn_after=None if row["asked_at"] is None else max(0, row["asked_at"] - sold_at),
    )
