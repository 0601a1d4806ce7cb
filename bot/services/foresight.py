"""The sweep that tells programs of rentals that end soon."""

from bot.domain.webhooks import Topic
from bot.services import settle
from bot.services.clock import Clock
from bot.services.rhythm import Sweep, Wake
from storage import events, numbers
from storage.db import Database

AT_ONCE = 50


class Foresight:
    def __init__(self, db: Database, clock: Clock, wake: Wake) -> None:
        self._db = db
        self._clock = clock
        self._wake = wake

    async def sweep(self) -> bool:
        """Once for each end that a rental has: a renewal gives it another. True when there may be more."""
        due = await events.to_warn(self._db.read, self._clock(), AT_ONCE)
        if not due:
            return False
        async with self._db.transaction() as tx:
            for one in due:
                number = await numbers.get(tx, one.id)
                if number is not None and (number.state, number.expires_at) == (one.state, one.expires_at):
                    await settle.announce(tx, Topic.NUMBER_EXPIRING, number, self._clock())
        self._wake(Sweep.DELIVER)
        return len(due) == AT_ONCE
