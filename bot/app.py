"""The program put together: the only place that knows concrete classes, and the order of start and stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from bot.clients import ClientSettings, proxy_for, surely_not_sent, telegram_httpx_kwargs
from bot.config import Config
from bot.demo.stage import Stage
from bot.domain.catalogue import Catalogue, LiveCatalogue
from bot.providers.build import Builder
from bot.scheduler import INTERVALS_S, Scheduler
from bot.services.access import Access, Door
from bot.services.admins import Admins
from bot.services.again import Again
from bot.services.background import Background
from bot.services.backups import BackupPlan, Backups
from bot.services.catalogue import Offers
from bot.services.clock import Clock, SteadyClock
from bot.services.delivery import Delivery
from bot.services.health import Health
from bot.services.hopeless import Hopeless
from bot.services.housekeeping import Housekeeping
from bot.services.inbox import Hook, Inbox
from bot.services.numbers import Numbers
from bot.services.pricing import Pricing
from bot.services.purchases import Purchases, Terms
from bot.services.reconcile import Reconcile
from bot.services.refresh import Refresh
from bot.services.renewals import Renewals
from bot.services.returns import Returns
from bot.services.rhythm import Sweep, Timing
from bot.services.search import Search
from bot.services.shelf import Shelf
from bot.services.supply import Facts, Supply
from bot.services.tally import Tally
from bot.services.timekeeper import Timekeeper
from bot.services.wallet import Wallet
from bot.services.watch import Watch
from bot.texts import Texts
from bot.web.routes import TELEGRAM_PATH, TelegramHook, create_app
from bot.web.server import HttpServer
from handlers import commands
from handlers.deps import Deps, House
from handlers.face import build_face
from handlers.line import Line, LineSettings
from handlers.messenger import TelegramMessenger
from storage.connection import LOCK_WAIT_S
from storage.db import Database

log = logging.getLogger(__name__)

DRAIN_S = 6.0
"""Of the ten seconds that a stop may take; open HTTP requests get up to three more."""


@dataclass(frozen=True, slots=True)
class Rig:
    """What tests set otherwise: shorter spans, their own clock, and a hook at every commit and request."""

    timing: Timing = field(default_factory=Timing)
    intervals_s: Mapping[Sweep, float] = field(default_factory=lambda: INTERVALS_S)
    clock: Clock = field(default_factory=SteadyClock)
    hook: Callable[[str], None] | None = None
    synchronous: str = "FULL"
    lock_wait_s: float = LOCK_WAIT_S


class App:
    """Built by `open`; started and stopped once."""

    def __init__(self, config: Config, rig: Rig, db: Database, http: HttpServer, stage: Stage | None) -> None:
        self.config = config
        self._rig = rig
        self._db = db
        self._http = http
        self._stage = stage
        self._scheduler = Scheduler(rig.intervals_s)
        self._background = Background()
        self._errands = Background()  # what a stop need not wait for
        world = stage.sandbox if stage is not None else None
        self._registry = Builder(rig.clock, world, rig.hook).build(config.providers)
        self._line = Line(self._line_settings())
        self._texts = Texts.load()
        self._delivery: Delivery | None = None
        self._wire()

    @classmethod
    async def open(cls, config: Config, http: HttpServer, stage: Stage | None = None, rig: Rig | None = None) -> Self:
        """Open the database and put everything together. Raises DatabaseUnusable."""
        rig = rig or Rig()
        db = await Database.open(
            config.database_path, synchronous=rig.synchronous, lock_wait_s=rig.lock_wait_s, hook=rig.hook
        )
        try:
            return cls(config, rig, db, http, stage)
        except BaseException:
            await db.close()
            raise

    def _line_settings(self) -> LineSettings:
        config = self.config
        token = config.bot_token.get_secret_value() if config.bot_token else ""
        webhook = f"{config.public_url}{TELEGRAM_PATH}" if config.telegram_mode == "webhook" else None
        client = ClientSettings(max_connections=32, proxy=proxy_for(config.telegram_api_url))
        return LineSettings(
            token=token,
            api_url=config.telegram_api_url.rstrip("/"),
            rate=config.telegram_rate,
            webhook_url=webhook,
            client=lambda: telegram_httpx_kwargs(client),
            clock=self._rig.clock,
            hook=self._rig.hook,
        )

    def _wire(self) -> None:
        db, clock, timing, registry = self._db, self._rig.clock, self._rig.timing, self._registry
        wake = self._scheduler.wake
        rates = {name: provider.rate for name, provider in self.config.providers.items()}
        pricing = Pricing(rates, self.config.markup_percent)
        terms = Terms(self.config.billing == "prepaid", self.config.limits)
        self.access = Access(db, clock, timing, self._door())
        self.wallet = Wallet(db, clock)
        self._returns = Returns(db, clock)
        self.tally = Tally(db.read, clock)
        self.catalogue, self._shelf = LiveCatalogue(Catalogue.shipped()), Shelf(clock)
        self._refresh = Refresh(clock, registry, self._shelf, self.catalogue, self._errands)
        self.offers = Offers(registry, self.catalogue, pricing, self._shelf, self.tally)
        self.purchases = Purchases(db, clock, timing, registry, self.offers, terms, wake)
        hooks = {
            name: Hook(provider.webhook_secret.get_secret_value(), provider.webhook_from)
            for name, provider in self.config.providers.items()
            if provider.webhook_secret is not None
        }
        self.inbox = Inbox(db, clock, registry, wake, hooks)
        self.numbers = Numbers(db, clock, timing, registry, self.inbox, wake)
        self.renewals = Renewals(db, clock, timing, registry, pricing, terms, self.numbers, wake)
        self.again = Again(registry, pricing, self.numbers, self.purchases)
        self._watch = Watch(db, clock, timing, registry, self.inbox, self._background, wake)
        admins = Admins(self.config.admin_ids)
        hopeless = Hopeless(db, clock, timing, admins, wake)
        self._reconcile = Reconcile(
            db, clock, timing, registry, self.inbox, self.purchases, self.renewals, hopeless, self._background, wake
        )
        facts = {name: Facts.of(provider, self.config.currency) for name, provider in self.config.providers.items()}
        self.supply = Supply(db, clock, timing, registry, facts, self.tally, admins, self._background, wake)
        self._timekeeper = Timekeeper(db, clock, timing)
        days = self.config.sms_retention_days
        self._housekeeping = Housekeeping(db, clock, timing, days, lambda: self._timekeeper.is_believed)
        plan = BackupPlan(self.config.database_path, self.config.backup_path, self.config.backup_keep)
        self._backups = Backups(db, clock, plan, admins, self._errands, wake)
        self.health = Health(db, clock, registry, self._line.last_ok_at)

    def _door(self) -> Door:
        config = self.config
        welcome = config.demo_balance if self._stage is not None else 0
        return Door(open_to_all=config.access == "open", admin_ids=config.admin_ids, welcome=welcome)

    async def start(self) -> None:
        """HTTP, Telegram, sweeps. Raises handlers.line.TokenRefused."""
        await self._timekeeper.after_start()
        await self._reconcile.after_start()
        stage, http = self._stage, self._http
        extend = None if stage is None else lambda app: stage.mount(app, http.port)
        face = create_app(self.health, self.inbox, self._telegram_hook(), extend)
        await http.start(face, self.config.trusted_proxies)
        await self._line.connect()
        self._face()
        await self._line.start()
        self._scheduler.start()
        house_prepaid = self.config.billing == "prepaid"
        publish = commands.publish(self._line.bot, self._texts, prepaid=house_prepaid)
        self._background.spawn(publish, "commands")

    def _telegram_hook(self) -> TelegramHook | None:
        if self.config.telegram_mode != "webhook":
            return None
        return TelegramHook(self._line.webhook_secret, self._line.take)

    def _face(self) -> None:
        """The handlers and the sweeps; the bot's name is known by now."""
        texts, catalogue = self._texts, self.catalogue
        house = House(
            self.config.currency,
            self.config.billing == "prepaid",
            self.config.topup_text,
            many_providers=len(self._registry) > 1,
        )
        search = Search(catalogue, lambda iso2: [texts.of(one).country(iso2) for one in texts.languages])
        deps = Deps(
            clock=self._rig.clock,
            background=self._background,
            access=self.access,
            catalogue=catalogue,
            offers=self.offers,
            search=search,
            purchases=self.purchases,
            numbers=self.numbers,
            renewals=self.renewals,
            again=self.again,
            wallet=self.wallet,
            returns=self._returns,
            supply=self.supply,
            texts=texts,
            house=house,
        )
        face = build_face(deps, self._line.bot.username)
        face.router.register(self._line.app)
        messenger = TelegramMessenger(
            self._line.bot,
            self._line.pace,
            texts,
            face.number_views,
            face.supply_views,
            self._rig.clock,
            surely_not_sent,
        )
        delivery = Delivery(
            self._db,
            self._rig.clock,
            self._rig.timing,
            self.numbers,
            messenger,
            self._returns,
            self._scheduler.wake,
        )
        self._delivery = delivery
        self._add_sweeps(delivery)

    def _add_sweeps(self, delivery: Delivery) -> None:
        self._scheduler.add(Sweep.CLOCK, self._timekeeper.sweep)
        self._scheduler.add(Sweep.DELIVER, delivery.sweep)
        self._scheduler.add(Sweep.POLL, self._watch.poll)
        self._scheduler.add(Sweep.EXPIRE, self._watch.expire)
        self._scheduler.add(Sweep.RECONCILE, self._reconcile.sweep)
        self._scheduler.add(Sweep.PROVIDERS, self.supply.sweep)
        self._scheduler.add(Sweep.PRUNE, self._housekeeping.prune)
        self._scheduler.add(Sweep.TALLY, self.tally.sweep)
        self._scheduler.add(Sweep.CATALOGUE, self._refresh.sweep)
        self._scheduler.add(Sweep.STORAGE, self._housekeeping.probe)
        self._scheduler.add(Sweep.BACKUP, self._backups.sweep)

    async def owner_link(self) -> str | None:
        """The one-use link for whoever shall own the bot; None when it has an owner or admins."""
        token = await self.access.owner_token()
        return f"https://t.me/{self._line.bot.username}?start={token}" if token else None

    @property
    def bot_username(self) -> str:
        return str(self._line.bot.username)

    async def stop(self) -> None:
        """Take no more in, let what runs end, and close everything, whatever fails on the way.

        All that runs shares DRAIN_S; what does not end by then, a sweep finishes after the next start.
        """
        deadline = asyncio.get_running_loop().time() + DRAIN_S

        def left_s() -> float:
            return max(0.1, deadline - asyncio.get_running_loop().time())

        await self._safely("intake", self._line.stop_intake())
        await self._safely("sweeps", self._scheduler.stop(left_s()))
        await self._safely("errands", self._errands.drain(0))
        await self._safely("work", self._background.drain(left_s()))
        if self._delivery is not None:
            await self._safely("delivery", self._delivery.stop(left_s()))
        await self._safely("telegram", self._line.stop(left_s()))
        await self._safely("late work", self._background.drain(left_s()))  # what the last presses started
        if self._stage is not None:
            self._stage.end_streams()
        await self._safely("http", self._http.stop())
        await self._safely("providers", self._registry.aclose())
        await self._safely("database", self._db.close())
        if self._stage is not None:
            await self._safely("demo", self._stage.aclose())

    async def _safely(self, what: str, work: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(DRAIN_S + 2):
                await work
        except Exception:  # the rest must be closed all the same
            log.exception("%s did not stop cleanly", what)
