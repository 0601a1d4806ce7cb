"""From a provider's cost to our price."""

from collections.abc import Mapping
from decimal import Decimal

from bot.domain.money import Units, convert


class Pricing:
    """`rates`: what one unit of each provider's currency costs in ours. Rounded up, so that none is sold at a loss."""

    def __init__(self, rates: Mapping[str, Decimal] | None = None) -> None:
        self._rates = dict(rates or {})

    def price(self, provider: str, cost: Units) -> Units:
        return convert(cost, self._rates.get(provider, Decimal(1)), up=True)
