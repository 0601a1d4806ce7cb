"""Numbers of one kind that a person has bought, and the SMS of many of them at once."""

from bot.domain.numbers import Kind, Number
from bot.domain.sms import Sms
from bot.domain.time import Ms
from storage import sms
from storage.db import Reader
from storage.numbers import from_row

_AT_ONCE = 500
"""Placeholders in one statement."""


async def open_of(db: Reader, user_id: int, kind: Kind, limit: int, offset: int) -> list[Number]:
    """Those that have a phone, newest first."""
    rows = await db.all(
        """SELECT * FROM numbers WHERE user_id = $1 AND kind = $2 AND phone IS NOT NULL
             AND state IN ('buying', 'active', 'cancelling')
           ORDER BY id DESC LIMIT $3 OFFSET $4""",
        user_id,
        kind,
        limit,
        offset,
    )
    return [from_row(row) for row in rows]


async def between(db: Reader, user_id: int, kind: Kind, first: Ms, last: Ms, limit: int, offset: int) -> list[Number]:
    """Those sold from `first` to `last`, both included, newest first."""
    rows = await db.all(
        """SELECT * FROM numbers WHERE user_id = $1 AND kind = $2 AND created_at >= $3 AND created_at <= $4
             AND phone IS NOT NULL
           ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6""",
        user_id,
        kind,
        first,
        last,
        limit,
        offset,
    )
    return [from_row(row) for row in rows]


async def sms_of(db: Reader, number_ids: list[int]) -> dict[int, list[Sms]]:
    """Oldest first; a number without any is missing."""
    found: dict[int, list[Sms]] = {}
    for start in range(0, len(number_ids), _AT_ONCE):
        page = number_ids[start : start + _AT_ONCE]
        places = ", ".join(f"${place}" for place in range(1, len(page) + 1))
        for row in await db.all(f"SELECT * FROM sms WHERE number_id IN ({places}) ORDER BY id", *page):  # noqa: S608
            one = sms.from_row(row)
            found.setdefault(one.number_id or 0, []).append(one)
    return found


async def sms_page(db: Reader, number_id: int, limit: int, offset: int) -> list[Sms]:
    """Newest first."""
    rows = await db.all(
        "SELECT * FROM sms WHERE number_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3", number_id, limit, offset
    )
    return [sms.from_row(row) for row in rows]
