"""Buying: promise a price, write the wish down with its money, ask the provider, settle with its answer.

A purchase is two transactions with the provider's call between them, outside of both. Whatever is left undone when
the process ends stands in the database, and the reconcile sweep finishes it.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from bot.domain.errors import (
    LimitReached,
    NoNumbers,
    NoOffer,
    PriceRisen,
    ProviderFault,
    QuoteGone,
    TooLittleMoney,
)
from bot.domain.money import Units
from bot.domain.numbers import Number, Offer, Purpose, Quote
from bot.domain.people import Limits, User
from bot.domain.time import DAY, MINUTE, Ms
from bot.providers.base import AllocateOutcome, Provider, Refused, Sold, Unknown
from bot.providers.registry import Registry
from bot.services import settle
from bot.services.access import require_member
from bot.services.catalogue import Offers
from bot.services.clock import Clock
from bot.services.patience import until_saved
from bot.services.rhythm import Sweep, Timing, Wake
from storage import ledger, numbers, outbox, quotes
from storage.db import Database, Tx

log = logging.getLogger(__name__)


Note: TypeAlias = Callable[[Tx, int], Awaitable[None]]
"""Writes down, in the transaction of a purchase or a renewal, what else is to be known of it; given its id."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a purchase is subject to. `prepaid`: money is held; otherwise prices are only shown."""

    prepaid: bool
    limits: Limits


