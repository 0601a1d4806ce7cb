"""Whose events are new: what a waiting call is woken by."""

from storage.db import Reader


async def newest(db: Reader) -> int:
    """The id of the newest event; 0 while there is none."""
    row = await db.one("SELECT coalesce(max(id), 0) AS newest FROM events")
    return int(row["newest"]) if row else 0


async def people_since(db: Reader, event_id: int) -> list[int]:
    rows = await db.all("SELECT DISTINCT user_id FROM events WHERE id > $1", event_id)
    return [int(row["user_id"]) for row in rows]
