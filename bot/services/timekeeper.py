"""The sweep that notices when the system's clock is set, and sees to it that nothing ends sooner or later for it.

A provider may count by a clock that was right all the time, and so may we have done: nobody can tell. Hence ends move
along when the clock is set forward, and never come before what the provider told. A number that is over there although
it is not over here is settled by its provider's word, as ever.
"""

import logging

from bot.domain.time import DAY, MINUTE, SECOND, Ms
from bot.services.clock import Clock, SteadyClock
from bot.services.rhythm import Timing
from storage import provider_states, spans
from storage.db import Database

log = logging.getLogger(__name__)

LONG_OFF: Ms = 7 * DAY
"""A program that was off for longer than this may as well have been off for a moment, and the clock be wrong."""
BELIEVED_AFTER: Ms = DAY
"""As long is left for somebody to notice that it is."""
SETTLES: Ms = MINUTE
"""After the clock was set back, what was begun before and is written after lies ahead of it."""


class Timekeeper:
    """A clock that is not steady is never set: only the tests turn one."""

    def __init__(self, db: Database, clock: Clock, timing: Timing) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._unmoved: Ms = 0
        self._leapt: Ms = 0
        self._leapt_at: Ms = 0
        self._back_at: Ms | None = None

    @property
    def is_believed(self) -> bool:
        """Whether what is old by the clock may be forgotten for good: not in the first day after a great leap."""
        return self._leapt < DAY or abs(self._clock() - self._leapt_at) >= BELIEVED_AFTER

    async def after_start(self) -> None:
        """The clock may have been set while the program was off."""
        now, last = self._clock(), await provider_states.last_look(self._db.read)
        if last is not None and now - last > LONG_OFF:
            log.warning("the clock is %d days ahead of when the bot last ran: is it right?", (now - last) // DAY)
            self._leapt, self._leapt_at = now - last, now
        async with self._db.transaction() as tx:
            await spans.end_waits(tx, now, self._timing.resend_longest)

    async def sweep(self) -> bool:
        if isinstance(self._clock, SteadyClock) and (step := self._clock.step()):
            log.warning("the system's clock was set %s by %s", "forward" if step > 0 else "back", _shown(abs(step)))
            await self._take_over(self._clock, step)
        if self._unmoved:
            await self._move(self._unmoved, self._clock() - self._unmoved)
            self._unmoved = 0
        if self._back_at is not None:
            await self._settle(self._back_at)
        return False

    async def _take_over(self, clock: SteadyClock, step: Ms) -> None:
        """In such an order that in between an end comes too late rather than too early, and a wait ends too early.

        Forward, where the database cannot be written, the old time goes on until it can.
        """
        if step > 0:
            await self._move(step, clock())
        clock.adopt(step)
        now = clock()
        self._leapt, self._leapt_at = max(0, self._leapt + step), now
        if step < 0:
            self._unmoved += step
            self._back_at = now

    async def _move(self, step: Ms, before: Ms) -> None:
        async with self._db.transaction() as tx:
            await spans.move(tx, step, before)

    async def _settle(self, since: Ms) -> None:
        now = self._clock()
        async with self._db.transaction() as tx:
            await spans.end_waits(tx, now, self._timing.resend_longest)
        if abs(now - since) >= SETTLES:
            self._back_at = None


def _shown(span: Ms) -> str:
    days, rest = divmod(span, DAY)
    seconds = rest // SECOND
    return f"{days} d {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
