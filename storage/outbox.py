"""Messages owed to chats, written in the transaction of their cause and marked after they were sent."""

from dataclasses import dataclass

from bot.domain.time import Ms
from storage.db import Reader, Row, Tx

CODES, NOTICES, CARDS = 0, 1, 2

_WAITS_IN = "coalesce((SELECT 'parked' FROM chats WHERE id = $2 AND parked_at IS NOT NULL), 'pending')"
"""The state of a new message for chat $2: pending, or parked while the bot is blocked there."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One message owed. It carries ids only; its words are chosen when it is sent."""

    id: int
    key: str
    chat_id: int
    kind: str
    """'sms', 'card' or 'notice'."""
    number_id: int | None
    sms_id: int | None
    notice: str
    """Its name, and where it needs one, after a colon, what it is about: 'low_balance:hero'."""
    generation: int
    copies: int
    attempts: int
    created_at: Ms

    @property
    def name(self) -> str:
        return self.notice.partition(":")[0]

    @property
    def about(self) -> str:
        return self.notice.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is owed, and since when the oldest of it is; and the same of codes alone."""

    pending: int
    oldest_at: Ms | None
    codes: int
    oldest_code_at: Ms | None


def _owed(row: Row) -> Owed:
    return Owed(
        id=row["id"],
        key=row["key"],
        chat_id=row["chat_id"],
        kind=row["kind"],
        number_id=row["number_id"],
        sms_id=row["sms_id"],
        notice=row["notice"],
        generation=row["generation"],
        copies=row["copies"],
        attempts=row["attempts"],
        created_at=row["created_at"],
    )


async def add_sms(tx: Tx, chat_id: int, number_id: int, sms_id: int, now: Ms) -> None:
    await _add(tx, f"sms:{sms_id}", chat_id, "sms", CODES, now, number_id=number_id, sms_id=sms_id)


async def add_notice(tx: Tx, key: str, chat_id: int, notice: str, now: Ms, *, number_id: int | None = None) -> None:
    await _add(tx, key, chat_id, "notice", NOTICES, now, number_id=number_id, notice=notice)


async def _add(
    tx: Tx,
    key: str,
    chat_id: int,
    kind: str,
    priority: int,
    now: Ms,
    *,
    number_id: int | None = None,
    sms_id: int | None = None,
    notice: str = "",
) -> None:
    await tx.all(
        f"""INSERT INTO outbox (key, chat_id, kind, priority, number_id, sms_id, notice, state, next_attempt_at,
                                created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, {_WAITS_IN}, $8, $8) ON CONFLICT (key) DO NOTHING""",  # noqa: S608
        key,
        chat_id,
        kind,
        priority,
        number_id,
        sms_id,
        notice,
        now,
    )


async def want_card(tx: Tx, chat_id: int, number_id: int, now: Ms) -> None:
    """The number's card no longer shows the truth: edit it. Several wishes become one edit, as old as the first."""
    await tx.all(
        f"""INSERT INTO outbox (key, chat_id, kind, priority, number_id, state, next_attempt_at, created_at)
            VALUES ($1, $2, 'card', $3, $4, {_WAITS_IN}, $5, $5)
            ON CONFLICT (key) DO UPDATE SET state = excluded.state, generation = outbox.generation + 1, attempts = 0,
                next_attempt_at = excluded.next_attempt_at,
                created_at = CASE WHEN outbox.state = 'pending' THEN outbox.created_at ELSE excluded.created_at END,
                done_at = NULL""",  # noqa: S608
        f"card:{number_id}",
        chat_id,
        CARDS,
        number_id,
        now,
    )


async def due(db: Reader, now: Ms, limit: int) -> list[Owed]:
    """The first due message of each chat that is not paused, codes first."""
    rows = await db.all(
        """SELECT o.* FROM outbox o JOIN chats c ON c.id = o.chat_id
           WHERE o.state = 'pending' AND o.next_attempt_at <= $1
             AND (c.paused_until IS NULL OR c.paused_until <= $1)
             AND NOT EXISTS (
                 SELECT 1 FROM outbox p WHERE p.chat_id = o.chat_id AND p.state = 'pending'
                   AND p.next_attempt_at <= $1 AND (p.priority, p.id) < (o.priority, o.id))
           ORDER BY o.priority, o.id LIMIT $2""",
        now,
        limit,
    )
    return [_owed(row) for row in rows]


async def still_owed(db: Reader, owed: Owed) -> Owed | None:
    """As it stands now; None where it is no longer pending in that chat."""
    row = await db.one(
        "SELECT * FROM outbox WHERE id = $1 AND chat_id = $2 AND state = 'pending'", owed.id, owed.chat_id
    )
    return _owed(row) if row else None


