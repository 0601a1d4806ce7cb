"""5sim.net as a Provider: activations, and hosting as rentals.

What the protocol cannot do, and what follows:
- No reference of ours travels with a purchase. A lost one is found by country, product and time (`find`), so that a
  number bought by hand in the same account at the same minute may be taken for it.
- A further SMS comes by itself while the order is open, and cannot be asked for: `another_code` is refused.
- Nobody names the price of the same number after its end (`reuse`) beforehand, and it takes no highest price. Today's
  price of a new number is promised; an order that turns out dearer is cancelled at once.
- Products have names that are slugs. One that no code of the catalogue stands for goes by a code of its own.
- Rentals take no highest price, and are neither extended, nor cancelled, nor ended early; they are charged at sale.
- No webhooks.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from bot.domain.errors import BadRequest, Denied, Gone, PriceRisen, ProviderError, ProviderFault
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import Ms
from bot.providers import fields, values
from bot.providers.base import (
    AllocateOutcome,
    BadWebhook,
    Capabilities,
    Done,
    Refused,
    RemoteNumber,
    RemoteState,
    RenewOutcome,
    Sold,
    Stock,
    Unknown,
    VerbOutcome,
    WebhookEvent,
    WebhookRequest,
)
from bot.providers.fields import Malformed
from bot.providers.fivesim import orders
from bot.providers.fivesim.answers import Lost
from bot.providers.fivesim.api import BASE, Api
from bot.providers.fivesim.claims import Claims
from bot.providers.fivesim.lookup import Lookup, unclaimed
from bot.providers.fivesim.orders import Order
from bot.providers.fivesim.shop import Shop
from bot.providers.http import ProviderHttp

_T = TypeVar("_T")

_CLOSED_AS = {
    "finish": frozenset({RemoteState.FINISHED}),
    "cancel": frozenset({RemoteState.CANCELLED, RemoteState.EXPIRED}),
}


class FiveSim:
    capabilities = Capabilities(
        page=20_000,
        batch_rentals=False,
        another_code=False,
        rentals=True,
        again=True,
        lasts=orders.ACTIVATION_LASTS,
    )

    def __init__(
        self, name: str, http: ProviderHttp, *, url: str = BASE, api_key: str, clock: Callable[[], Ms]
    ) -> None:
        self.name = name
        self._clock = clock
        self._api = Api(http, url=url, api_key=api_key, clock=clock)
        self._shop = Shop(self._api, clock)
        self._lookup = Lookup(self._api, clock)
        self._claims = Claims()

    async def stock(self, kind: Kind, service: str | None = None) -> Sequence[Stock]:
        """One row for each country, at the cheapest operator in stock. All services at once are 9 MB."""
        listing = self._shop.rentals(service) if kind is Kind.RENTAL else self._shop.activations(service)
        return await _read("stock", listing)

    async def service_names(self) -> Mapping[str, str]:
        """Of the products without a code in the catalogue, as the list of everything told of them last."""
        return await _read("service_names", self._shop.names())

    async def allocate(self, offer: Offer, ref: str) -> AllocateOutcome:
        return await self._bought("allocate", self._shop.buy(offer), ref)

    async def again_cost(self, offer: Offer) -> Units:
        return await _read("again_cost", self._shop.cost(offer))

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        outcome = await self._bought("again", self._shop.again(offer), ref)
        if isinstance(outcome, Sold) and outcome.cost > offer.cost:
            given_back = await self.cancel(outcome.provider_ref)
            return Refused(PriceRisen()) if given_back == Done() else outcome
        return outcome

    async def _bought(self, verb: str, buying: Awaitable[Order], ref: str) -> AllocateOutcome:
        try:
            order = await buying
        except ProviderError as error:
            return Refused(error)
        except (Lost, Malformed) as why:
            return Unknown(f"{verb}: {why}")
        if not self._claims.take(order.id, ref):
            return Unknown(f"{verb}: the order was found for another purchase meanwhile")
        return order.sold(self._clock())

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str] = ()) -> Sold | None:
        """`known` are the provider's references that our numbers have already."""
        order = await _read("find", self._find(offer, ref, since, known))
        if order is None:
            return None
        if not self._claims.take(order.id, ref):
            raise ProviderFault("find: the order was found for another purchase meanwhile")
        return order.sold(self._clock())

    async def _find(self, offer: Offer, ref: str, since: Ms, known: Collection[str]) -> Order | None:
        try:
            place = await self._shop.place(offer)
        except BadRequest:
            return None
        return await self._lookup.bought(offer.kind, place, since, unclaimed(self._claims, offer, ref, known))

    async def fetch(self, provider_refs: Sequence[str]) -> Sequence[RemoteNumber]:
        known = await _read("fetch", self._lookup.numbers(provider_refs))
        return [known.get(ref) or RemoteNumber(ref, RemoteState.GONE) for ref in provider_refs]

    async def another_code(self, provider_ref: str) -> VerbOutcome:
        return Refused(Denied("further SMS come by themselves"))

    async def finish(self, provider_ref: str) -> VerbOutcome:
        return await self._close("finish", provider_ref)

    async def cancel(self, provider_ref: str) -> VerbOutcome:
        return await self._close("cancel", provider_ref)

    async def renewal_cost(self, provider_ref: str, hours: int) -> Units:
        raise Denied("rentals cannot be extended")

    async def renew(self, provider_ref: str, hours: int, cap: Units, key: str) -> RenewOutcome:
        return Refused(Denied("rentals cannot be extended"))

    async def balance(self) -> Units:
        return await _read("balance", self._balance())

    async def _balance(self) -> Units:
        profile = fields.as_row(await self._api.user("profile"), "profile")
        try:
            return values.money(profile.get("balance"))
        except ValueError:
            raise Malformed("balance is no amount") from None

    def parse_webhook(self, request: WebhookRequest) -> Sequence[WebhookEvent]:
        raise BadWebhook("this provider sends none")

    async def aclose(self) -> None:
        """Nothing to close: whoever made the client closes it."""

    async def _close(self, verb: str, provider_ref: str) -> VerbOutcome:
        parsed = orders.parse_ref(provider_ref)
        if parsed is None:
            return Refused(Gone())
        kind, order_id = parsed
        try:
            order = orders.order(await self._api.user(f"{verb}/{order_id}"), kind)
        except ProviderError as error:
            return await self._refused_unless_closed(verb, kind, order_id, error)
        except (Lost, Malformed) as why:
            return Unknown(f"{verb}: {why}")
        return Done() if order.state in _CLOSED_AS[verb] else Unknown(f"{verb}: the order is still open")

    async def _refused_unless_closed(self, verb: str, kind: Kind, order_id: int, error: ProviderError) -> VerbOutcome:
        """Asked a second time, 5sim refuses what it has done: the order itself says so."""
        if isinstance(error, Denied):
            try:
                order = await self._lookup.one(kind, order_id)
            except (ProviderError, Lost, Malformed):
                return Refused(error)
            wanted = RemoteState.FINISHED if verb == "finish" else RemoteState.CANCELLED
            if order is not None and order.state is wanted:
                return Done()
        return Refused(error)


async def _read(verb: str, asking: Awaitable[_T]) -> _T:
    try:
        return await asking
    except (Lost, Malformed) as why:
        raise ProviderFault(f"{verb}: {why}") from None
