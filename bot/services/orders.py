"""What programs buy: a purchase or a renewal in one call, at most once under each Idempotency-Key.

The key is written down in the transaction of the purchase itself, so a process that ends anywhere leaves both or
neither. What the market refused before anything was written is kept under the key too; other refusals leave no trace.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import (
    CodepigeonError,
    KeyReused,
    NoAnswer,
    NoNumbers,
    NoOffer,
    NotFound,
    PriceRisen,
    ProviderError,
    ProviderFault,
    WrongState,
)
from bot.domain.money import Units
from bot.domain.numbers import Kind, Number, Offer, State
from bot.domain.people import User
from bot.domain.time import HOUR, Ms
from bot.services.access import require_member
from bot.services.again import Again
from bot.services.background import Background
from bot.services.catalogue import Offers
from bot.services.clock import Clock
from bot.services.numbers import Numbers
from bot.services.purchases import Note, Purchases
from bot.services.renewals import Renewals
from storage import idempotency, numbers, renewals
from storage.db import Database, StorageDown, Tx
from storage.idempotency import Done
from storage.renewals import Renewal

NOT_OF_THE_MARKET = ("closed", "denied", "gone")
"""Why a renewal failed that the number's own state did not allow."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be bought. `max_price` None: today's price is agreed to."""

    service: str
    country: str
    kind: Kind = Kind.ACTIVATION
    hours: int = 0
    max_price: Units | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`replayed`: nothing was done now, it had been under the same key; `pending`: the outcome is not known yet."""

    number: Number
    replayed: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Shops:
    """Where what is ordered is had."""

    offers: Offers
    purchases: Purchases
    renewals: Renewals
    numbers: Numbers
    again: Again


