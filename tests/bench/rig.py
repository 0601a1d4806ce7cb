"""The program's own polling and delivery over real adapters, with simulators behind HTTP on loopback."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.config.provider import ProviderConfig
from bot.providers.build import Builder
from bot.providers.registry import Registry
from bot.scheduler import Scheduler
from bot.services.background import Background
from bot.services.clock import Clock
from bot.services.delivery import Delivery, Letter, Sender
from bot.services.inbox import Inbox
from bot.services.numbers import Numbers
from bot.services.returns import Returns
from bot.services.rhythm import Sweep, Timing
from bot.services.watch import Watch
from storage.db import Database
from storage.outbox import Owed
from tests.simulators.sims import HandlerApiSim, Sim
from tests.support.suppliers import Site


@dataclass
class Letters:
    """The messenger: when it was handed each SMS, by its text."""

    clock: Clock
    at: dict[str, int] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def turn(self, _owed: Owed) -> AsyncIterator[Sender]:
        yield self.send

    async def send(self, letter: Letter) -> int | None:
        if letter.sms is not None:
            self.at.setdefault(letter.sms.text, self.clock())
        return 1


@dataclass
class Door:
    """In front of a simulator: hangs when it is told to."""

    app: ASGIApp
    hangs: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.hangs:
            await self.app(scope, receive, send)
            return
        while (await receive())["type"] != "http.disconnect":
            pass


def config_of(site: Site, sim: Sim) -> ProviderConfig:
    """As an operator would write it, so that the adapter keeps the supplier's own pace."""
    family = isinstance(sim, HandlerApiSim)
    path = "/sandbox" if sim.name == "sandbox" else ""
    return ProviderConfig(
        kind="handler_api" if family else sim.name,
        url=f"{site.url}/{sim.name}{path}",
        api_key=SecretStr(sim.key) if sim.key else None,
        dialect=sim.name if family else None,
        timeout_s=10.0,
    )


class Rig:
    """Numbers are there already: what is measured is how their codes are found and passed on."""

    def __init__(self, db: Database, registry: Registry, clock: Clock, timing: Timing | None = None) -> None:
        self.db, self.registry = db, registry
        timing = timing or Timing()
        self.background, self.scheduler = Background(), Scheduler()
        wake = self.scheduler.wake
        self.letters = Letters(clock)
        inbox = Inbox(db, clock, registry, wake, {})
        numbers = Numbers(db, clock, timing, registry, inbox, wake)
        self.watch = Watch(db, clock, timing, registry, inbox, self.background, wake)
        self.delivery = Delivery(db, clock, timing, numbers, self.letters, Returns(db, clock), wake)

    async def poll(self) -> None:
        """One sweep to its end."""
        await self.watch.poll()
        await self.background.drain(300)

    def start(self) -> None:
        self.scheduler.add(Sweep.POLL, self.watch.poll)
        self.scheduler.add(Sweep.DELIVER, self.delivery.sweep)
        self.scheduler.start()

    async def stop(self) -> None:
        await self.scheduler.stop(1)
        await self.background.drain(0.1)
        await self.delivery.drain(1)


@contextlib.asynccontextmanager
async def a_rig(path: Path, site: Site, sims: Mapping[str, Sim], clock: Clock) -> AsyncIterator[Rig]:
    registry = Builder(clock).build({name: config_of(site, sim) for name, sim in sims.items()})
    async with await Database.open(path) as db:
        rig = Rig(db, registry, clock)
        try:
            yield rig
        finally:
            await rig.stop()
            await registry.aclose()
