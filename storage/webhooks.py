"""People's addresses that are told of their events."""

from collections.abc import Iterable

from bot.domain.time import Ms
from bot.domain.webhooks import MOST_WEBHOOKS, Off, Topic, Webhook
from storage.db import Reader, Row, Tx


def _webhook(row: Row) -> Webhook:
    return Webhook(
        id=row["id"],
        user_id=row["user_id"],
        slot=row["slot"],
        url=row["url"],
        secret=row["secret"],
        old_secret=row["old_secret"],
        old_secret_until=row["old_secret_until"],
        topics=frozenset(Topic(topic) for topic in row["topics"].split()),
        off=Off(row["off"]) if row["off"] else None,
        failing_since=row["failing_since"],
        created_at=row["created_at"],
    )


async def get(db: Reader, webhook_id: int) -> Webhook | None:
    row = await db.one("SELECT * FROM webhooks WHERE id = $1", webhook_id)
    return _webhook(row) if row else None


async def owned(db: Reader, webhook_id: int, user_id: int) -> Webhook | None:
    """The address, if it is this person's."""
    row = await db.one("SELECT * FROM webhooks WHERE id = $1 AND user_id = $2", webhook_id, user_id)
    return _webhook(row) if row else None


async def of_user(db: Reader, user_id: int) -> list[Webhook]:
    rows = await db.all("SELECT * FROM webhooks WHERE user_id = $1 ORDER BY slot", user_id)
    return [_webhook(row) for row in rows]


async def add(tx: Tx, user_id: int, url: str, secret: str, topics: Iterable[Topic], now: Ms) -> int | None:
    """The new one's id; None where the person has as many as one may have."""
    taken = {row["slot"] for row in await tx.all("SELECT slot FROM webhooks WHERE user_id = $1", user_id)}
    free = next((slot for slot in range(1, MOST_WEBHOOKS + 1) if slot not in taken), None)
    if free is None:
        return None
    rows = await tx.all(
        """INSERT INTO webhooks (user_id, slot, url, secret, topics, created_at)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
        user_id,
        free,
        url,
        secret,
        _spelled(topics),
        now,
    )
    return int(rows[0]["id"])


def _spelled(topics: Iterable[Topic]) -> str:
    """With a space on both sides of each: the schema looks for them so."""
    return "".join(f" {topic} " for topic in sorted(topics))


async def set_topics(tx: Tx, webhook_id: int, topics: Iterable[Topic]) -> None:
    await tx.all("UPDATE webhooks SET topics = $2 WHERE id = $1", webhook_id, _spelled(topics))


async def set_url(tx: Tx, webhook_id: int, url: str) -> None:
    await tx.all("UPDATE webhooks SET url = $2 WHERE id = $1", webhook_id, url)


async def set_secret(tx: Tx, webhook_id: int, secret: str, old_until: Ms) -> None:
    """The one before it signs too until then."""
    await tx.all(
        "UPDATE webhooks SET old_secret = secret, old_secret_until = $3, secret = $2 WHERE id = $1",
        webhook_id,
        secret,
        old_until,
    )


async def switch(tx: Tx, webhook_id: int, off: Off | None) -> bool:
    """On or off; False where it was so before. A failure of earlier is forgotten when it is switched on."""
    row = await tx.one(
        """UPDATE webhooks SET off = $2, failing_since = CASE WHEN $2 = '' THEN NULL ELSE failing_since END
           WHERE id = $1 AND (off = '') <> ($2 = '') RETURNING id""",
        webhook_id,
        off or "",
    )
    return row is not None


async def note_failure(tx: Tx, webhook_id: int, now: Ms) -> Ms:
    """Since when it has been failing."""
    row = await tx.one(
        "UPDATE webhooks SET failing_since = coalesce(failing_since, $2) WHERE id = $1 RETURNING failing_since",
        webhook_id,
        now,
    )
    return int(row["failing_since"]) if row else now


async def note_success(tx: Tx, webhook_id: int) -> None:
    await tx.all("UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL", webhook_id)


async def remove(tx: Tx, webhook_id: int) -> None:
    """With all that it is owed."""
    await tx.all("DELETE FROM webhooks WHERE id = $1", webhook_id)
