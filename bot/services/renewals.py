"""Renewals of rentals: quoted first, paid as a purchase of their own, early ones add time."""

import logging
import secrets

from bot.domain.errors import NotFound, ProviderError, ProviderFault, QuoteGone, TooLittleMoney, WrongState
from bot.domain.numbers import Kind, Number, Offer, Purpose, Quote
from bot.domain.people import User
from bot.domain.time import HOUR
from bot.domain.webhooks import Topic
from bot.providers.base import Provider, Refused, Renewed, RenewOutcome, Unknown
from bot.providers.registry import Registry
from bot.services import settle
from bot.services.access import require_member
from bot.services.clock import Clock
from bot.services.numbers import Numbers
from bot.services.pricing import Pricing
from bot.services.purchases import Note, Terms
from bot.services.rhythm import Sweep, Timing, Wake
from storage import ledger, numbers, outbox, quotes, renewals
from storage.db import Database, Tx
from storage.renewals import Renewal

log = logging.getLogger(__name__)

NEAR = 60_000
"""Providers give a renewed end to the second or the minute; an end later by more than this was moved."""


class Renewals:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        timing: Timing,
        registry: Registry,
        pricing: Pricing,
        terms: Terms,
        bought: Numbers,
        wake: Wake,
    ) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._registry = registry
        self._pricing = pricing
        self._terms = terms
        self._bought = bought
        self._wake = wake

    async def quote(self, user: User, number_id: int, hours: int) -> Quote:
        """Ask the provider what `hours` more would cost, and promise that price. Raises ProviderError."""
        offer, now = await self.offer(user, number_id, hours), self._clock()
        quote = Quote(secrets.token_urlsafe(9), user.id, Purpose.RENEW, offer, now + self._timing.quote_life, number_id)
        async with self._db.transaction() as tx:
            await quotes.add(tx, quote, now)
        return quote

    async def offer(self, user: User, number_id: int, hours: int) -> Offer:
        """What `hours` more would cost now; nothing is promised. Raises ProviderError."""
        require_member(user)
        view = await self._bought.view(user, number_id)
        if not view.actions.renew or view.number.provider_ref is None or hours < 1:
            raise WrongState
        number = view.number
        cost = await self._provider(number).renewal_cost(view.number.provider_ref, hours)
        return Offer(
            provider=number.provider,
            service=number.service,
            country=number.country,
            kind=Kind.RENTAL,
            cost=cost,
            price=self._pricing.price(number.provider, cost),
            stock=1,
            hours=hours,
        )

    def _provider(self, number: Number) -> Provider:
        provider = self._registry.get(number.provider)
        if provider is None:
            raise ProviderFault("not set up")
        return provider

    async def begin(self, user: User, quote_id: str, note: Note | None = None) -> tuple[Renewal, bool]:
        """Write the renewal down and set its money aside; True where it is new and `renew` must follow.

        `note` is called for a new one.
        """
        require_member(user)
        async with self._db.transaction() as tx:
            quote = await quotes.owned(tx, quote_id, user.id)
            if quote is None or quote.number_id is None:
                raise QuoteGone
            if (existing := await renewals.of_quote(tx, quote_id)) is not None:
                if existing.state == "failed":
                    raise QuoteGone  # an old Confirm, refused long ago
                return existing, False
            if quote.expires_at <= self._clock():
                raise QuoteGone
            renewal = await self._write_down(tx, user, quote, quote.number_id)
            if note is not None:
                await note(tx, renewal.id)
        return renewal, True

    async def _write_down(self, tx: Tx, user: User, quote: Quote, number_id: int) -> Renewal:
        now, price = self._clock(), quote.offer.price
        number = await numbers.owned(tx, number_id, user.id)
        if number is None:
            raise NotFound
        view = await self._bought.seen(number)
        if not view.actions.renew or await renewals.pending_of(tx, number.id) is not None:
            raise WrongState
        missing = price - await ledger.balance(tx, user.id)
        if self._terms.prepaid and missing > 0:
            raise TooLittleMoney(missing)
        check_at = now + self._timing.answer_due
        renewal = await renewals.add(tx, quote, number.id, number.told_expires_at or now, check_at=check_at, now=now)
        if self._terms.prepaid:
            reason = number.service
            await ledger.hold(tx, f"r{renewal.id}", user.id, price, number_id=number.id, reason=reason, now=now)
        return renewal

    async def renew(self, renewal: Renewal) -> None:
        """Ask the provider for the time that `begin` wrote down, and settle with its answer."""
        number = await numbers.get(self._db.read, renewal.number_id)
        if number is None or number.provider_ref is None:
            return
        key = f"cp-r{renewal.id}-{number.ref}"
        try:
            provider = self._provider(number)
            outcome: RenewOutcome = await provider.renew(number.provider_ref, renewal.hours, renewal.cost, key)
        except ProviderError as error:
            outcome = Refused(error)
        if isinstance(outcome, Unknown):
            log.warning("renewal %d at %s has no answer: %s", renewal.id, number.provider, outcome.detail)
        else:
            await self._settle(renewal, number, outcome)

    async def _settle(self, renewal: Renewal, number: Number, outcome: Renewed | Refused) -> None:
        now = self._clock()
        async with self._db.transaction() as tx:
            if isinstance(outcome, Renewed):
                decided = await self._extended(tx, renewal, number, outcome)
            else:
                decided = await self._failed(tx, renewal, outcome.error.reason)
            chat_id = settle.chat_of(number)
            if decided is not None:
                await outbox.add_notice(tx, f"renewal:{renewal.id}", chat_id, decided, now, number_id=number.id)
            await outbox.want_card(tx, chat_id, number.id, now)
        self._wake(Sweep.DELIVER)

    async def _extended(self, tx: Tx, renewal: Renewal, number: Number, outcome: Renewed) -> str | None:
        """The notice that is due; None when the renewal was decided before.

        Time that the provider added after all, too late to be paid for, is the person's all the same.
        """
        # An adapter that has forgotten the old end, as after a restart, can count from now alone.
        end = max(outcome.expires_at, renewal.old_expires_at + renewal.hours * HOUR)
        extended = await numbers.extend(tx, number.id, outcome.provider_ref, end)
        if extended is None:
            log.error("renewal %d: the provider added time to a number that is closed", renewal.id)
            return await self._failed(tx, renewal, "closed")
        decided = await renewals.close(tx, renewal.id, "done", "renewed", self._clock())
        if decided:
            await ledger.capture(tx, f"r{renewal.id}", self._clock())
        if extended.expires_at != number.expires_at:
            await settle.announce(tx, Topic.NUMBER_RENEWED, extended, self._clock())
        return "renewed" if decided else None

    async def _failed(self, tx: Tx, renewal: Renewal, reason: str) -> str | None:
        if not await renewals.close(tx, renewal.id, "failed", reason, self._clock()):
            return None
        await ledger.release(tx, f"r{renewal.id}", self._clock())
        return "not_renewed"

    async def defer(self, renewal: Renewal) -> None:
        """Asked in vain: again later, and given up once the provider has not answered for very long."""
        now = self._clock()
        async with self._db.transaction() as tx:
            await renewals.defer(tx, renewal.id, now + self._timing.before_retry(renewal.check_attempts))
        if self._timing.is_silence(self._timing.give_up, now - renewal.created_at, renewal.check_attempts):
            number = await numbers.get(self._db.read, renewal.number_id)
            if number is not None:
                await self._settle(renewal, number, Refused(ProviderFault("no answer")))

    async def reconcile(self, renewal: Renewal) -> None:
        """A renewal without its answer took effect if, and only if, the provider's end has moved."""
        number = await numbers.get(self._db.read, renewal.number_id)
        provider = self._registry.get(number.provider) if number else None
        if number is None or number.provider_ref is None or provider is None:
            await self.defer(renewal)
            return
        try:
            remote = (await provider.fetch([number.provider_ref]))[0]
        except (ProviderError, IndexError):
            await self.defer(renewal)
            return
        if remote.expires_at is None:
            await self.defer(renewal)  # it does not say, which is not a no
        elif remote.expires_at > renewal.old_expires_at + NEAR:
            await self._settle(renewal, number, Renewed(remote.provider_ref, remote.expires_at))
        elif self._clock() - renewal.created_at >= self._timing.find_grace:
            await self._settle(renewal, number, Refused(ProviderFault("never arrived")))
        else:
            await self.defer(renewal)
