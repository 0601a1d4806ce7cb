"""From providers' settings to their adapters: the one place that knows which KIND is which class."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from bot.clients import ClientSettings, make_client, proxy_for
from bot.config import ProviderConfig
from bot.domain.time import SECOND, Ms
from bot.providers.base import Provider
from bot.providers.breaker import Breaker
from bot.providers.http import ProviderHttp
from bot.providers.registry import Registry
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.backend import Backend, HttpBackend
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld

LONE_SANDBOX = SandboxSettings(
    cancel_from_ms=10 * SECOND,
    latency_s=(0.1, 0.3),
    auto_sms_after_ms=(5 * SECOND, 15 * SECOND),
    keep_closed=1000,
)
"""Inside a real bot nobody sits at the panel, so SMS come by themselves."""

Hook = Callable[[str], None]
Closers: TypeAlias = list[Callable[[], Awaitable[None]]]

_FIVESIM_INTERVAL_S = 0.05
_PRICE_LIST_BYTES = 20_000_000
"""200 countries by 800 services are 9 MB."""


@dataclass(slots=True)
class Builder:
    """`world` is a sandbox whose panel somebody else holds; `hook` is called before and after each request."""

    clock: Callable[[], Ms]
    world: SandboxWorld | None = None
    hook: Hook | None = None

    def build(self, configs: Mapping[str, ProviderConfig]) -> Registry:
        closers: Closers = []
        make = {"handler_api": self._handler_api, "fivesim": self._fivesim, "rest": self._rest}
        providers = {
            name: Breaker(make.get(config.kind, self._sandbox)(name, config, closers), self.clock)
            for name, config in configs.items()
        }
        return Registry(providers, closers)

    def _handler_api(self, name: str, config: ProviderConfig, closers: Closers) -> Provider:
        from bot.providers.handler_api.adapter import HandlerApi
        from bot.providers.handler_api.dialects import DIALECTS

        dialect = DIALECTS[config.dialect or "generic"]
        http = self._http(config, closers, min_interval_s=dialect.min_interval_s, most_bytes=_PRICE_LIST_BYTES)
        return HandlerApi(
            name, http, site=config.url or "", api_key=_key(config), dialect=dialect.name, clock=self.clock
        )

    def _fivesim(self, name: str, config: ProviderConfig, closers: Closers) -> Provider:
        from bot.providers.fivesim.adapter import FiveSim
        from bot.providers.fivesim.api import BASE

        config = config.model_copy(update={"url": config.url or BASE})
        http = self._http(config, closers, min_interval_s=_FIVESIM_INTERVAL_S, most_bytes=_PRICE_LIST_BYTES)
        return FiveSim(name, http, url=config.url or BASE, api_key=_key(config), clock=self.clock)

    def _rest(self, name: str, config: ProviderConfig, closers: Closers) -> Provider:
        from bot.providers.rest.adapter import RestProvider

        http = self._http(config, closers)
        return RestProvider(
            name,
            http,
            url=config.url or "",
            api_key=_key(config),
            signing_secrets=config.signing_secrets,
            clock=self.clock,
        )

    def _http(
        self,
        config: ProviderConfig,
        closers: Closers,
        *,
        min_interval_s: float = 0.0,
        most_bytes: int = 8_000_000,
    ) -> ProviderHttp:
        client = self._client(config)
        closers.append(client.aclose)
        return ProviderHttp(
            client,
            timeout_s=config.timeout_s,
            max_in_flight=config.max_in_flight,
            min_interval_s=min_interval_s,
            most_bytes=most_bytes,
        )

    def _sandbox(self, name: str, config: ProviderConfig, closers: Closers) -> Provider:
        return SandboxProvider(
            name,
            self._backend(config, closers),
            signing_secrets=config.signing_secrets,
            timeout_s=config.timeout_s,
            clock=self.clock,
        )

    def _backend(self, config: ProviderConfig, closers: Closers) -> Backend:
        if config.url is not None:
            client = self._client(config)
            closers.append(client.aclose)
            return HttpBackend(config.url, client)
        if self.world is not None:
            return self.world.call
        world = SandboxWorld(clock=self.clock, settings=LONE_SANDBOX)
        closers.append(world.aclose)
        return world.call

    def _client(self, config: ProviderConfig) -> httpx.AsyncClient:
        proxy = proxy_for(config.url or "")
        settings = ClientSettings(max_connections=config.max_in_flight, read_timeout_s=config.timeout_s, proxy=proxy)
        client = make_client(settings)
        if self.hook is not None:
            client.event_hooks = {"request": [self._before], "response": [self._after]}
        return client

    async def _before(self, request: httpx.Request) -> None:
        if self.hook is not None:
            self.hook(f"before {request.url.path}")

    async def _after(self, response: httpx.Response) -> None:
        if self.hook is not None:
            self.hook(f"after {response.request.url.path}")


def _key(config: ProviderConfig) -> str:
    return config.api_key.get_secret_value() if config.api_key else ""
