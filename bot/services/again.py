"""The same number again: the phone of an activation that is over, bought once more, for another code on it."""

from dataclasses import replace

from bot.domain.errors import BadRequest, Denied, Gone, NoNumbers, NotAgain, ProviderFault, WrongState
from bot.domain.numbers import Kind, Number, Offer, Quote
from bot.domain.people import User
from bot.providers.registry import Registry
from bot.services.access import require_member
from bot.services.numbers import Numbers
from bot.services.pricing import Pricing
from bot.services.purchases import Purchases


class Again:
    """What it costs, promised. From there on it is a purchase like any other, at this provider alone."""

    def __init__(self, registry: Registry, pricing: Pricing, bought: Numbers, purchases: Purchases) -> None:
        self._registry = registry
        self._pricing = pricing
        self._bought = bought
        self._purchases = purchases

    async def quote(self, user: User, number_id: int) -> Quote:
        """Raises NotAgain where the provider says that it cannot be had, ProviderError where it says nothing."""
        require_member(user)
        view = await self._bought.view(user, number_id)
        if not view.actions.again:
            raise WrongState
        return await self._purchases.promise(user, await self._offer(view.number))

    async def _offer(self, number: Number) -> Offer:
        provider = self._registry.get(number.provider)
        if provider is None:
            raise ProviderFault("not set up")
        wanted = _wanted(number)
        try:
            cost = await provider.again_cost(wanted)
        except (Denied, Gone, NoNumbers, BadRequest) as error:
            raise NotAgain from error
        return replace(wanted, cost=cost, price=self._pricing.price(number.provider, cost))


def _wanted(number: Number) -> Offer:
    """The number's own service and country, and its very phone; what it costs is still to be asked."""
    return Offer(
        provider=number.provider,
        service=number.service,
        country=number.country,
        kind=Kind.ACTIVATION,
        cost=0,
        price=0,
        stock=1,
        again_of=number.provider_ref or "",
        phone=number.phone or "",
    )
