"""A person's numbers as programs list them: with the truth about their money, found in several ways."""

from dataclasses import dataclass

from bot.domain.numbers import Number
from bot.domain.sms import Sms
from bot.domain.time import Ms
from storage import numbers, sms
from storage.db import Reader, Row

OPEN = "'buying', 'active', 'cancelling'"
CLOSED = "'completed', 'cancelled', 'expired', 'failed'"

# As bot.services.settle.subject spells it.
_HOLD = "'n' || n.id || CASE WHEN n.attempt = 1 THEN '' ELSE '.' || n.attempt END || ':hold'"
_SELECT = f"""SELECT n.*,
    CASE WHEN EXISTS (SELECT 1 FROM transfers h WHERE h.id = {_HOLD}) THEN
        EXISTS (SELECT 1 FROM transfers c WHERE c.hold_id = {_HOLD} AND c.kind = 'capture')
        AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = {_HOLD} AND r.kind = 'refund') END AS charged,
    EXISTS (SELECT 1 FROM renewals w WHERE w.number_id = n.id AND w.state = 'pending') AS renewing
    FROM numbers n"""  # noqa: S608 - constants of this file


@dataclass(frozen=True, slots=True)
class Shown:
    """`renewing`: a renewal of it is not decided yet."""

    number: Number
    charged: bool | None
    """Its price has been taken and not given back; None: nothing was set aside for it."""
    renewing: bool


def _shown(row: Row) -> Shown:
    return Shown(numbers.from_row(row), None if row["charged"] is None else bool(row["charged"]), bool(row["renewing"]))


async def page(db: Reader, user_id: int, before_id: int, limit: int, *, opened: bool, closed: bool) -> list[Shown]:
    """Newest first, older than `before_id`."""
    states = ", ".join((OPEN,) * opened + (CLOSED,) * closed)
    rows = await db.all(
        f"{_SELECT} WHERE n.user_id = $1 AND n.id < $2 AND n.state IN ({states}) ORDER BY n.id DESC LIMIT $3",
        user_id,
        before_id,
        limit,
    )
    return [_shown(row) for row in rows]


async def by_ids(db: Reader, user_id: int, ids: list[int]) -> list[Shown]:
    """Newest first; what is not theirs is left out."""
    places = ", ".join(f"${place}" for place in range(2, len(ids) + 2))
    rows = await db.all(f"{_SELECT} WHERE n.user_id = $1 AND n.id IN ({places}) ORDER BY n.id DESC", user_id, *ids)
    return [_shown(row) for row in rows]


async def by_key(db: Reader, user_id: int, key: str) -> Shown | None:
    """What was bought under an Idempotency-Key."""
    row = await db.one(
        f"""{_SELECT} JOIN idempotency i ON i.number_id = n.id
            WHERE i.user_id = $1 AND i.key = $2 AND n.user_id = $1""",
        user_id,
        key,
    )
    return _shown(row) if row else None


async def by_phone(db: Reader, user_id: int, phone: str) -> Shown | None:
    """Their newest allocation of it."""
    row = await db.one(
        f"{_SELECT} WHERE n.user_id = $1 AND n.phone = $2 ORDER BY n.id DESC LIMIT 1",
        user_id,
        phone,
    )
    return _shown(row) if row else None


async def messages(db: Reader, number_id: int, since: Ms, after_id: int, limit: int) -> list[Sms]:
    """Oldest first, newer than the SMS `after_id`, received at `since` or later."""
    rows = await db.all(
        "SELECT * FROM sms WHERE number_id = $1 AND id > $2 AND received_at >= $3 ORDER BY id LIMIT $4",
        number_id,
        after_id,
        since,
        limit,
    )
    return [sms.from_row(row) for row in rows]
