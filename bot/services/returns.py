"""People who come back after they had blocked the bot."""

from collections import OrderedDict

from bot.services.clock import Clock
from storage import outbox, users
from storage.db import Database

MOST = 10_000
"""Chats remembered; only what happens while one message is being sent matters."""


class Returns:
    """Who was heard of last, and when: a refusal that was under way meanwhile must not shut their door again.

    Moments are counted, not timed, so that no clock can confuse them.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._moment = 0
        self._heard: OrderedDict[int, int] = OrderedDict()

    def now(self) -> int:
        """This moment, for `heard_since`."""
        self._moment += 1
        return self._moment

    def heard_since(self, chat_id: int, moment: int) -> bool:
        return self._heard.get(chat_id, 0) > moment

    async def came_back(self, chat_id: int) -> int:
        """Somebody was heard of in this chat: how many codes waited for them, now on their way."""
        self._heard[chat_id] = self.now()
        self._heard.move_to_end(chat_id)
        while len(self._heard) > MOST:
            self._heard.popitem(last=False)
        if not await users.is_parked(self._db.read, chat_id):
            return 0
        async with self._db.transaction() as tx:
            await users.unpark_chat(tx, chat_id)
            return await outbox.unpark(tx, chat_id, self._clock())
