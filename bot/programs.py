"""What programs are served by, put together where API=on."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.config import Config
from bot.domain.catalogue import LiveCatalogue
from bot.egress import Egress
from bot.services.allowance import Allowance
from bot.services.background import Background
from bot.services.bell import Bells
from bot.services.board import Board
from bot.services.bought import Bought
from bot.services.clock import Clock
from bot.services.courier import Courier
from bot.services.feed import Feed
from bot.services.foresight import Foresight
from bot.services.handling import Handling
from bot.services.keys import Keys
from bot.services.listing import Listing
from bot.services.names import Names
from bot.services.orders import Orders, Shops
from bot.services.rhythm import Wake
from bot.services.wallet import Wallet
from bot.services.webhooks import Webhooks
from bot.texts import Texts
from bot.web.api.deps import ApiDeps
from storage.db import Database

LONGEST_FAREWELL_S = 2.0


def served_at(config: Config, port: int) -> str:
    """The address that people's programs are told."""
    host = f"[{config.http_host}]" if ":" in config.http_host else config.http_host
    return config.public_url or f"http://{host}:{port}"


def build(
    config: Config,
    db: Database,
    clock: Clock,
    background: Background,
    shops: Shops,
    catalogue: LiveCatalogue,
    texts: Texts,
    post: "Post",
) -> ApiDeps:
    english = texts.of("en")
    bells, currency = Bells(db.read), config.currency
    return ApiDeps(
        clock=clock,
        keys=Keys(db, clock, background),
        allowance=Allowance(config.api_rate),
        names=Names(catalogue, lambda iso2: (english.country(iso2),)),
        catalogue=catalogue,
        board=Board(shops.offers, catalogue, clock),
        orders=Orders(db, clock, shops, background),
        handling=Handling(clock, shops.numbers, bells),
        listing=Listing(db.read, clock, shops.numbers, catalogue, currency),
        wallet=Wallet(db, clock),
        offers=shops.offers,
        numbers=shops.numbers,
        bought=Bought(db, shops.numbers),
        again=shops.again,
        feed=post.feed,
        webhooks=post.webhooks,
        bells=bells,
        currency=currency,
    )


@dataclass(frozen=True, slots=True)
class Post:
    """Events on their way to people's addresses."""

    feed: Feed
    webhooks: Webhooks
    courier: Courier
    foresight: Foresight
    egress: Egress

    @classmethod
    def of(
        cls,
        config: Config,
        db: Database,
        clock: Clock,
        shops: Shops,
        catalogue: LiveCatalogue,
        wake: Wake,
        hook: Callable[[str], None] | None,
    ) -> "Post":
        feed = Feed(db.read, shops.numbers, catalogue, config.currency)
        egress = Egress(config.webhook_allow, hook=hook)
        webhooks = Webhooks(db, clock, egress, wake)
        return cls(feed, webhooks, Courier(db, clock, feed, egress, wake), Foresight(db, clock, wake), egress)

    async def stop(self, timeout_s: float) -> None:
        """Receivers know an event that comes again, so that slow ones do not hold up the end for long."""
        await self.courier.drain(min(timeout_s, LONGEST_FAREWELL_S))
        await self.egress.aclose()
