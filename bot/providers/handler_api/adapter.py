"""A member of the handler_api family as a Provider."""

from collections.abc import Callable, Collection, Mapping, Sequence

from bot.domain.errors import BadKey, BadRequest, Denied, ProviderError
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import MINUTE, Ms
from bot.providers.base import (
    AllocateOutcome,
    Capabilities,
    Refused,
    RemoteNumber,
    RenewOutcome,
    Sold,
    Stock,
    VerbOutcome,
    WebhookEvent,
    WebhookRequest,
)
from bot.providers.handler_api.activations import Activations
from bot.providers.handler_api.answers import Malformed, Reply
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.countries import CountryIds
from bot.providers.handler_api.dialects import DIALECTS, Dialect, RentStyle
from bot.providers.handler_api.lost import Lost
from bot.providers.handler_api.memory import Memory
from bot.providers.handler_api.rent import Renting
from bot.providers.handler_api.rent_apart import PREFIX, RentApart
from bot.providers.handler_api.rent_as_activation import RentAsActivation
from bot.providers.handler_api.shelf import Shelf, TopCountry
from bot.providers.handler_api.states import States
from bot.providers.handler_api.webhook import hints
from bot.providers.http import ProviderHttp
from bot.providers.values import money


class HandlerApi:
    """`site` is the member's address, with or without `/stubs/handler_api.php`."""

    def __init__(
        self, name: str, http: ProviderHttp, *, site: str, api_key: str, dialect: str, clock: Callable[[], Ms]
    ) -> None:
        self.name = name
        self.dialect = DIALECTS[dialect]
        self.capabilities = _capabilities(self.dialect)
        self._memory = Memory()
        self._calls = Calls(http, site, api_key, self.dialect, clock)
        countries = CountryIds(self.dialect.country_ids)
        self._shelf = Shelf(self._calls, self.dialect, countries)
        self._lost = Lost(self._calls, self.dialect, countries, self._memory, clock)
        self.states = States(self._calls, self.dialect, self._memory, clock)
        self._activations = Activations(self._calls, self.dialect, countries, self._memory, self.states, clock)
        self._rent = self._renting(countries, clock)
        self._apart = self._rent if isinstance(self._rent, RentApart) else None

    def _renting(self, countries: CountryIds, clock: Callable[[], Ms]) -> Renting | None:
        rent = self.dialect.rent
        if rent is None:
            return None
        if rent.style is RentStyle.APART:
            return RentApart(self._calls, self.dialect, rent, countries, self._memory, clock)
        return RentAsActivation(self._calls, self.dialect, rent, countries, self._memory, clock, self._lost)

    # selling

    async def stock(self, kind: Kind, service: str | None = None) -> Sequence[Stock]:
        if kind is Kind.ACTIVATION:
            return await self._shelf.prices(service)
        return await self._rent.stock(service) if self._rent else ()

    async def allocate(self, offer: Offer, ref: str, *, except_prefixes: Sequence[str] = ()) -> AllocateOutcome:
        """`except_prefixes`: beginnings of phones that are not wanted, country code first, without the plus."""
        async with self._lost.buying(offer):
            if offer.kind is Kind.ACTIVATION:
                return await self._activations.buy(offer, ref, except_prefixes)
            return await self._rent.buy(offer, ref) if self._rent else Refused(BadRequest("no rentals here"))

    async def again_cost(self, offer: Offer) -> Units:
        return await self._activations.again_cost(offer)

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        async with self._lost.buying(offer):
            return await self._activations.again(offer, ref)

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str] = ()) -> Sold | None:
        """`known`: references that belong to other purchases. Raises ProviderFault where the dialect has no list."""
        if offer.kind is Kind.RENTAL and self._rent is not None:
            return await self._rent.find(offer, ref, since, known)
        return await self._lost.find(offer, ref, since, known)

    # numbers

    async def fetch(self, provider_refs: Sequence[str]) -> Sequence[RemoteNumber]:
        """A number whose own question failed is left out; ProviderError is raised when none can be told."""
        apart = [ref for ref in provider_refs if self._is_apart(ref)]
        plain = [ref for ref in provider_refs if not self._is_apart(ref)]
        found: list[RemoteNumber] = []
        failure: ProviderError | None = None
        for fetch, refs in ((self._fetch_plain, plain), (self._fetch_apart, apart)):
            try:
                found += await fetch(refs) if refs else ()
            except ProviderError as error:
                failure = error
        if failure is not None and (not found or isinstance(failure, BadKey)):
            raise failure
        place = {ref: at for at, ref in enumerate(provider_refs)}
        return sorted(found, key=lambda number: place[number.provider_ref])

    async def _fetch_plain(self, refs: Sequence[str]) -> Sequence[RemoteNumber]:
        if self._rent is not None and self._apart is None:
            refs = await self._rent.settled(refs)
        return await self.states.fetch(refs)

    async def _fetch_apart(self, refs: Sequence[str]) -> Sequence[RemoteNumber]:
        return await self._apart.fetch(refs) if self._apart is not None else ()

    def _is_apart(self, ref: str) -> bool:
        return self._apart is not None and ref.startswith(PREFIX)

    async def ready(self, provider_ref: str) -> VerbOutcome:
        return await self._activations.ready(provider_ref)

    async def another_code(self, provider_ref: str) -> VerbOutcome:
        if self._is_apart(provider_ref):
            return Refused(Denied("a rental takes every SMS"))
        return await self._activations.another_code(provider_ref)

    async def finish(self, provider_ref: str) -> VerbOutcome:
        if self._apart is not None and self._is_apart(provider_ref):
            return await self._apart.finish(provider_ref)
        return await self._activations.finish(provider_ref)

    async def cancel(self, provider_ref: str) -> VerbOutcome:
        if self._apart is not None and self._is_apart(provider_ref):
            return await self._apart.cancel(provider_ref)
        return await self._activations.cancel(provider_ref)

    async def renewal_cost(self, provider_ref: str, hours: int) -> Units:
        if self._rent is None:
            raise Denied("no rentals here")
        return await self._rent.renewal_cost(provider_ref, hours)

    async def renew(self, provider_ref: str, hours: int, cap: Units, key: str) -> RenewOutcome:
        if self._rent is None:
            return Refused(Denied("no rentals here"))
        return await self._rent.renew(provider_ref, hours, cap)

    # the account and the catalogue

    async def balance(self) -> Units:
        return await self._calls.read("getBalance", _balance)

    async def countries(self) -> Mapping[str, str]:
        """The member's numbers of countries, with their English names."""
        return await self._shelf.countries()

    async def service_names(self) -> Mapping[str, str]:
        return await self._shelf.service_names()

    async def operators(self, country: str) -> Sequence[str]:
        """Of a country by ISO 3166; empty where the member does not tell them apart."""
        return await self._shelf.operators(country)

    async def top_countries(self, service: str) -> Sequence[TopCountry]:
        """Where a service sells best, by the member's own order; empty where it keeps none."""
        return await self._shelf.top_countries(service)

    def parse_webhook(self, request: WebhookRequest) -> Sequence[WebhookEvent]:
        return hints(request)

    async def aclose(self) -> None:
        """Nothing to close: whoever made the client closes it."""


def _capabilities(dialect: Dialect) -> Capabilities:
    return Capabilities(
        batch=dialect.batch is not None,
        page=20_000 if dialect.batch is not None else 100,
        batch_rentals=False,
        at_once=dialect.singles_at_once,
        rentals=dialect.rent is not None,
        renew=dialect.rent is not None,
        again=dialect.extra,
        find=dialect.batch is not None,
        webhooks=dialect.webhooks,
        lasts=dialect.lifetime_ms,
        lasts_longer={service: minutes * MINUTE for service, minutes in dialect.longer.items()},
    )


def _balance(reply: Reply) -> Units:
    """In text, or as JSON with `format=json`."""
    if isinstance(reply.data, dict):
        return money(reply.data.get("balance"))
    if reply.data is not None:
        raise Malformed("no balance")
    return money(reply.after("ACCESS_BALANCE").partition(":")[0])
