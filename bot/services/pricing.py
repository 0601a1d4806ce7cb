"""From a provider's cost to our price."""

from collections.abc import Mapping
from decimal import Decimal

from bot.domain.money import Units, convert


class Pricing:
    """Cost, by the rate of its currency, and the mark-up on top; rounded up once, so that none is sold at a loss.

    `rates`: what one unit of each provider's currency costs in ours. `markup_percent` is added for every provider.
    """

    def __init__(self, rates: Mapping[str, Decimal] | None = None, markup_percent: Decimal = Decimal(0)) -> None:
        self._rates = dict(rates or {})
        self._factor = 1 + markup_percent / 100

    def price(self, provider: str, cost: Units) -> Units:
        return convert(cost, self._rates.get(provider, Decimal(1)) * self._factor, up=True)
