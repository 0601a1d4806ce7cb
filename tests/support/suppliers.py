"""Every kind of supplier behind its own protocol over HTTP, with the real adapter in front of it.

`Site` is the one server of a test module; whichever supplier was made last with its name answers under that name.
`at_work` are the services between.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from starlette.types import Receive, Scope, Send

from bot.clients import ClientSettings, make_client
from bot.domain.catalogue import ANY_SERVICE
from bot.providers.base import Provider
from bot.providers.breaker import Breaker
from bot.providers.fivesim.adapter import FiveSim
from bot.providers.handler_api.adapter import HandlerApi
from bot.providers.http import ProviderHttp
from bot.providers.registry import Registry
from bot.providers.rest.adapter import RestProvider
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.backend import HttpBackend
from tests.providers.serving import serving
from tests.simulators.sims import SIMS, Clock, FiveSimSim, HandlerApiSim, RestSim, Sim
from tests.support.services import ManualClock, Services, keep_services

RENTALS = {
    "sms-activate": ("wa", "ID"),
    "hero": ("wa", "GB"),
    "fivesim": (ANY_SERVICE, "GB"),
    "rest": ("wa", "GB"),
    "sandbox": ("wa", "GB"),
}
"""What each supplier that rents at all has for a day."""


def adapter(sim: Sim, url: str, client: httpx.AsyncClient, timeout_s: float = 5.0) -> Provider:
    """The program's side of the supplier, which remembers nothing; not paced, so that tests need not wait for it."""
    http = ProviderHttp(client, timeout_s=timeout_s, max_in_flight=8)
    if isinstance(sim, HandlerApiSim):
        return HandlerApi(sim.name, http, site=url, api_key=sim.key, dialect=sim.name, clock=sim.clock)
    if isinstance(sim, FiveSimSim):
        return FiveSim(sim.name, http, url=url, api_key=sim.key, clock=sim.clock)
    if isinstance(sim, RestSim):
        return RestProvider(sim.name, http, url=url, api_key=sim.key, clock=sim.clock)
    return SandboxProvider(sim.name, HttpBackend(f"{url}/sandbox", client), timeout_s=timeout_s, clock=sim.clock)


@dataclass
class Site:
    """One server and one client for many tests, in whose loop all of them run."""

    url: str
    client: httpx.AsyncClient
    sims: dict[str, Sim] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, name, *rest_of_path = scope["path"].split("/")
        inside = {**scope, "path": "/" + "/".join(rest_of_path), "root_path": ""}
        await self.sims[name].line(inside, receive, send)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def open(self, name: str, clock: Clock) -> Sim:
        """A new supplier of that name, with empty books."""
        self.sims[name] = SIMS[name](name, clock)
        return self.sims[name]

    def provider(
        self, sim: Sim, timeout_s: float = 5.0, *, by_way_of: str = "", client: httpx.AsyncClient | None = None
    ) -> Provider:
        """As the program has it: the adapter, guarded. `by_way_of` is the address of what stands before the site."""
        url = f"{by_way_of or self.url}/{sim.name}"
        return Breaker(adapter(sim, url, client or self.client, timeout_s), sim.clock)


@contextlib.asynccontextmanager
async def a_site() -> AsyncIterator[Site]:
    site = Site("", make_client(ClientSettings()))
    async with serving(site) as url, site.client:
        site.url = url
        yield site


@contextlib.asynccontextmanager
async def at_work(site: Site, sim: Sim, path: Path, timeout_s: float = 5.0) -> AsyncIterator[Services]:
    """The services from a start to an end, with that supplier as their only one; what they know stands in `path`."""
    assert isinstance(sim.clock, ManualClock)
    registry = Registry({sim.name: site.provider(sim, timeout_s)})
    async with keep_services(path / "services.db", registry, sim.clock) as services:
        await services.reconcile.after_start()
        yield services


def patience_s(fault: str) -> float:
    """How long an answer is waited for, so that a test which waits in vain takes no longer than it must."""
    return 0.2 if fault == "timeout" else 5.0
