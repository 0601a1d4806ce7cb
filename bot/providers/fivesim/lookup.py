"""Reading orders back from 5sim: many by the paged list, single ones by their id, a lost one by what is known of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable

from bot.domain.errors import Gone, ProviderError, ProviderFault, Throttled
from bot.domain.numbers import Kind, Offer
from bot.domain.sms import IncomingSms
from bot.domain.time import HOUR, MINUTE, Ms, is_within
from bot.providers.base import RemoteNumber, RemoteState
from bot.providers.fields import Malformed
from bot.providers.fivesim import orders
from bot.providers.fivesim.answers import Lost
from bot.providers.fivesim.api import Api
from bot.providers.fivesim.claims import Claims
from bot.providers.fivesim.orders import Order, Page

log = logging.getLogger(__name__)

PAGE = 100
_MOST_PAGES = 500
NO_INBOX_FOR: Ms = HOUR
"""After it said that it has none."""
_CLOCKS_DIFFER: Ms = MINUTE
_ANSWER_TAKES: Ms = 5 * MINUTE
"""An order that was made later than this after the purchase belongs to another one."""


class Lookup:
    def __init__(self, api: Api, clock: Callable[[], Ms]) -> None:
        self._api = api
        self._clock = clock
        self._no_inbox_at: Ms | None = None

    async def numbers(self, refs: Iterable[str]) -> dict[str, RemoteNumber]:
        """The known ones of `refs`."""
        wanted: dict[Kind, set[int]] = {kind: set() for kind in Kind}
        for parsed in map(orders.parse_ref, refs):
            if parsed is not None:
                wanted[parsed[0]].add(parsed[1])
        found: dict[str, RemoteNumber] = {}
        for kind, ids in wanted.items():
            found |= await self._orders(kind, ids)
        return found

    async def one(self, kind: Kind, order_id: int) -> Order | None:
        try:
            return orders.order(await self._api.user(f"check/{order_id}"), kind)
        except Gone:
            return None

    async def bought(
        self, kind: Kind, place: tuple[str, str], since: Ms, taken: Callable[[Order], bool]
    ) -> Order | None:
        """The oldest order of this country and product made about then that is not `taken`."""
        earliest, latest = since - _CLOCKS_DIFFER, since + _ANSWER_TAKES
        oldest: Order | None = None
        async for page in self._pages(kind):
            if page.unread or any(order.created_at is None for order in page.orders):
                raise Malformed("an order cannot be read, and may be the one that is looked for")
            for order in page.orders:
                made_then = earliest <= (order.created_at or 0) <= latest
                if made_then and (order.country, order.product) == place and not taken(order):
                    oldest = order
            if (page.orders[-1].created_at or 0) < earliest:
                break
        return oldest

    async def _orders(self, kind: Kind, ids: set[int]) -> dict[str, RemoteNumber]:
        """By the list where there are several; one by one what the list does not show."""
        found: dict[int, Order] = {}
        if len(ids) > 1:
            async for page in self._pages(kind):
                found |= {order.id: order for order in page.orders if order.id in ids}
                if len(found) == len(ids) or any(order.id < min(ids) for order in page.orders):
                    break
        missing = sorted(ids - found.keys())
        answers = await asyncio.gather(*(self.one(kind, one) for one in missing), return_exceptions=True)
        unread: list[RemoteNumber] = []
        for order_id, answer in zip(missing, answers, strict=True):
            if isinstance(answer, Order):
                found[order_id] = answer
            elif isinstance(answer, Malformed) and found:
                # Said to be open and nothing more: that decides nothing, and lets the others' codes through.
                log.warning("5sim: order %d cannot be read: %s", order_id, answer)
                unread.append(RemoteNumber(orders.ref_of(kind, order_id), RemoteState.WAITING))
            elif answer is not None:
                raise answer
        read = await asyncio.gather(*(self._with_inbox(order) for order in found.values()))
        return {remote.provider_ref: remote for remote in (*read, *unread)}

    async def _pages(self, kind: Kind) -> AsyncIterator[Page]:
        """Newest first. A page may be shorter than was asked for; none but the last is empty."""
        offset = 0
        for _ in range(_MOST_PAGES):
            params = {
                "category": orders.CATEGORIES[kind],
                "limit": PAGE,
                "offset": offset,
                "order": "id",
                "reverse": "true",
            }
            page = orders.page(await self._api.user("orders", params), kind)
            if not page.size:
                return
            yield page
            offset += page.size
        raise ProviderFault("the list of orders does not end")

    async def _with_inbox(self, order: Order) -> RemoteNumber:
        """A rental's SMS stand in an inbox of their own, and some of them with the order too."""
        remote = order.remote()
        has_no_inbox = is_within(NO_INBOX_FOR, self._no_inbox_at, self._clock())
        if order.kind is not Kind.RENTAL or remote.state.closed or has_no_inbox:
            return remote
        sms = orders.merged(await self._inbox(order), remote.sms)
        state = RemoteState.RECEIVED if sms else remote.state
        return RemoteNumber(remote.provider_ref, state, remote.expires_at, sms)

    async def _inbox(self, order: Order) -> tuple[IncomingSms, ...]:
        """One rental's inbox must not stop the codes of all other numbers."""
        try:
            return orders.inbox(await self._api.user(f"sms/inbox/{order.id}"), order.ref)
        except Throttled:
            raise
        except ProviderError as error:
            log.warning("5sim has no inbox for rentals now: %s", error.reason)
            self._no_inbox_at = self._clock()
        except (Lost, Malformed) as why:
            log.warning("5sim: the inbox of order %d cannot be read: %s", order.id, why)
        return ()


def unclaimed(claims: Claims, offer: Offer, ref: str, known: Collection[str]) -> Callable[[Order], bool]:
    """What tells `bought` that an order is another purchase's."""

    def taken(order: Order) -> bool:
        another = offer.phone not in ("", order.phone)
        return another or order.ref in known or claims.owned_by_another(order.id, ref)

    return taken
