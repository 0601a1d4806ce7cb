"""The rest simulator's side of the provider contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from bot.domain.sms import IncomingSms
from bot.domain.time import Ms
from bot.providers.base import WebhookRequest
from bot.providers.http import ProviderHttp
from bot.providers.rest.adapter import RestProvider
from bot.providers.sandbox.world import SandboxWorld
from tests.providers.sandbox_driver import ManualClock
from tests.simulators.rest import API_KEY, WEBHOOK_SECRET, RestSimulator

URL = "http://rest.test"


class RestDriver:
    def __init__(
        self, simulator: RestSimulator, http: ProviderHttp, url: str, clock: ManualClock, *, api_key: str = API_KEY
    ) -> None:
        self.simulator = simulator
        self.http = http
        self._clock = clock
        self.provider = RestProvider(
            "rest", http, url=url, api_key=api_key, signing_secrets=(WEBHOOK_SECRET,), clock=clock
        )

    def now(self) -> Ms:
        return self._clock.now

    def advance(self, ms: Ms) -> None:
        self._clock.now += ms

    def text(self, phone: str, sender: str, text: str) -> None:
        assert self.simulator.world.receive(phone, sender, text) is not None

    def set_mode(self, mode: str) -> None:
        self.simulator.down = mode == "down"
        self.simulator.world.mode = "normal" if mode == "down" else mode

    def next_call(self, verb: str, fault: str) -> None:
        if fault == "price_risen":
            self.simulator.world.faults.add(verb, fault)
        else:
            self.simulator.fault(verb, fault)

    def charged(self, ref: str) -> list[bool]:
        return [row["charged"] for row in self.simulator.world.record() if row["ref"] == ref]

    def webhook(self, sms: IncomingSms) -> WebhookRequest:
        return self.simulator.webhook(sms)


@asynccontextmanager
async def a_rest(*, token_s: int = 3600, api_key: str = API_KEY) -> AsyncIterator[RestDriver]:
    """A simulator of its own with an adapter in front of it, in this process: the contract's tests go over HTTP."""
    clock = ManualClock()
    simulator = RestSimulator(clock, SandboxWorld(clock=clock), token_s=token_s)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(simulator.app)) as client:
        yield RestDriver(simulator, ProviderHttp(client, timeout_s=5.0, max_in_flight=8), URL, clock, api_key=api_key)
    await simulator.world.aclose()