class Orders:
    """`patience_s`: how long a call waits for the provider; what it does not wait for is done all the same."""

    def __init__(
        self, db: Database, clock: Clock, shops: Shops, background: Background, *, patience_s: float = 15.0
    ) -> None:
        self._db = db
        self._clock = clock
        self._shops = shops
        self._background = background
        self._patience_s = patience_s
        self._under_way: dict[str, asyncio.Event] = {}
        self._turns: dict[tuple[int, str], tuple[asyncio.Lock, int]] = {}

    async def buy(self, user: User, wish: Wish, key: str = "", *, keeps_refusals: bool = True) -> Answer:
        """Raises NoOffer or PriceRisen, also again under the same key, KeyReused, and what `Purchases.begin` raises.

        Not `keeps_refusals`: a key under which nothing was sold is as good as new.
        """
        require_member(user)
        request = _hashed("allocate", wish.service, wish.country, wish.kind, wish.hours, wish.max_price)
        async with self._turn(user, key):
            if key and not keeps_refusals:
                await self._forget_refusal(user, key)
            if (done := await self._done(user, key, request)) is None:
                try:
                    offer = await self._offer(wish)
                except (NoOffer, PriceRisen) as why:
                    if keeps_refusals:
                        await self._keep_refusal(user, key, request, why)
                    raise
                quote = await self._shops.purchases.promise(user, offer, wish.max_price or offer.price)
                number = await self._begin(user, quote.id, self._note(user, key, request))
        return await self._bought(number.id) if done is None else await self._replayed(done)

    async def buy_quote(self, user: User, quote_id: str, key: str = "", request: str = "") -> Answer:
        """What was quoted; `request` is what a repetition under the same key must be equal in."""
        hashed = _hashed("quote", request)
        async with self._turn(user, key):
            if (done := await self._done(user, key, hashed)) is None:
                number = await self._begin(user, quote_id, self._note(user, key, hashed))
        return await self._bought(number.id) if done is None else await self._replayed(done)

    async def _offer(self, wish: Wish) -> Offer:
        offer = await self._shops.offers.best(wish.kind, wish.service, wish.country, wish.hours)
        if wish.max_price is not None and offer.price > wish.max_price:
            raise PriceRisen(offer.price)
        return offer

    async def _begin(self, user: User, quote_id: str, note: Note | None) -> Number:
        number, fresh = await self._shops.purchases.begin(user, quote_id, note=note)
        if fresh:
            self._carry_out(self._shops.purchases.buy(number), f"buy:{number.id}")
        return number

    async def renew(self, user: User, number_id: int, hours: int, max_price: Units | None, key: str = "") -> Answer:
        """Raises PriceRisen, WrongState or ProviderError where no time was added, also again under the same key."""
        require_member(user)
        request = _hashed("renew", number_id, hours, max_price)
        async with self._turn(user, key):
            if (done := await self._done(user, key, request)) is None:
                quote = await self._shops.renewals.quote(user, number_id, hours)
                if max_price is not None and quote.offer.price > max_price:
                    why = PriceRisen(quote.offer.price)
                    await self._keep_refusal(user, key, request, why)
                    raise why
                note = self._note(user, key, request, renewal=True)
                renewal, fresh = await self._shops.renewals.begin(user, quote.id, note)
                if fresh:
                    self._carry_out(self._shops.renewals.renew(renewal), f"renew:{renewal.id}")
        return await self._renewed(renewal.id) if done is None else await self._replayed(done)

    async def renewal_price(self, user: User, number_id: int, hours: int) -> tuple[Units, Ms]:
        """What `hours` more would cost now, and the end that they would bring."""
        offer = await self._shops.renewals.offer(user, number_id, hours)
        number = (await self._shops.numbers.view(user, number_id)).number
        return offer.price, (number.expires_at or self._clock()) + hours * HOUR

    async def why_failed(self, number: Number) -> ProviderError:
        """Why a purchase sold nothing, as far as it matters to who wanted it."""
        if number.reason == NoNumbers.reason:
            return NoNumbers()
        if number.reason == PriceRisen.reason:
            return PriceRisen(await self._price_now(number))
        return ProviderFault(number.reason)

    async def _price_now(self, number: Number) -> Units | None:
        try:
            return (await self._offer(Wish(number.service, number.country, number.kind, number.hours))).price
        except CodepigeonError:
            return None

    @asynccontextmanager
    async def _turn(self, user: User, key: str) -> AsyncIterator[None]:
        """One call after another under the same key: the second one finds what the first one did."""
        if not key:
            yield
            return
        turn = (user.id, key)
        lock, waiting = self._turns.get(turn, (asyncio.Lock(), 0))
        self._turns[turn] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[turn]
            if waiting == 1:
                del self._turns[turn]
            else:
                self._turns[turn] = (lock, waiting - 1)

    async def _done(self, user: User, key: str, request: str) -> Done | None:
        done = await idempotency.get(self._db.read, user.id, key) if key else None
        if done is not None and not done.refused and done.request != request:
            raise KeyReused
        return done

    async def _forget_refusal(self, user: User, key: str) -> None:
        async with self._db.transaction() as tx:
            done = await idempotency.get(tx, user.id, key)
            number = await numbers.get(tx, done.number_id) if done and done.number_id else None
            if done and (done.refused or (number and number.state is State.FAILED)):
                await idempotency.forget(tx, user.id, key)

    def _note(self, user: User, key: str, request: str, *, renewal: bool = False) -> Note | None:
        async def note(tx: Tx, made: int) -> None:
            done = Done(request, None if renewal else made, made if renewal else None, "", None)
            await idempotency.add(tx, user.id, key, done, self._clock())

        return note if key else None

    async def _keep_refusal(self, user: User, key: str, request: str, why: NoOffer | PriceRisen) -> None:
        if key:
            risen = isinstance(why, PriceRisen)
            refused = PriceRisen.reason if risen else NoNumbers.reason
            done = Done(request, None, None, refused, why.price if isinstance(why, PriceRisen) else None)
            async with self._db.transaction() as tx:
                await idempotency.add(tx, user.id, key, done, self._clock())

    def _carry_out(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """In the background, so that a caller who leaves changes nothing."""
        ended = self._under_way[name] = asyncio.Event()

        async def run() -> None:
            try:
                await work
            finally:
                ended.set()
                del self._under_way[name]

        self._background.spawn(run(), name)

    async def _ended(self, name: str) -> None:
        """Wait for it, but not for ever."""
        if (ended := self._under_way.get(name)) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s):
                    await ended.wait()

    async def _replayed(self, done: Done) -> Answer:
        if done.refused == PriceRisen.reason:
            raise PriceRisen(done.price)
        if done.refused:
            raise NoOffer
        if done.renewal_id is not None:
            return await self._renewed(done.renewal_id, replayed=True)
        return await self._bought(done.number_id or 0, replayed=True)

    async def _bought(self, number_id: int, *, replayed: bool = False) -> Answer:
        await self._ended(f"buy:{number_id}")
        with _known_later():
            number = await numbers.get(self._db.read, number_id)
        if number is None:
            raise NotFound
        return Answer(number, replayed, pending=number.state is State.BUYING)

    async def _renewed(self, renewal_id: int, *, replayed: bool = False) -> Answer:
        await self._ended(f"renew:{renewal_id}")
        with _known_later():
            renewal = await renewals.get(self._db.read, renewal_id)
        if renewal is None:
            raise NotFound
        if renewal.state == "failed":
            raise _why_not_renewed(renewal)
        with _known_later():
            number = await numbers.get(self._db.read, renewal.number_id)
        if number is None:
            raise NotFound
        return Answer(number, replayed, pending=renewal.state == "pending")


@contextmanager
def _known_later() -> Iterator[None]:
    """What was begun cannot be read: whoever asked must not take it for something that has not happened."""
    try:
        yield
    except StorageDown:
        raise NoAnswer from None


def _why_not_renewed(renewal: Renewal) -> CodepigeonError:
    if renewal.reason in NOT_OF_THE_MARKET:
        return WrongState()
    return PriceRisen() if renewal.reason == PriceRisen.reason else ProviderFault(renewal.reason)


def _hashed(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()
