"""The pulse: a handful of sweeps, each on an interval and at once when something wakes it; never a job per number."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.services.rhythm import Sweep
from storage.db import StorageDown

log = logging.getLogger(__name__)

Work: TypeAlias = Callable[[], Awaitable[bool]]
"""One pass; True when there is more to do at once."""

HEART_S = 1.0
"""How often it is seen to that no beat is waited for longer than its interval."""

INTERVALS_S: Mapping[Sweep, float] = {
    Sweep.CLOCK: 1.0,
    Sweep.POLL: 1.0,
    Sweep.DELIVER: 1.0,
    Sweep.EXPIRE: 1.0,
    Sweep.RECONCILE: 1.0,
    Sweep.PROVIDERS: 60.0,
    Sweep.PRUNE: 600.0,
    Sweep.TALLY: 30.0,
    Sweep.CATALOGUE: 600.0,
    Sweep.STORAGE: 1.0,
    Sweep.BACKUP: 3600.0,
    Sweep.RING: 5.0,
    Sweep.WEBHOOKS: 1.0,
    Sweep.EXPIRING: 30.0,
}


class Pulse:
    """One sweep: never twice at once, and once more when it is woken while it runs."""

    def __init__(self, sweep: Sweep, work: Work) -> None:
        self._sweep = sweep
        self._work = work
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def kick(self) -> None:
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"sweep:{self._sweep}")

    async def _run(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                more = await self._work()
                self._wanted = self._wanted or more
            except StorageDown as down:  # which storage has said once already, and not every second
                log.debug("the %s sweep could not go on: %s", self._sweep, down.fault)
            except Exception:  # the next pass, a second later, may well succeed
                log.exception("the %s sweep failed", self._sweep)

    async def drain(self, timeout_s: float) -> None:
        """Wait for the pass that runs, and start no other one; after `timeout_s` cancel it."""
        self._work = _nothing
        if self._task is not None and not self._task.done():
            _, late = await asyncio.wait({self._task}, timeout=timeout_s)
            if late:
                self._task.cancel()
                await asyncio.wait(late, timeout=1.0)


async def _nothing() -> bool:
    return False


class _Every(BaseTrigger):  # type: ignore[misc]  # it comes without types
    """So long after the last beat, whenever that was: after a leap of the clock no missed beats are counted out."""

    def __init__(self, seconds: float) -> None:
        self.interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return now + self.interval


class Scheduler:
    """A sweep without an interval beats only when something wakes it."""

    def __init__(self, intervals_s: Mapping[Sweep, float] = INTERVALS_S) -> None:
        self._intervals_s = intervals_s
        self._pulses: dict[Sweep, Pulse] = {}
        self._running = False
        self._heart: asyncio.TimerHandle | None = None
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def add(self, sweep: Sweep, work: Work) -> None:
        self._pulses[sweep] = Pulse(sweep, work)

    def wake(self, sweep: Sweep) -> None:
        """Ask for a pass at once. Before the start, or for a sweep that is not there, nothing happens."""
        if self._running and sweep in self._pulses:
            self._pulses[sweep].kick()

    def start(self) -> None:
        self._running = True
        self._scheduler.start()
        for sweep in self._pulses:
            if (seconds := self._intervals_s.get(sweep)) is not None:
                self._scheduler.add_job(self._pulse, _Every(seconds), args=[sweep], id=sweep)
                self.wake(sweep)
        self._keep_beating()

    async def _pulse(self, sweep: Sweep) -> None:
        self.wake(sweep)

    def _keep_beating(self) -> None:
        """APScheduler waits for a time of day: set back by an hour, the system's clock would make it wait for one."""
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            if job.next_run_time - now > job.trigger.interval + timedelta(seconds=HEART_S):
                job.modify(next_run_time=now)
        self._heart = asyncio.get_running_loop().call_later(HEART_S, self._keep_beating)

    async def stop(self, timeout_s: float) -> None:
        """Let running passes end first: shutting APScheduler down would cancel them."""
        if not self._running:
            return
        self._running = False
        if self._heart is not None:
            self._heart.cancel()
        self._scheduler.pause()
        await asyncio.gather(*(pulse.drain(timeout_s) for pulse in self._pulses.values()))
        self._scheduler.shutdown(wait=False)
