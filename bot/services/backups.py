"""The sweep that backs the database up once a day, and tells the admins when that fails and when it works again."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from bot.domain.time import DAY, Ms
from bot.services.admins import Admins
from bot.services.background import Background
from bot.services.clock import Clock
from bot.services.lanes import Lanes
from bot.services.rhythm import Sweep, Wake
from storage import backup_states
from storage.backup import BackupFailed, back_up
from storage.backups import forget_old, kept_in, name_of
from storage.db import Database, Tx

log = logging.getLogger(__name__)

EVERY: Ms = DAY


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """`keep`: how many days backups are kept, and how many at least; 0: none are made."""

    database: Path
    folder: Path
    keep: int


class Backups:
    """`errands`: a backup is one, which a stop does not wait for; it is made anew after the next start."""

    def __init__(
        self, db: Database, clock: Clock, plan: BackupPlan, admins: Admins, errands: Background, wake: Wake
    ) -> None:
        self._db = db
        self._clock = clock
        self._plan = plan
        self._admins = admins
        self._wake = wake
        self._lanes = Lanes(errands, "backup")

    async def sweep(self) -> bool:
        """Begin a backup if one is due and none is under way."""
        if self._plan.keep:
            self._lanes.run("daily", self._daily)
        return False

    async def _daily(self) -> None:
        plan, now = self._plan, self._clock()
        try:
            kept = await asyncio.to_thread(kept_in, plan.folder, plan.database)
            if kept and abs(now - kept[0].made_at) < EVERY:  # a clock that was set back must not stop them
                return
            await back_up(plan.database, plan.folder / name_of(plan.database, now))
            await asyncio.to_thread(forget_old, plan.folder, plan.database, plan.keep, now)
        except BackupFailed as error:
            await self._note(error.reason, str(error))
        except OSError as error:
            await self._note("no_place", f"The folder of backups {plan.folder} cannot be used: {error.strerror}.")
        else:
            await self._note("", "Backups are made again.")

    async def _note(self, failing: str, line: str) -> None:
        now = self._clock()
        async with self._db.transaction() as tx:
            changed = await backup_states.put(tx, failing, now)
            told = await self._tell(tx, now) if await self._admins.reachable(tx) else False
        if changed:
            log.log(logging.ERROR if failing else logging.WARNING, "%s", line)
        if told:
            self._wake(Sweep.DELIVER)

    async def _tell(self, tx: Tx, now: Ms) -> bool:
        failing = await backup_states.tell(tx)
        if failing is None:
            return False
        notice = f"backup_failed:{failing}" if failing else "backup_works"
        await self._admins.tell(tx, notice, f"{notice}:{now}", now)
        return True
