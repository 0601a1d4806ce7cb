"""The 5sim simulator's side of the provider contract."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from bot.domain.catalogue import ANY_SERVICE
from bot.domain.numbers import Kind, Offer
from bot.domain.sms import IncomingSms
from bot.domain.time import Ms
from bot.providers.base import AllocateOutcome, Stock, WebhookRequest
from bot.providers.fivesim.adapter import FiveSim
from bot.providers.http import ProviderHttp
from tests.providers.sandbox_driver import ManualClock
from tests.simulators.fivesim import API_KEY, FiveSimSimulator

URL = "http://fivesim.test"


class Noted(FiveSim):
    """Notes which orders each purchase made, since the protocol carries no reference of ours."""

    def __init__(self, simulator: FiveSimSimulator, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.simulator = simulator
        self.made: dict[str, list[int]] = {}

    async def stock(self, kind: Kind, service: str | None = None) -> Sequence[Stock]:
        """The contract rents for WhatsApp; here the one thing to rent is a number that takes every SMS."""
        return await super().stock(kind, ANY_SERVICE if kind is Kind.RENTAL else service)

    async def allocate(self, offer: Offer, ref: str) -> AllocateOutcome:
        return await self._noted(super().allocate(offer, ref), ref)

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        return await self._noted(super().again(offer, ref), ref)

    async def _noted(self, buying: Awaitable[AllocateOutcome], ref: str) -> AllocateOutcome:
        before = set(self.simulator.orders)
        try:
            return await buying
        finally:
            self.made.setdefault(ref, []).extend(sorted(set(self.simulator.orders) - before))


class FiveSimDriver:
    def __init__(self, simulator: FiveSimSimulator, http: ProviderHttp, url: str, clock: ManualClock) -> None:
        self.simulator = simulator
        self._clock = clock
        self.provider = Noted(simulator, "fivesim", http, url=f"{url}/v1", api_key=API_KEY, clock=clock)

    def now(self) -> Ms:
        return self._clock.now

    def advance(self, ms: Ms) -> None:
        self._clock.now += ms

    def text(self, phone: str, sender: str, text: str) -> None:
        assert self.simulator.receive(phone, sender, text)

    def set_mode(self, mode: str) -> None:
        self.simulator.down = mode == "down"
        self.simulator.empty = mode == "empty"

    def next_call(self, verb: str, fault: str) -> None:
        self.simulator.fault(verb, fault)

    def charged(self, ref: str) -> list[bool]:
        return [self.simulator.orders[order_id].charged for order_id in self.provider.made.get(ref, [])]

    def webhook(self, sms: IncomingSms) -> WebhookRequest:
        raise AssertionError("5sim sends none")


@asynccontextmanager
async def a_fivesim() -> AsyncIterator[FiveSimDriver]:
    """A simulator of its own with an adapter in front of it, in this process: the contract's tests go over HTTP."""
    clock = ManualClock()
    simulator = FiveSimSimulator(clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(simulator.app)) as client:
        yield FiveSimDriver(simulator, ProviderHttp(client, timeout_s=5.0, max_in_flight=8), URL, clock)