class Purchases:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        timing: Timing,
        registry: Registry,
        offers: Offers,
        terms: Terms,
        wake: Wake,
    ) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._registry = registry
        self._offers = offers
        self._terms = terms
        self._wake = wake

    async def quote(self, user: User, offer: Offer) -> Quote:
        """Promise this offer to this person for a while, with room for another provider to serve."""
        require_member(user)
        return await self.promise(user, offer, await self._offers.cap(offer))

    async def promise(self, user: User, offer: Offer, cap: Units = 0) -> Quote:
        """Promise this offer, and nothing above `cap` should another provider have to serve."""
        require_member(user)
        now = self._clock()
        quote = Quote(
            id=secrets.token_urlsafe(9),
            user_id=user.id,
            purpose=Purpose.BUY,
            offer=offer,
            cap=cap,
            expires_at=now + self._timing.quote_life,
        )
        async with self._db.transaction() as tx:
            await quotes.add(tx, quote, now)
        return quote

    async def quoted(self, user: User, quote_id: str) -> Quote:
        """A quote that was promised to this person, also when it has lapsed. Raises QuoteGone."""
        quote = await quotes.owned(self._db.read, quote_id, user.id)
        if quote is None:
            raise QuoteGone
        return quote

    async def begin(
        self, user: User, quote_id: str, card: tuple[int, int] | None = None, note: Note | None = None
    ) -> tuple[Number, bool]:
        """Write the purchase down and set its money aside; True where it is new and `buy` must follow.

        A double tap finds the number of the first. `card` is the chat and message that will show the number. `note`
        is called for a new one.
        """
        require_member(user)
        async with self._db.transaction() as tx:
            if (existing := await numbers.of_quote(tx, quote_id, user.id)) is not None:
                return existing, False
            quote = await quotes.owned(tx, quote_id, user.id)
            if quote is None or quote.purpose is not Purpose.BUY or quote.expires_at <= self._clock():
                raise QuoteGone
            provider = self._registry.get(quote.offer.provider)
            if provider is None:
                raise NoOffer
            await self._check_limits(tx, user)
            number = await self._write_down(tx, quote, provider, card)
            if note is not None:
                await note(tx, number.id)
        self._wake(Sweep.DELIVER)
        return number, True

    async def _check_limits(self, tx: Tx, user: User) -> None:
        now, limits = self._clock(), self._terms.limits
        open_now, minute, day = await numbers.usage(tx, user.id, now - MINUTE, now - DAY, now)
        for limit, used in (("active_numbers", open_now), ("purchases_per_minute", minute), ("purchases_per_day", day)):
            allowed = getattr(limits, limit)
            if used >= allowed:
                raise LimitReached(limit, allowed)

    async def _write_down(self, tx: Tx, quote: Quote, provider: Provider, card: tuple[int, int] | None) -> Number:
        now, price = self._clock(), quote.offer.price
        if card is not None and await numbers.has_card(tx, *card):
            card = None  # two offers were confirmed on one message: the second number gets a card of its own
        missing = price - await ledger.balance(tx, quote.user_id)
        if self._terms.prepaid and missing > 0:
            raise TooLittleMoney(missing)
        number = await numbers.add(
            tx,
            quote,
            ref=f"cp-{secrets.token_hex(12)}",
            test=provider.capabilities.test,
            card=card,
            check_at=now + self._timing.answer_due,
            now=now,
        )
        if self._terms.prepaid:
            subject, reason = settle.subject(number), number.service
            await ledger.hold(tx, subject, quote.user_id, price, number_id=number.id, reason=reason, now=now)
        await outbox.want_card(tx, settle.chat_of(number), number.id, now)
        return number

    async def buy(self, number: Number) -> Number:
        """Ask the provider for the number that `begin` wrote down, and settle with its answer.

        An unknown outcome leaves it buying: the reconcile sweep asks what was sold. A known one that cannot be written
        down is kept until it can: not every provider tells it again.
        """
        tried = {number.provider}
        outcome = await self._ask(number)
        while isinstance(outcome, Refused):
            elsewhere = await until_saved(partial(self._elsewhere, number, tried))
            if elsewhere is None:
                break
            number = elsewhere
            tried.add(number.provider)
            outcome = await self._ask(number)
        if isinstance(outcome, Unknown):
            log.warning("number %d: the purchase at %s has no answer: %s", number.id, number.provider, outcome.detail)
            await until_saved(partial(self._ask_soon, number))
        else:
            await until_saved(partial(self.settle_purchase, number, outcome))
        return await numbers.get(self._db.read, number.id) or number

    async def _ask_soon(self, number: Number) -> None:
        """Whoever waits for the number need not wait until an answer would have been due."""
        async with self._db.transaction() as tx:
            await numbers.check_by(tx, number.id, self._clock() + self._timing.ask_soon)

    async def _ask(self, number: Number) -> AllocateOutcome:
        provider = self._registry.get(number.provider)
        if provider is None:
            return Refused(ProviderFault("not set up"))
        buy = provider.again if number.again_of else provider.allocate
        outcome = await buy(number.offer, number.ref)
        if isinstance(outcome, Refused):
            level = logging.INFO if isinstance(outcome.error, NoNumbers | PriceRisen) else logging.WARNING
            log.log(level, "number %d: %s sells none: %s", number.id, number.provider, outcome.error.line)
        return outcome

    async def _elsewhere(self, number: Number, tried: set[str]) -> Number | None:
        """After a sure refusal: the same wish at the next provider, at the price that was agreed to or less.

        The phone of an earlier activation is had from its own provider or not at all.
        """
        quote = await quotes.owned(self._db.read, number.quote_id, number.user_id)
        if quote is None or number.again_of:
            return None
        for offer in await self._offers.fallbacks(quote.offer, quote.at_most):
            provider = self._registry.get(offer.provider)
            if provider is not None and offer.provider not in tried:
                return await self._retarget(number, offer, test=provider.capabilities.test)
        return None

    async def _retarget(self, number: Number, offer: Offer, *, test: bool) -> Number | None:
        """The old hold goes back and a new one is made, in one transaction."""
        now, check_at = self._clock(), self._clock() + self._timing.answer_due
        async with self._db.transaction() as tx:
            if self._terms.prepaid and await ledger.balance(tx, number.user_id) + number.price < offer.price:
                return None
            ref = f"cp-{secrets.token_hex(12)}"
            moved = await numbers.retarget(tx, number, offer, ref, test=test, check_at=check_at)
            if moved is None:
                return None
            await ledger.release(tx, settle.subject(number), now)
            if self._terms.prepaid:
                subject, reason = settle.subject(moved), moved.service
                await ledger.hold(tx, subject, moved.user_id, offer.price, number_id=moved.id, reason=reason, now=now)
            await outbox.want_card(tx, settle.chat_of(moved), moved.id, now)
        self._wake(Sweep.DELIVER)
        return moved

    async def allocate(self, user: User, quote_id: str) -> Number:
        """`begin` and `buy` in one, for a caller that waits for the number."""
        number, fresh = await self.begin(user, quote_id)
        return await self.buy(number) if fresh else number

    async def settle_purchase(self, number: Number, outcome: Sold | Refused) -> None:
        """The provider's answer, whenever it came."""
        now = self._clock()
        async with self._db.transaction() as tx:
            if isinstance(outcome, Refused):
                await settle.not_sold(tx, number, outcome.error, now)
            else:
                await settle.sold(tx, number, outcome, now, ahead=self._ahead_of(number, outcome))
        self._wake(Sweep.DELIVER)
        self._wake(Sweep.RECONCILE)

    def _ahead_of(self, number: Number, sale: Sold) -> Ms:
        """By how much our clock is ahead of the provider's, where it shows: the number was over before its wish."""
        provider = self._registry.get(number.provider)
        if provider is None or sale.expires_at > number.created_at:
            return 0
        log.warning("number %d: our clock is far ahead of that of %s", number.id, number.provider)
        return number.created_at + provider.capabilities.life(number.offer) - sale.expires_at
