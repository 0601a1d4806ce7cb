"""SMS: one row each, whichever way and however often its provider tells of it."""

from bot.domain.sms import IncomingSms, Sms
from bot.domain.time import Ms
from storage.db import Reader, Row, Tx


def from_row(row: Row) -> Sms:
    return Sms(
        id=row["id"],
        number_id=row["number_id"],
        provider=row["provider"],
        sender=row["sender"],
        text=row["text"],
        code=row["code"],
        received_at=row["received_at"],
        ordinal=row["ordinal"],
        link=row["link"],
    )


async def add(
    tx: Tx, provider: str, sms: IncomingSms, code: str | None, now: Ms, *, link: str | None = None
) -> int | None:
    """The new row's id, or None for an SMS that was told of before."""
    row = await tx.one(
        """INSERT INTO sms (provider, provider_ref, provider_sms_id, sender, text, code, link, received_at, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (provider, provider_ref, provider_sms_id) DO NOTHING RETURNING id""",
        provider,
        sms.provider_ref,
        sms.sms_id,
        sms.sender,
        sms.text,
        code,
        link,
        sms.received_at,
        now,
    )
    return int(row["id"]) if row else None


async def correct(tx: Tx, sms_id: int, code: str | None, link: str | None) -> bool:
    """What its person said that it is. False where they had said something before."""
    row = await tx.one(
        """UPDATE sms SET code = $2, link = $3, corrected = corrected + 1 WHERE id = $1 AND text <> ''
           RETURNING corrected""",
        sms_id,
        code,
        link,
    )
    return row is not None and row["corrected"] == 1


async def attach(tx: Tx, sms_id: int, number_id: int, ordinal: int) -> None:
    await tx.all("UPDATE sms SET number_id = $2, ordinal = $3 WHERE id = $1", sms_id, number_id, ordinal)


async def unclaimed(tx: Tx, provider: str, provider_ref: str) -> list[int]:
    """SMS that came before the purchase of their number was answered, oldest first."""
    rows = await tx.all(
        "SELECT id FROM sms WHERE provider = $1 AND provider_ref = $2 AND number_id IS NULL ORDER BY id",
        provider,
        provider_ref,
    )
    return [int(row["id"]) for row in rows]


async def known(db: Reader, provider: str, first_ref: str, last_ref: str) -> set[tuple[str, str]]:
    """(provider_ref, provider_sms_id) of what live numbers have, so that a poll need not write to find out."""
    rows = await db.all(
        """SELECT s.provider_ref, s.provider_sms_id FROM numbers n JOIN sms s ON s.number_id = n.id
           WHERE n.provider = $1 AND n.state IN ('active', 'cancelling')
             AND n.provider_ref >= $2 AND n.provider_ref <= $3""",
        provider,
        first_ref,
        last_ref,
    )
    return {(row["provider_ref"], row["provider_sms_id"]) for row in rows}


async def came_before(db: Reader, number_id: int, end: Ms, told_end: Ms) -> bool:
    """Whether an SMS arrived before `end` by our clock, and before `told_end` by its provider's."""
    row = await db.one(
        "SELECT id FROM sms WHERE number_id = $1 AND created_at < $2 AND received_at < $3 LIMIT 1",
        number_id,
        end,
        told_end,
    )
    return row is not None


async def get(db: Reader, sms_id: int) -> Sms | None:
    row = await db.one("SELECT * FROM sms WHERE id = $1", sms_id)
    return from_row(row) if row else None


async def newest_code(db: Reader, number_id: int) -> str | None:
    """Of the SMS that came on it, those without a code passed over."""
    row = await db.one(
        "SELECT code FROM sms WHERE number_id = $1 AND code IS NOT NULL ORDER BY id DESC LIMIT 1", number_id
    )
    return row["code"] if row else None


async def of_number(db: Reader, number_id: int, limit: int = 50) -> list[Sms]:
    """Newest first."""
    rows = await db.all("SELECT * FROM sms WHERE number_id = $1 ORDER BY id DESC LIMIT $2", number_id, limit)
    return [from_row(row) for row in rows]


async def prune(tx: Tx, before: Ms, limit: int) -> int:
    """Empty texts and codes past the retention; the row stays, so that a late repetition is still known."""
    emptied = await tx.all(
        """UPDATE sms SET text = '', code = NULL, link = NULL, sender = '' WHERE id IN (
               SELECT id FROM sms WHERE text <> '' AND created_at < $1 LIMIT $2) RETURNING id""",
        before,
        limit,
    )
    return len(emptied)


async def is_shown(db: Reader, provider: str, provider_ref: str, text: str) -> bool:
    """Whether an SMS of that number has this text, or contains it."""
    row = await db.one(
        "SELECT 1 FROM sms WHERE provider = $1 AND provider_ref = $2 AND instr(text, $3) > 0 LIMIT 1",
        provider,
        provider_ref,
        text,
    )
    return row is not None