async def mark_sent(tx: Tx, owed: Owed, message_id: int | None, now: Ms) -> None:
    """After success. A card that was asked for again meanwhile stays owed, since now."""
    await tx.all(
        """UPDATE outbox SET state = CASE WHEN generation = $2 THEN 'sent' ELSE state END,
               done_at = CASE WHEN generation = $2 THEN CAST($4 AS INTEGER) ELSE done_at END,
               created_at = CASE WHEN generation = $2 THEN created_at ELSE CAST($4 AS INTEGER) END,
               message_id = $3, copies = 0, error = ''
           WHERE id = $1""",
        owed.id,
        owed.generation,
        message_id,
        now,
    )


async def close(tx: Tx, owed: Owed, state: str, error: str, now: Ms) -> None:
    """Give up: 'refused' for good by Telegram, or 'unconfirmed' after as many copies as we allow."""
    await tx.all(
        "UPDATE outbox SET state = $2, error = $3, done_at = $4 WHERE id = $1 AND generation = $5",
        owed.id,
        state,
        error,
        now,
        owed.generation,
    )


async def defer(tx: Tx, owed: Owed, next_attempt_at: Ms, error: str, copies: int) -> None:
    await tx.all(
        """UPDATE outbox SET next_attempt_at = $2, error = $3, copies = $4, attempts = attempts + 1
           WHERE id = $1 AND state = 'pending'""",
        owed.id,
        next_attempt_at,
        error,
        copies,
    )


async def count_copy(tx: Tx, owed: Owed) -> None:
    """Before a repetition leaves: a crash between the send and its mark must not lose count of the copies."""
    await tx.all("UPDATE outbox SET copies = copies + 1 WHERE id = $1", owed.id)


async def suspect_in_flight(tx: Tx) -> None:
    """At start: any message still owed may have left just before the process ended."""
    await tx.all("UPDATE outbox SET copies = 1 WHERE state = 'pending' AND kind <> 'card' AND copies = 0")


async def move_chat(tx: Tx, old_chat_id: int, new_chat_id: int) -> None:
    """A group became a supergroup: whatever is owed follows it."""
    await tx.all(
        """INSERT INTO chats (id, user_id) SELECT $2, user_id FROM chats WHERE id = $1
           ON CONFLICT (id) DO NOTHING""",
        old_chat_id,
        new_chat_id,
    )
    await tx.all("UPDATE outbox SET chat_id = $2 WHERE chat_id = $1 AND state = 'pending'", old_chat_id, new_chat_id)
    await tx.all("UPDATE outbox SET chat_id = $2 WHERE chat_id = $1 AND state = 'parked'", old_chat_id, new_chat_id)
    await tx.all(
        "UPDATE numbers SET card_chat_id = $2, card_message_id = NULL WHERE card_chat_id = $1", old_chat_id, new_chat_id
    )


async def park(tx: Tx, owed: Owed) -> None:
    """The chat is blocked: all that it is owed waits there. `owed` did not leave, so it is no copy."""
    await tx.all("UPDATE outbox SET copies = $2 WHERE id = $1", owed.id, owed.copies)
    await tx.all("UPDATE outbox SET state = 'parked' WHERE chat_id = $1 AND state = 'pending'", owed.chat_id)


async def unpark(tx: Tx, chat_id: int, now: Ms) -> int:
    """What was parked is owed again; returns how many codes are among it."""
    rows = await tx.all(
        """UPDATE outbox SET state = 'pending', next_attempt_at = $2, attempts = 0
           WHERE chat_id = $1 AND state = 'parked' RETURNING kind""",
        chat_id,
        now,
    )
    return sum(row["kind"] == "sms" for row in rows)


async def try_parked_again(tx: Tx, now: Ms) -> None:
    """At start: that somebody came back may have been in an update that the process took and did not live to read."""
    await tx.all("UPDATE chats SET parked_at = NULL WHERE parked_at IS NOT NULL")
    await tx.all("UPDATE outbox SET state = 'pending', next_attempt_at = $1, attempts = 0 WHERE state = 'parked'", now)


async def depth(db: Reader) -> Depth:
    row = await db.one(
        """SELECT count(*) AS n, min(created_at) AS oldest,
               count(CASE WHEN priority = $1 THEN 1 END) AS codes,
               min(CASE WHEN priority = $1 THEN created_at END) AS oldest_code
           FROM outbox WHERE state = 'pending'""",
        CODES,
    )
    return Depth(row["n"], row["oldest"], row["codes"], row["oldest_code"]) if row else Depth(0, None, 0, None)


async def prune(tx: Tx, before: Ms, limit: int) -> int:
    """Forget what was settled, or parked for somebody who has not come back, before that."""
    gone = await tx.all(
        """DELETE FROM outbox WHERE id IN (
               SELECT id FROM outbox WHERE done_at < $1 AND state IN ('sent', 'unconfirmed', 'refused') LIMIT $2)
           RETURNING id""",
        before,
        limit,
    )
    gone += await tx.all(
        """DELETE FROM outbox WHERE id IN (
               SELECT id FROM outbox WHERE state = 'parked' AND created_at < $1 LIMIT $2) RETURNING id""",
        before,
        limit,
    )
    return len(gone)
