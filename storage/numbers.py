"""Numbers. A state changes only by a guarded update, whose row count tells who won."""

from bot.domain.numbers import Kind, Number, Offer, Quote, State
from bot.domain.time import Ms
from storage.db import Reader, Row, Tx

ENDED = (State.COMPLETED, State.CANCELLED, State.EXPIRED, State.FAILED)


def from_row(row: Row) -> Number:
    return Number(
        id=row["id"],
        user_id=row["user_id"],
        quote_id=row["quote_id"],
        provider=row["provider"],
        ref=row["ref"],
        provider_ref=row["provider_ref"],
        phone=row["phone"],
        service=row["service"],
        country=row["country"],
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        price=row["price"],
        cost=row["cost"],
        hours=row["hours"],
        test=bool(row["test"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        cancel_from=row["cancel_from"],
        refund_until=row["refund_until"],
        cancel_sent=bool(row["cancel_sent"]),
        sms_count=row["sms_count"],
        reason=row["reason"],
        card_chat_id=row["card_chat_id"],
        card_message_id=row["card_message_id"],
        closed_at=row["closed_at"],
        operator=row["operator"],
        attempt=row["attempt"],
        check_attempts=row["check_attempts"],
        again_of=row["again_of"],
        again_phone=row["again_phone"],
        asked_after=row["asked_after"],
        clock_moved=row["clock_moved"],
    )


async def get(db: Reader, number_id: int) -> Number | None:
    row = await db.one("SELECT * FROM numbers WHERE id = $1", number_id)
    return from_row(row) if row else None


async def owned(db: Reader, number_id: int, user_id: int) -> Number | None:
    """The number, if it is this person's."""
    row = await db.one("SELECT * FROM numbers WHERE id = $1 AND user_id = $2", number_id, user_id)
    return from_row(row) if row else None


async def of_quote(db: Reader, quote_id: str, user_id: int) -> Number | None:
    row = await db.one("SELECT * FROM numbers WHERE quote_id = $1 AND user_id = $2", quote_id, user_id)
    return from_row(row) if row else None


async def has_card(db: Reader, chat_id: int, message_id: int) -> bool:
    """Whether the message is the card of an open number already."""
    row = await db.one(
        """SELECT id FROM numbers WHERE user_id = $1 AND card_chat_id = $1 AND card_message_id = $2
           AND state IN ('buying', 'active', 'cancelling')""",
        chat_id,
        message_id,
    )
    return row is not None


async def by_provider_ref(db: Reader, provider: str, provider_ref: str) -> Number | None:
    row = await db.one("SELECT * FROM numbers WHERE provider = $1 AND provider_ref = $2", provider, provider_ref)
    return from_row(row) if row else None


async def add(
    tx: Tx, quote: Quote, ref: str, *, test: bool, card: tuple[int, int] | None, check_at: Ms, now: Ms
) -> Number:
    """The intent to buy, before the provider is asked. `card` is the chat and message that will show it."""
    offer: Offer = quote.offer
    chat_id, message_id = card if card else (None, None)
    rows = await tx.all(
        """INSERT INTO numbers (user_id, quote_id, provider, ref, service, country, operator, kind, state, price, cost,
                                hours, test, created_at, changed_at, check_at, card_chat_id, card_message_id,
                                again_of, again_phone)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'buying', $9, $10, $11, $12, $13, $13, $14, $15, $16, $17, $18)
           RETURNING *""",
        quote.user_id,
        quote.id,
        offer.provider,
        ref,
        offer.service,
        offer.country,
        offer.operator,
        offer.kind,
        offer.price,
        offer.cost,
        offer.hours,
        int(test),
        now,
        check_at,
        chat_id,
        message_id,
        offer.again_of,
        offer.phone,
    )
    return from_row(rows[0])


async def retarget(tx: Tx, number: Number, offer: Offer, ref: str, *, test: bool, check_at: Ms) -> Number | None:
    """The same wish at another provider, after the one before surely refused; None when it was decided meanwhile."""
    row = await tx.one(
        """UPDATE numbers SET provider = $3, ref = $4, operator = $5, cost = $6, price = $7, test = $8, check_at = $9,
               check_attempts = 0, attempt = attempt + 1
           WHERE id = $1 AND state = 'buying' AND attempt = $2 RETURNING *""",
        number.id,
        number.attempt,
        offer.provider,
        ref,
        offer.operator,
        offer.cost,
        offer.price,
        int(test),
        check_at,
    )
    return from_row(row) if row else None


async def activate(
    tx: Tx,
    number_id: int,
    *,
    provider_ref: str,
    phone: str,
    expires_at: Ms,
    cancel_from: Ms | None,
    refund_until: Ms | None,
    now: Ms,
    ahead: Ms = 0,
) -> Number | None:
    """buying → active; None when it was no longer buying. The times are the provider's; our clock is `ahead` of its."""
    row = await tx.one(
        """UPDATE numbers SET state = 'active', reason = 'sold', provider_ref = $2, phone = $3, expires_at = $4 + $8,
               cancel_from = $5, refund_until = $6 + $8, check_at = NULL, check_attempts = 0, changed_at = $7,
               clock_moved = $8
           WHERE id = $1 AND state = 'buying' RETURNING *""",
        number_id,
        provider_ref,
        phone,
        expires_at,
        cancel_from,
        refund_until,
        now,
        ahead,
    )
    return from_row(row) if row else None


async def move(
    tx: Tx, number_id: int, source: State, target: State, reason: str, now: Ms, *, check_at: Ms | None = None
) -> Number | None:
    """source → target; None when the number had left `source` already, so that only one of two racers wins."""
    row = await tx.one(
        """UPDATE numbers SET state = $3, reason = $4, changed_at = $5, check_at = $6, check_attempts = 0,
               cancel_sent = 0, closed_at = CAST($7 AS INTEGER)
           WHERE id = $1 AND state = $2 RETURNING *""",
        number_id,
        source,
        target,
        reason,
        now,
        check_at,
        now if target in ENDED else None,
    )
    return from_row(row) if row else None


async def note_cancel_sent(tx: Tx, number_id: int, check_at: Ms) -> Number | None:
    """Before a cancel leaves: from now on only the provider's answer decides about the money."""
    row = await tx.one(
        """UPDATE numbers SET cancel_sent = 1, check_at = $2
           WHERE id = $1 AND state = 'cancelling' RETURNING *""",
        number_id,
        check_at,
    )
    return from_row(row) if row else None


async def defer_check(tx: Tx, number_id: int, check_at: Ms, *, cancel_sent: bool | None = None) -> None:
    """Asked in vain: again at `check_at`."""
    await tx.all(
        """UPDATE numbers SET check_at = $2, check_attempts = check_attempts + 1,
               cancel_sent = coalesce(CAST($3 AS INTEGER), cancel_sent)
           WHERE id = $1 AND state IN ('buying', 'active', 'cancelling')""",
        number_id,
        check_at,
        None if cancel_sent is None else int(cancel_sent),
    )


async def check_by(tx: Tx, number_id: int, check_at: Ms) -> None:
    """A purchase without its answer is asked about by then."""
    await tx.all(
        "UPDATE numbers SET check_at = min(check_at, $2) WHERE id = $1 AND state = 'buying' AND check_at IS NOT NULL",
        number_id,
        check_at,
    )


async def count_sms(tx: Tx, number_id: int) -> int:
    """One more SMS; returns which one it is."""
    row = await tx.one("UPDATE numbers SET sms_count = sms_count + 1 WHERE id = $1 RETURNING sms_count", number_id)
    return int(row["sms_count"]) if row else 0


async def note_asked(tx: Tx, number_id: int, asked_after: int) -> None:
    """Another SMS was asked for when there were so many."""
    await tx.all("UPDATE numbers SET asked_after = $2 WHERE id = $1", number_id, asked_after)


async def extend(tx: Tx, number_id: int, provider_ref: str, expires_at: Ms) -> Number | None:
    """A rental's later end, as its provider tells it, and its reference from now on; None when it has been closed."""
    row = await tx.one(
        """UPDATE numbers SET provider_ref = $2,
               expires_at = CASE WHEN expires_at > $3 + CASE WHEN clock_moved > 0 THEN clock_moved ELSE 0 END
                   THEN expires_at ELSE $3 + CASE WHEN clock_moved > 0 THEN clock_moved ELSE 0 END END,
               refund_until = NULL, check_at = NULL, check_attempts = 0
           WHERE id = $1 AND state = 'active' RETURNING *""",
        number_id,
        provider_ref,
        expires_at,
    )
    return from_row(row) if row else None


async def set_card(tx: Tx, number_id: int, chat_id: int, message_id: int) -> None:
    await tx.all(
        "UPDATE numbers SET card_chat_id = $2, card_message_id = $3 WHERE id = $1", number_id, chat_id, message_id
    )


async def known_refs(db: Reader, provider: str, since: Ms) -> set[str]:
    """The provider's references that are somebody's: of live numbers, of those bought since, and of orphans."""
    rows = await db.all(
        """SELECT provider_ref FROM numbers
           WHERE provider = $1 AND state IN ('active', 'cancelling')
           UNION SELECT provider_ref FROM numbers WHERE created_at >= $2 AND provider = $1 AND provider_ref IS NOT NULL
           UNION SELECT provider_ref FROM orphans WHERE provider = $1""",
        provider,
        since,
    )
    return {row["provider_ref"] for row in rows}


async def open_of(db: Reader, user_id: int) -> list[Number]:
    rows = await db.all(
        """SELECT * FROM numbers WHERE user_id = $1 AND state IN ('buying', 'active', 'cancelling')
           ORDER BY id DESC LIMIT 100""",
        user_id,
    )
    return [from_row(row) for row in rows]


async def closed_of(db: Reader, user_id: int, limit: int, before_id: int) -> list[Number]:
    """Newest first, older than `before_id`."""
    rows = await db.all(
        """SELECT * FROM numbers WHERE user_id = $1 AND id < $3
           AND state IN ('completed', 'cancelled', 'expired', 'failed') ORDER BY id DESC LIMIT $2""",
        user_id,
        limit,
        before_id,
    )
    return [from_row(row) for row in rows]


async def usage(db: Reader, user_id: int, minute_ago: Ms, day_ago: Ms, now: Ms) -> tuple[int, int, int]:
    """Open now, bought within the last minute, bought within the last day; nothing counts as bought after now."""
    row = await db.one(
        """SELECT
             (SELECT count(*) FROM numbers WHERE user_id = $1 AND state IN ('buying', 'active', 'cancelling')) AS open,
             (SELECT count(*) FROM numbers WHERE user_id = $1 AND created_at > $2 AND created_at <= $4
                AND state <> 'failed') AS minute,
             (SELECT count(*) FROM numbers WHERE user_id = $1 AND created_at > $3 AND created_at <= $4
                AND state <> 'failed') AS day""",
        user_id,
        minute_ago,
        day_ago,
        now,
    )
    return (row["open"], row["minute"], row["day"]) if row else (0, 0, 0)
