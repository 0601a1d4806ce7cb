"""The sweeps that look at providers: what has arrived, and what has run out of time.

Every provider is looked at on its own, so that one that hangs delays nobody else's codes; every number is settled on
its own, so that one that fails stops no other.
"""

import logging
from functools import partial

from bot.domain.errors import ProviderError, Throttled
from bot.domain.numbers import Kind, Number, State
from bot.domain.time import Ms
from bot.domain.webhooks import Topic
from bot.providers.base import Provider, RemoteNumber, RemoteState
from bot.providers.registry import Registry
from bot.services import settle
from bot.services.background import Background
from bot.services.clock import Clock
from bot.services.inbox import Inbox, said_of_money
from bot.services.lanes import Lanes
from bot.services.pace import Rests
from bot.services.rhythm import Sweep, Timing, Wake
from bot.services.singles import Singles
from storage import due, numbers, outbox, renewals
from storage import sms as sms_store
from storage.db import Database, StorageDown

log = logging.getLogger(__name__)

PAGE = 100


class Watch:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        timing: Timing,
        registry: Registry,
        inbox: Inbox,
        background: Background,
        wake: Wake,
    ) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._registry = registry
        self._inbox = inbox
        self._wake = wake
        self._polls = Lanes(background, "poll")
        self._ends = Lanes(background, "expire")
        self._singles = Singles(db, clock, timing, background, self._read_page)
        self._polls_rest, self._ends_rest = Rests(timing), Rests(timing)
        self._polled_at: dict[str, Ms] = {}
        self._resume_after: dict[str, str] = {}

    async def poll(self) -> bool:
        """Start a poll of each provider that is due and not being polled already.

        The pace is kept in memory, and not written down with every poll: after a start all are due anyway.
        """
        for provider in self._registry:
            name, can = provider.name, provider.capabilities
            if can.batch and self._polls.is_free(name) and await self._is_due(name):
                self._polls.run(name, partial(self._poll_pages, provider))
            if not (can.batch and can.batch_rentals):
                await self._singles.sweep(provider)
        return False

    async def _is_due(self, name: str) -> bool:
        now = self._clock()
        if not self._polls_rest.is_over(name, now):
            return False
        newest = await due.newest_live(self._db.read, name)
        if newest is None:
            return False
        waited = abs(now - self._polled_at.get(name, 0))  # a clock that was set back must not stop the polls
        return self._timing.poll_is_due(waited, self._timing.poll_pace(now - newest))

    async def _poll_pages(self, provider: Provider) -> None:
        """All pages, or what follows the page at which the last poll failed: one bad page hides no other."""
        name, can = provider.name, provider.capabilities
        self._polled_at[name] = self._clock()
        page: list[str] = []
        after = self._resume_after.pop(name, "")
        try:
            while page := await due.live_refs(self._db.read, name, after, can.page, rentals=can.batch_rentals):
                await self._read_page(provider, page)
                after = page[-1]
        except ProviderError as error:
            log.warning("poll of %s failed: %s", name, error.line)
            if len(page) == can.page:
                self._resume_after[name] = page[-1]
            self._polls_rest.begin(name, error, self._clock())

    async def _read_page(self, provider: Provider, refs: list[str]) -> None:
        remotes = await provider.fetch(refs)
        known = await sms_store.known(self._db.read, provider.name, refs[0], refs[-1])
        for remote in remotes:
            try:
                fresh = tuple(sms for sms in remote.sms if (remote.provider_ref, sms.sms_id) not in known)
                await self._inbox.receive(provider.name, fresh, charged=said_of_money(remote))
                if remote.state.closed and remote.state is not RemoteState.GONE:
                    await self._ended_there(provider.name, remote)
            except StorageDown:
                raise
            except Exception:  # one bad row must not stop the others
                log.exception("a number of %s could not be read", provider.name)

    async def _ended_there(self, provider: str, remote: RemoteNumber) -> None:
        """The provider closed a number of its own accord."""
        number = await numbers.by_provider_ref(self._db.read, provider, remote.provider_ref)
        if number is None or number.state is not State.ACTIVE:
            return
        if await renewals.pending_of(self._db.read, number.id) is None:
            await self.settle_by(number, remote)

    async def expire(self) -> bool:
        """Settle numbers whose time has passed, by their provider's last word."""
        now = self._clock()
        for name in await due.providers_to_expire(self._db.read, now):
            if self._ends_rest.is_over(name, now):
                self._ends.run(name, partial(self._expire_at, name))
        return False

    async def _expire_at(self, name: str) -> None:
        group = await due.to_expire(self._db.read, name, self._clock(), PAGE)
        remotes = await self._last_words(name, group)
        for number in group:
            try:
                if not await self._expire_one(number, remotes.get(number.provider_ref or "")):
                    await self._defer(number)
            except StorageDown:
                raise
            except Exception:  # one bad row must not stop the others
                log.exception("number %d could not be expired", number.id)
                await self._defer(number)
        if len(group) == PAGE:
            self._wake(Sweep.EXPIRE)

    async def _last_words(self, name: str, group: list[Number]) -> dict[str, RemoteNumber]:
        provider = self._registry.get(name)
        if provider is None:
            return {}
        try:
            remotes = await provider.fetch([number.provider_ref for number in group if number.provider_ref])
        except ProviderError as error:
            log.warning("%s does not say how its numbers ended: %s", name, error.line)
            if isinstance(error, Throttled):
                self._ends_rest.begin(name, error, self._clock())
            return {}
        return {remote.provider_ref: remote for remote in remotes}

    async def _defer(self, number: Number) -> None:
        async with self._db.transaction() as tx:
            at = self._clock() + self._timing.before_retry(number.check_attempts)
            await numbers.defer_check(tx, number.id, at)

    async def _expire_one(self, number: Number, remote: RemoteNumber | None) -> bool:
        """False where it is too early to tell how it ended."""
        if remote is not None:
            await self._inbox.read(number.provider, remote)
        current = await numbers.get(self._db.read, number.id)
        if current is None or current.state is not State.ACTIVE:
            return True
        if await renewals.pending_of(self._db.read, number.id) is not None:
            return False
        if remote is None:
            return await self._end_unheard(current)
        if number.kind is Kind.RENTAL and not remote.state.closed:
            return await self._end_open_rental(current, remote)
        if remote.state is RemoteState.WAITING:
            await self._end_waiting(current)
        else:
            await self.settle_by(current, remote)
        return True

    async def _end_unheard(self, number: Number) -> bool:
        """Its provider does not answer. What was paid for in its time waits for a while, anything else for long."""
        end = number.expires_at or 0
        overdue = self._clock() - end
        used = number.kind is Kind.RENTAL or await settle.came_in_time(self._db.read, number)
        if used and self._timing.is_silence(self._timing.unheard, overdue, number.check_attempts):
            await self._complete(number)
        elif self._timing.is_silence(self._timing.give_up, overdue, number.check_attempts):
            await self._give_back(number, State.EXPIRED, "no_answer")
        else:
            return False
        return True

    async def _end_open_rental(self, number: Number, remote: RemoteNumber) -> bool:
        """Over by our clock, open by theirs: it lasts as long as they say."""
        if remote.expires_at is None or remote.expires_at <= self._clock():
            await self._complete(number)
        else:
            async with self._db.transaction() as tx:
                later = await numbers.extend(tx, number.id, remote.provider_ref, remote.expires_at)
                if later is not None:
                    await settle.announce(tx, Topic.NUMBER_RENEWED, later, self._clock())
                await outbox.want_card(tx, settle.chat_of(number), number.id, self._clock())
            self._wake(Sweep.DELIVER)
        return True

    async def _end_waiting(self, number: Number) -> None:
        """Over by our clock, open by theirs. Unused, it is to be closed there; the reconcile sweep sees to it."""
        now = self._clock()
        if await settle.came_in_time(self._db.read, number):
            await self._complete(number)
            return
        async with self._db.transaction() as tx:
            await numbers.move(tx, number.id, State.ACTIVE, State.CANCELLING, "expired_no_code", now, check_at=now)
        self._wake(Sweep.RECONCILE)

    async def settle_by(self, number: Number, remote: RemoteNumber) -> None:
        """Close a number as its provider has: charged means paid, everything else means money back."""
        cancelled = remote.state is RemoteState.CANCELLED
        if remote.state.charged or (number.kind is Kind.RENTAL and not cancelled):
            await self._complete(number)
        elif cancelled and (number.expires_at is None or number.expires_at > self._clock()):
            await self._give_back(number, State.CANCELLED, "provider_cancelled")
        else:
            await self._give_back(number, State.EXPIRED, "expired_no_code")

    async def _complete(self, number: Number) -> None:
        async with self._db.transaction() as tx:
            await settle.completed(tx, number, "time_is_up", self._clock())
        self._wake(Sweep.DELIVER)

    async def _give_back(self, number: Number, target: State, reason: str) -> None:
        async with self._db.transaction() as tx:
            await settle.given_back(tx, number, target, reason, self._clock())
        self._wake(Sweep.DELIVER)
