"""How the last automatic backup went, and what the admins were told of it."""

from bot.domain.time import Ms
from storage.db import Tx


async def put(tx: Tx, failing: str, now: Ms) -> bool:
    """Why it failed, empty where it did not; False where that was so before."""
    changed = "UPDATE backup_states SET failing = $1, since = $2 WHERE failing <> $1 RETURNING id"
    return bool(await tx.all(changed, failing, now))


async def tell(tx: Tx) -> str | None:
    """Why backups fail now, empty where they are made again, to be told; None when that was told already."""
    row = await tx.one("UPDATE backup_states SET told = failing WHERE told <> failing RETURNING failing")
    return str(row["failing"]) if row else None
