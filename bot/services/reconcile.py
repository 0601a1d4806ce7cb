"""The sweep that settles what is undecided: purchases and renewals without an answer, and cancels on their way.

Unknown is never taken for failed: the provider is asked until it says what happened.
"""

import logging
from functools import partial

from bot.domain.errors import CancelTooEarly, Gone, ProviderError, ProviderFault, Throttled
from bot.domain.numbers import Kind, Number, State
from bot.domain.time import HOUR, Ms
from bot.providers.base import Done, Provider, Refused, RemoteNumber, RemoteState, Unknown
from bot.providers.registry import Registry
from bot.services import settle
from bot.services.background import Background
from bot.services.clock import Clock
from bot.services.hopeless import Hopeless
from bot.services.inbox import Inbox
from bot.services.lanes import Lanes, each
from bot.services.pace import Rests
from bot.services.purchases import Purchases
from bot.services.renewals import Renewals
from bot.services.rhythm import Sweep, Timing, Wake
from storage import due, numbers, orphans, outbox, renewals
from storage.db import Database, StorageDown
from storage.orphans import Orphan
from storage.renewals import Renewal

log = logging.getLogger(__name__)

PAGE = 50
AT_ONCE = 8
"""Questions in flight at one provider."""


class Reconcile:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        timing: Timing,
        registry: Registry,
        inbox: Inbox,
        bought: Purchases,
        renewed: Renewals,
        hopeless: Hopeless,
        background: Background,
        wake: Wake,
    ) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._registry = registry
        self._inbox = inbox
        self._bought = bought
        self._renewed = renewed
        self._hopeless = hopeless
        self._wake = wake
        self._lanes = Lanes(background, "reconcile")
        self._rests = Rests(timing)

    async def after_start(self) -> None:
        """Whatever was in flight when the process ended is asked about at once."""
        async with self._db.transaction() as tx:
            await due.forget_timers(tx, self._clock())
            await outbox.suspect_in_flight(tx)
            await outbox.try_parked_again(tx, self._clock())

    async def sweep(self) -> bool:
        """Ask each provider about a page of what is undecided there, all of them at once."""
        now = self._clock()
        for name in await due.providers_to_check(self._db.read, now):
            if self._rests.is_over(name, now):
                self._lanes.run(name, partial(self._ask, name))
        return False

    async def _ask(self, name: str) -> None:
        now = self._clock()
        undecided = await due.to_check(self._db.read, name, now, PAGE)
        waiting = await renewals.to_check(self._db.read, name, now, PAGE)
        lost = await orphans.to_check(self._db.read, name, now, PAGE)
        await each(undecided, self._check, AT_ONCE)
        await each(waiting, self._check_renewal, AT_ONCE)
        await each(lost, self._give_back_orphan, AT_ONCE)
        if PAGE in (len(undecided), len(waiting), len(lost)):
            self._wake(Sweep.RECONCILE)

    async def _check(self, number: Number) -> None:
        provider = self._registry.get(number.provider)
        try:
            if provider is None:
                await self._defer(number)
            elif number.state is State.BUYING:
                await self._find(provider, number)
            else:
                await self._cancel(provider, number)
        except StorageDown:
            raise
        except Exception:  # one bad row must not stop the others
            log.exception("number %d could not be reconciled", number.id)
            await self._defer(number)

    async def _check_renewal(self, renewal: Renewal) -> None:
        try:
            await self._renewed.reconcile(renewal)
        except StorageDown:
            raise
        except Exception:  # one bad row must not stop the others
            log.exception("renewal %d could not be reconciled", renewal.id)
            await self._renewed.defer(renewal)

    async def _defer(self, number: Number, error: ProviderError | None = None) -> None:
        """Asked in vain: later again. After very long without an answer, the money goes back."""
        now = self._clock()
        owed_for = now - max(number.expires_at or 0, number.created_at)
        if self._timing.is_silence(self._timing.give_up, owed_for, number.check_attempts):
            await self._hopeless.never_said(number)
            return
        wait = self._timing.before_retry(number.check_attempts)
        if isinstance(error, Throttled):
            wait = max(wait, self._timing.rest(error))
            self._rests.begin(number.provider, error, now)
        async with self._db.transaction() as tx:
            await settle.not_answered(tx, number, now)
            await numbers.defer_check(tx, number.id, now + wait)
        self._wake(Sweep.DELIVER)

    async def _find(self, provider: Provider, number: Number) -> None:
        """A purchase without its answer: adopt what was sold, or give up once it surely never arrived."""
        if not provider.capabilities.find:  # asking in vain would count as the provider's fault, and open its circuit
            await self._hopeless.cannot_be_found(provider, number)
            return
        try:
            known = await numbers.known_refs(self._db.read, provider.name, number.created_at - HOUR)
            sale = await provider.find(number.offer, number.ref, number.created_at, known)
        except ProviderError as error:
            log.warning("number %d: %s does not say what it sold: %s", number.id, number.provider, error.line)
            await self._defer(number, error)
            return
        if sale is not None:
            await self._bought.settle_purchase(number, sale)
        elif self._clock() - number.created_at >= self._timing.find_grace:
            await self._bought.settle_purchase(number, Refused(ProviderFault("never arrived")))
        else:
            async with self._db.transaction() as tx:
                await numbers.defer_check(tx, number.id, self._clock() + self._timing.find_grace // 4)

    async def _cancel(self, provider: Provider, number: Number) -> None:
        """Ask for a cancel, after a last look at what came; written down before it leaves: its answer may be lost."""
        if number.check_attempts or number.reason != "expired_no_code":  # or else the expire sweep has just looked
            looked = await self._look(provider, number)
            if looked is None:
                return
            number = looked
        async with self._db.transaction() as tx:
            sent = await numbers.note_cancel_sent(tx, number.id, self._clock() + self._timing.answer_due)
        if sent is None or sent.provider_ref is None:
            return
        outcome = await provider.cancel(sent.provider_ref)
        current = await numbers.get(self._db.read, number.id) or sent
        if isinstance(outcome, Done):
            await self._cancelled(current)
        elif isinstance(outcome, Refused) and isinstance(outcome.error, CancelTooEarly):
            await self._too_early(current, outcome.error)
        elif isinstance(outcome, Refused) and outcome.error.permanent:
            await self._ask_how_it_ended(provider, current)
        else:
            await self._defer(current, outcome.error if isinstance(outcome, Refused) else None)

    async def _look(self, provider: Provider, number: Number) -> Number | None:
        """Read the number once more before money may go back: not every provider denies a cancel for its SMS.

        None where that has decided: a code withdrew the wish, the provider has closed it, or nobody answered.
        """
        remote = await self._read(provider, number)
        if remote is None:
            return None
        current = await numbers.get(self._db.read, number.id)
        if current is None or current.state is not State.CANCELLING:
            return None
        if remote.state in (RemoteState.WAITING, RemoteState.GONE):
            return current
        if remote.state.charged:
            await self._keep(current, remote)
        else:
            await self._cancelled(current)
        return None

    async def _read(self, provider: Provider, number: Number) -> RemoteNumber | None:
        """How it stands there, its SMS taken in; None where that is not told now, and is asked again later."""
        try:
            remote = (await provider.fetch([number.provider_ref or ""]))[0]
        except (ProviderError, IndexError) as error:
            await self._defer(number, error if isinstance(error, ProviderError) else None)
            return None
        await self._inbox.read(number.provider, remote)
        return remote

    async def _cancelled(self, number: Number) -> None:
        past = number.reason == "expired_no_code"
        reason = "expired_no_code" if past else "cancelled"
        async with self._db.transaction() as tx:
            target = State.EXPIRED if past else State.CANCELLED
            await settle.given_back(tx, number, target, reason, self._clock())
        self._wake(Sweep.DELIVER)

    async def _too_early(self, number: Number, error: CancelTooEarly) -> None:
        """Not done, and may be asked again; a code that came meanwhile withdraws the wish."""
        now = self._clock()
        async with self._db.transaction() as tx:
            if number.sms_count and number.kind is Kind.ACTIVATION:
                await settle.keep(tx, number, now)
            else:
                again_at = error.at + self._timing.cancel_slack if error.at else now + self._timing.retry
                # The time is by the provider's clock, which may be far from ours: it is asked before long.
                again_at = min(max(again_at, now + 1000), now + self._timing.retry_longest)
                await numbers.defer_check(tx, number.id, again_at, cancel_sent=False)
        self._wake(Sweep.DELIVER)

    async def _ask_how_it_ended(self, provider: Provider, number: Number) -> None:
        """The cancel was refused for good: the provider's own record decides about the money."""
        remote = await self._read(provider, number)
        if remote is None:
            return
        number = await numbers.get(self._db.read, number.id) or number
        if remote.state.closed and not remote.state.charged:
            await self._cancelled(number)
        elif remote.state is RemoteState.WAITING and _is_over(number, self._clock()):
            await self._defer(number)  # kept, it would only expire again; they will close it in their time
        else:
            await self._keep(number, remote)

    async def _keep(self, number: Number, remote: RemoteNumber) -> None:
        """It was not given back, because it is paid: still open, or used up."""
        now = self._clock()
        async with self._db.transaction() as tx:
            if remote.state is RemoteState.FINISHED or (remote.state.charged and _is_over(number, now)):
                await settle.completed(tx, number, "time_is_up", now)
            else:
                await settle.keep(tx, number, now)
        self._wake(Sweep.DELIVER)

    async def _give_back_orphan(self, orphan: Orphan) -> None:
        """Sold after we had told the person that there is none: it must not stay open at the operator's cost."""
        provider = self._registry.get(orphan.provider)
        outcome = await provider.cancel(orphan.provider_ref) if provider else Unknown("not set up")
        now = self._clock()
        error = outcome.error if isinstance(outcome, Refused) else None
        silence = self._timing.is_silence(self._timing.give_up, now - orphan.created_at, orphan.check_attempts)
        async with self._db.transaction() as tx:
            if isinstance(outcome, Done):
                await orphans.close(tx, orphan, "cancelled", now)
            elif (error and error.permanent) or silence:
                if not isinstance(error, Gone):
                    await self._hopeless.stays_open(tx, orphan, now)
                await orphans.close(tx, orphan, error.reason if error else "no_answer", now)
            else:
                if isinstance(error, Throttled):
                    self._rests.begin(orphan.provider, error, now)
                allowed_at = (error.at or 0) + self._timing.cancel_slack if isinstance(error, CancelTooEarly) else 0
                again_at = now + self._timing.before_retry(orphan.check_attempts)
                allowed_at = min(allowed_at, now + self._timing.retry_longest)
                await orphans.defer(tx, orphan, allowed_at if allowed_at > now else again_at)
        self._wake(Sweep.DELIVER)


def _is_over(number: Number, now: Ms) -> bool:
    return number.expires_at is not None and number.expires_at <= now
