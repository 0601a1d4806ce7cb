"""Telling those who run the bot what they have to see to."""

from collections.abc import Sequence

from bot.domain.time import Ms
from storage import outbox, users
from storage.db import Reader, Tx


class Admins:
    """The owner and everybody of ADMIN_IDS who has ever written to the bot: Telegram lets it write to nobody else."""

    def __init__(self, admin_ids: frozenset[int]) -> None:
        self._admin_ids = admin_ids

    async def reachable(self, db: Reader) -> Sequence[int]:
        """Their user ids, which are those of their private chats too."""
        owners = await users.owners(db)
        known = [user_id for user_id in sorted(self._admin_ids) if await users.get(db, user_id) is not None]
        return list(dict.fromkeys((*owners, *known)))

    async def tell(self, tx: Tx, notice: str, key: str, now: Ms, *, number_id: int | None = None) -> None:
        """Owe each of them the notice, once for each `key`."""
        for user_id in await self.reachable(tx):
            await outbox.add_notice(tx, f"{key}:{user_id}", user_id, notice, now, number_id=number_id)
