"""Events that programs are told of, each with its number as it was then. Their trigger owes them to the webhooks."""

from dataclasses import dataclass, replace

from bot.domain.numbers import Number, State
from bot.domain.time import DAY, HOUR, Ms
from bot.domain.webhooks import TEST, Topic
from storage.db import Reader, Row, Tx
from storage.numbers import from_row


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    user_id: int
    type: str
    number_id: int | None
    sms_id: int | None
    then: "Then | None"
    """None for a test."""
    created_at: Ms


@dataclass(frozen=True, slots=True)
class Then:
    """What of a number changes, as it was when the event happened."""

    state: State
    sms_count: int
    asked_after: int
    expires_at: Ms | None
    cancel_from: Ms | None
    refund_until: Ms | None
    closed_at: Ms | None
    renewing: bool
    charged: bool | None
    """None: no money was set aside for it."""

    def seen_in(self, number: Number) -> Number:
        """`number` as it was."""
        return replace(
            number,
            state=self.state,
            sms_count=self.sms_count,
            asked_after=self.asked_after,
            expires_at=self.expires_at,
            cancel_from=self.cancel_from,
            refund_until=self.refund_until,
            closed_at=self.closed_at,
        )


def _event(row: Row) -> Event:
    return Event(
        id=row["id"],
        user_id=row["user_id"],
        type=row["type"],
        number_id=row["number_id"],
        sms_id=row["sms_id"],
        then=_then(row) if row["state"] is not None else None,
        created_at=row["created_at"],
    )


def _then(row: Row) -> Then:
    return Then(
        state=State(row["state"]),
        sms_count=row["sms_count"],
        asked_after=row["asked_after"],
        expires_at=row["expires_at"],
        cancel_from=row["cancel_from"],
        refund_until=row["refund_until"],
        closed_at=row["closed_at"],
        renewing=bool(row["renewing"]),
        charged=None if row["charged"] is None else bool(row["charged"]),
    )


async def add(
    tx: Tx, key: str, topic: str, number_id: int, subject: str, now: Ms, *, sms_id: int | None = None
) -> None:
    """Once for each `key`. `subject` is what the ledger calls the number's money."""
    await tx.all(
        """INSERT INTO events (key, user_id, type, number_id, sms_id, state, sms_count, asked_after, expires_at,
                               cancel_from, refund_until, closed_at, renewing, charged, created_at)
           SELECT $1, n.user_id, $2, n.id, CAST($3 AS INTEGER), n.state, n.sms_count, n.asked_after, n.expires_at,
               n.cancel_from, n.refund_until, n.closed_at,
               EXISTS (SELECT 1 FROM renewals r WHERE r.number_id = n.id AND r.state = 'pending'),
               CASE WHEN EXISTS (SELECT 1 FROM transfers WHERE id = $4 || ':hold') THEN
                   EXISTS (SELECT 1 FROM transfers WHERE id = $4 || ':capture')
                   AND NOT EXISTS (SELECT 1 FROM transfers WHERE id = $4 || ':refund') END, $5
           FROM numbers n WHERE n.id = $6 ON CONFLICT (key) DO NOTHING""",
        key,
        topic,
        sms_id,
        subject,
        now,
        number_id,
    )


async def add_test(tx: Tx, key: str, user_id: int, now: Ms) -> int:
    """The id of an event that nobody is told of unless it is asked for."""
    rows = await tx.all(
        "INSERT INTO events (key, user_id, type, created_at) VALUES ($1, $2, $3, $4) RETURNING id",
        key,
        user_id,
        TEST,
        now,
    )
    return int(rows[0]["id"])


async def tests_since(db: Reader, user_id: int, since: Ms) -> int:
    row = await db.one(
        "SELECT count(*) AS n FROM events WHERE user_id = $1 AND created_at > $2 AND type = $3", user_id, since, TEST
    )
    return int(row["n"]) if row else 0


async def get(db: Reader, event_id: int) -> Event | None:
    row = await db.one("SELECT * FROM events WHERE id = $1", event_id)
    return _event(row) if row else None


async def after(db: Reader, user_id: int, after_id: int, since: Ms, limit: int) -> list[Event]:
    """A person's events, oldest first, without the tests of their addresses."""
    rows = await db.all(
        """SELECT * FROM events WHERE user_id = $1 AND id > $2 AND created_at >= $3 AND type <> $4
           ORDER BY id LIMIT $5""",
        user_id,
        after_id,
        since,
        TEST,
        limit,
    )
    return [_event(row) for row in rows]


async def newest(db: Reader, user_id: int) -> int:
    """The id of a person's newest event; 0 where there is none."""
    row = await db.one("SELECT max(id) AS newest FROM events WHERE user_id = $1", user_id)
    return int(row["newest"] or 0) if row else 0


async def to_warn(db: Reader, now: Ms, limit: int) -> list[Number]:
    """Rentals that end within a day, or an hour if they are shorter than two days, and whose end is not told yet."""
    rows = await db.all(
        """SELECT * FROM numbers n
           WHERE kind = 'rental' AND state = 'active' AND expires_at > $1 AND expires_at <= $1 + $2
             AND (expires_at <= $1 + $3 OR expires_at - created_at >= 2 * $2)
             AND NOT EXISTS (SELECT 1 FROM events WHERE key = $5 || ':' || n.id || ':' || n.expires_at)
           ORDER BY expires_at LIMIT $4""",
        now,
        DAY,
        HOUR,
        limit,
        Topic.NUMBER_EXPIRING,
    )
    return [from_row(row) for row in rows]


async def prune(tx: Tx, before: Ms, limit: int) -> int:
    """Forget old events, and with them what became of their deliveries."""
    gone = await tx.all(
        "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE created_at < $1 LIMIT $2) RETURNING id",
        before,
        limit,
    )
    return len(gone)
