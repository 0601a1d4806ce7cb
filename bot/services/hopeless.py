"""What no further question can settle: its person gets their money back in time, and the admins are told."""

import logging

from bot.domain.errors import ProviderFault
from bot.domain.numbers import Number, State
from bot.domain.time import Ms
from bot.providers.base import Provider
from bot.services import settle
from bot.services.admins import Admins
from bot.services.clock import Clock
from bot.services.rhythm import Sweep, Timing, Wake
from storage import numbers, unfindable
from storage.db import Database, Tx
from storage.orphans import Orphan

log = logging.getLogger(__name__)


class Hopeless:
    def __init__(self, db: Database, clock: Clock, timing: Timing, admins: Admins, wake: Wake) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._admins = admins
        self._wake = wake

    async def cannot_be_found(self, provider: Provider, number: Number) -> None:
        """A purchase without its answer, at a provider that cannot say what it sold.

        If a number was sold, the provider may charge for it until its end, so that the money is held until then.
        """
        now = self._clock()
        async with self._db.transaction() as tx:
            noted = await unfindable.held_until(tx, number.id)
            until = noted or number.created_at + provider.capabilities.life(number.offer) + self._timing.lost_slack
            if now < until:
                log.warning("number %d: %s cannot say what it sold", number.id, number.provider)
                await settle.not_answered(tx, number, now)
                await numbers.defer_check(tx, number.id, until)
                await self._tell_until(tx, number, until, now)
            elif await settle.not_sold(tx, number, ProviderFault("cannot be found"), now):
                log.warning("number %d: what %s sold is over, if it sold any", number.id, number.provider)
                if noted is None:
                    await self._tell(tx, "given_up", number, now)
        self._wake(Sweep.DELIVER)

    async def _tell_until(self, tx: Tx, number: Number, until: Ms, now: Ms) -> None:
        """Once, as soon as there is an admin to be told."""
        if await self._admins.reachable(tx) and await unfindable.add(tx, number.id, until, now):
            await self._admins.tell(tx, f"unfindable:{until}", f"unfindable:{number.id}", now, number_id=number.id)

    async def never_said(self, number: Number) -> None:
        """A purchase or a cancel about which its provider has been silent for too long."""
        now = self._clock()
        log.error("number %d: %s never said what became of it", number.id, number.provider)
        async with self._db.transaction() as tx:
            if number.state is State.BUYING:
                if await settle.not_sold(tx, number, ProviderFault("no answer"), now):
                    await self._tell(tx, "given_up", number, now)
            elif await settle.given_back(tx, number, State.EXPIRED, "no_answer", now):
                await self._tell(tx, "cancel_given_up", number, now)
        self._wake(Sweep.DELIVER)

    async def _tell(self, tx: Tx, notice: str, number: Number, now: Ms) -> None:
        await self._admins.tell(tx, notice, f"{notice}:{number.id}", now, number_id=number.id)

    async def stays_open(self, tx: Tx, orphan: Orphan, now: Ms) -> None:
        """What was sold too late, and is not taken back."""
        log.error("orphan of number %d at %s stays open", orphan.number_id, orphan.provider)
        notice = f"orphan_open:{orphan.provider}:{orphan.provider_ref}"
        await self._admins.tell(tx, notice, notice, now, number_id=orphan.number_id)
