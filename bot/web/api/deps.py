"""What the API's routes are given."""

from dataclasses import dataclass

from bot.domain.catalogue import LiveCatalogue
from bot.services.again import Again
from bot.services.allowance import Allowance
from bot.services.bell import Bells
from bot.services.board import Board
from bot.services.bought import Bought
from bot.services.catalogue import Offers
from bot.services.clock import Clock
from bot.services.feed import Feed
from bot.services.handling import Handling
from bot.services.keys import Keys
from bot.services.listing import Listing
from bot.services.names import Names
from bot.services.numbers import Numbers
from bot.services.orders import Orders
from bot.services.wallet import Wallet
from bot.services.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class ApiDeps:
    clock: Clock
    keys: Keys
    allowance: Allowance
    names: Names
    catalogue: LiveCatalogue
    board: Board
    orders: Orders
    handling: Handling
    listing: Listing
    wallet: Wallet
    offers: Offers
    numbers: Numbers
    bought: Bought
    again: Again
    feed: Feed
    webhooks: Webhooks
    bells: Bells
    currency: str
