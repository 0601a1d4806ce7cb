"""What handlers are given: the services, the words, and what the installation says of itself."""

from dataclasses import dataclass

from bot.domain.catalogue import LiveCatalogue
from bot.domain.money import Units
from bot.services.access import Access
from bot.services.again import Again
from bot.services.background import Background
from bot.services.catalogue import Offers
from bot.services.clock import Clock
from bot.services.corrections import Corrections
from bot.services.keys import Keys
from bot.services.numbers import Numbers
from bot.services.purchases import Purchases
from bot.services.renewals import Renewals
from bot.services.returns import Returns
from bot.services.search import Search
from bot.services.supply import Supply
from bot.services.wallet import Wallet
from bot.services.webhooks import Webhooks
from bot.texts import Texts, Words


@dataclass(frozen=True, slots=True)
class House:
    """Facts of the installation that texts depend on."""

    currency: str
    prepaid: bool
    topup_text: str
    many_providers: bool = False
    """Where there is a choice, a number says whose it is."""
    api_url: str = ""
    """Where programs are served, without /api; empty: they are not."""

    def money(self, t: Words, units: Units) -> str:
        return t.money(units, self.currency)


@dataclass(frozen=True, slots=True)
class Deps:
    clock: Clock
    background: Background
    access: Access
    catalogue: LiveCatalogue
    offers: Offers
    search: Search
    purchases: Purchases
    numbers: Numbers
    renewals: Renewals
    again: Again
    corrections: Corrections
    wallet: Wallet
    returns: Returns
    supply: Supply
    texts: Texts
    house: House
    keys: Keys | None = None
    """None where programs are not served."""
    webhooks: Webhooks | None = None
    """As `keys`."""
