"""The handler_api simulators' side of the provider contract."""

import itertools
from collections.abc import Sequence

from bot.domain.numbers import Kind, Offer
from bot.domain.sms import IncomingSms
from bot.domain.time import Ms
from bot.providers.base import AllocateOutcome, WebhookRequest
from bot.providers.handler_api.adapter import HandlerApi
from bot.providers.handler_api.dialects import SmsSource
from bot.providers.http import ProviderHttp
from tests.providers.sandbox_driver import ManualClock
from tests.simulators.engine import Supplier
from tests.simulators.handler_api import DIALECTS, KEY, Plain

ACTIONS = {
    "stock": ("getPrices",),
    "balance": ("getBalance",),
    "fetch": ("getActiveActivations", "getStatus"),
    "another_code": ("setStatus:3",),
    "finish": ("setStatus:6",),
    "cancel": ("setStatus:8",),
    "renew": ("continueRentNumber", "prolong"),
    "allocate": ("getNumber", "getNumberV2"),
    "again": ("getExtraActivation",),
}


class NotedApi(HandlerApi):
    """Tells the simulator under which reference it buys: the protocol does not."""

    supplier: Supplier

    async def allocate(self, offer: Offer, ref: str, *, except_prefixes: Sequence[str] = ()) -> AllocateOutcome:
        self.supplier.buying = ref
        return await super().allocate(offer, ref, except_prefixes=except_prefixes)

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        self.supplier.buying = ref
        return await super().again(offer, ref)


class HandlerApiDriver:
    """`by_batch`: even a single number is read from the list. `whole_codes`: a code is the whole SMS."""

    def __init__(
        self,
        dialect: str,
        http: ProviderHttp,
        url: str,
        *,
        by_batch: bool = False,
        whole_codes: bool = True,
        key: str = KEY,
    ) -> None:
        self.clock = ManualClock(1_700_000_000_000)
        self.supplier = Supplier(self.clock)
        self.simulator: Plain = DIALECTS[dialect](self.supplier)
        self.http = http
        self.url = url
        self.key = key
        self._lost = itertools.cycle(("reset", "cut"))
        self.provider = self.restarted()
        self.by_batch(by_batch)
        if whole_codes and self.provider.dialect.sms is SmsSource.CODES:
            self.supplier.extract = lambda text: text

    def restarted(self) -> NotedApi:
        """An adapter that has forgotten everything."""
        name = self.simulator.name
        self.provider = NotedApi(name, self.http, site=self.url, api_key=self.key, dialect=name, clock=self.clock)
        self.provider.supplier = self.supplier
        return self.provider

    def by_batch(self, on: bool) -> None:
        self.provider.states.list_from = 1 if on else 4

    def now(self) -> Ms:
        return self.clock.now

    def advance(self, ms: Ms) -> None:
        self.clock.now += ms

    def text(self, phone: str, sender: str, text: str) -> None:
        self.supplier.receive(phone, sender, text)

    def set_mode(self, mode: str) -> None:
        self.supplier.mode = mode

    def next_call(self, verb: str, fault: str) -> None:
        if fault == "price_risen":
            self.supplier.risen += 1
            return
        kind = next(self._lost) if fault == "lost_answer" else fault
        for queue in self.supplier.faults.values():
            queue.clear()
        for action in ACTIONS[verb]:
            self.supplier.faults[action].append(kind)

    def charged(self, ref: str) -> list[bool]:
        return self.supplier.charged(ref)

    def webhook(self, sms: IncomingSms) -> WebhookRequest:
        body = (
            f'{{"activationId":{sms.provider_ref.removeprefix("r:")},"service":"wa","text":"{sms.text}","code":"9999"}}'
        )
        return WebhookRequest({}, body.encode())


def an_offer_of(driver: HandlerApiDriver, country: str = "ID", **changes: object) -> Offer:
    number = {"ID": "6", "US": "187", "DE": "43", "TR": "62", "GB": "16"}[country]
    cost = driver.supplier.cost(number)
    fields: dict[str, object] = {
        "provider": driver.simulator.name,
        "service": "wa",
        "country": country,
        "kind": Kind.ACTIVATION,
        "cost": cost,
        "price": cost,
        "stock": 1,
    }
    return Offer(**(fields | changes))  # type: ignore[arg-type]
