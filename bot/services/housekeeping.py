"""The sweep that forgets: lapsed quotes, messages long sent, SMS texts past their retention."""

from collections.abc import Callable

from bot.domain.time import DAY
from bot.services.clock import Clock
from bot.services.rhythm import Timing
from storage import api_keys, events, outbox, quotes
from storage import sms as sms_store
from storage.db import Database

AT_ONCE = 500
"""Rows in one transaction, so that a long neglected database keeps nobody's code waiting."""


class Housekeeping:
    """`is_believed` says whether the clock can be: what it wrongly takes for old would be lost for good."""

    def __init__(
        self, db: Database, clock: Clock, timing: Timing, retention_days: int, is_believed: Callable[[], bool]
    ) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._retention_days = retention_days
        self._is_believed = is_believed

    async def probe(self) -> bool:
        """After the disk or another program has kept the database from working: whether it works again."""
        await self._db.probe()
        return False

    async def prune(self) -> bool:
        """One transaction's worth. True when there may be more."""
        if not self._is_believed():
            return False
        now = self._clock()
        async with self._db.transaction() as tx:
            gone = [
                await quotes.prune(tx, now - self._timing.keep_quotes, AT_ONCE),
                await outbox.prune(tx, now - self._timing.keep_outbox, AT_ONCE),
                await api_keys.prune(tx, now, AT_ONCE),
                await events.prune(tx, now - self._timing.keep_events, AT_ONCE),
            ]
            if self._retention_days:
                gone.append(await sms_store.prune(tx, now - self._retention_days * DAY, AT_ONCE))
        return max(gone) >= AT_ONCE
