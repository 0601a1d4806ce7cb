"""Three suppliers with ill will, and the services that text the phones they sell. Their record is the truth.

`alpha` speaks the sandbox's protocol and signs its webhooks, `beta` the documented API, `gamma` that of the
sms-activate family, with unsigned webhooks. Some SMS are told of by webhook, some twice, some in the wrong order, some
never: the poll has them.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

import httpx

from bot.domain.numbers import Kind
from bot.domain.sms import IncomingSms
from bot.providers.sandbox.book import Change
from bot.providers.sandbox.faults import Fault, FaultBook, parse_fault
from bot.providers.sandbox.notify import Notification
from bot.providers.sandbox.records import Record
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.signature import sign
from bot.services.clock import now_ms
from tests.chaos.world.plan import Plan, Tally
from tests.simulators.engine import Line, Sms, Supplier
from tests.simulators.handler_api import DIALECTS, Plain
from tests.simulators.rest import WEBHOOK_SECRET, RestSimulator

PATHS = {name: f"a-path-that-nobody-guesses-{name}" for name in ("alpha", "beta", "gamma")}
SIGNING = "whsec_Y2hhb3Mtd29ybGQtc2lnbmluZy1zZWNyZXQtMDEyMzQ1"
LEAST_TO_BE_FOUND, LEAST_IN_EARNEST = 30_000, 120_000
"""`gamma` lists open numbers only: a lost purchase can be found while it lasts, which is 20 minutes at real ones.

The program as it is waits up to 45 s for an answer; and before it adopts a number, for the answers to all purchases
that are under way.
"""


@dataclass(slots=True)
class Sent:
    """An SMS that somebody's service sent. `told`: a webhook about it was answered with success."""

    code: str
    phone: str
    supplier: str
    at: float
    open: bool
    """Its number was open at the supplier."""
    told: bool = False


@dataclass(frozen=True, slots=True)
class Sale:
    """What the supplier says of one number in the end."""

    supplier: str
    phone: str
    sold_at: float
    charged: bool
    cost: int
    open: bool
    codes: int


class Poster:
    """The webhooks of all suppliers: lost, doubled, delayed and garbled by lot."""

    def __init__(self, plan: Plan, tally: Tally, client: httpx.AsyncClient, base: str) -> None:
        self._chance = plan.chance("webhooks")
        self._rate = plan.faults
        self._tally = tally
        self._client = client
        self._base = base
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, supplier: str, body: bytes, headers: dict[str, str], sent: Sent | None) -> None:
        lot = self._chance.random()
        if lot < 0.3 * self._rate:
            self._tally.fault("webhook never sent")
            return
        copies = 1
        if lot < 0.5 * self._rate:
            self._tally.fault("webhook doubled")
            copies = 2
        for _ in range(copies):
            delay = self._chance.expovariate(3.0) if self._chance.random() < 0.3 else 0.0
            self._spawn(self._deliver(supplier, body, headers, sent, delay))
        if self._chance.random() < 0.05 * self._rate:
            self._tally.fault("webhook garbled")
            self._spawn(self._deliver(supplier, body[: len(body) // 2], headers, None, 0.0))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(
        self, supplier: str, body: bytes, headers: dict[str, str], sent: Sent | None, delay_s: float
    ) -> None:
        url = f"{self._base}/hooks/{supplier}/{PATHS[supplier]}"
        for attempt in range(6):
            await asyncio.sleep(delay_s if attempt == 0 else 0.3 * 2**attempt)
            try:
                answer = await self._client.post(url, content=body, headers=headers, timeout=5)
            except httpx.HTTPError:
                continue
            if answer.is_success:
                if sent is not None:
                    sent.told = True
                return
            if answer.status_code < 500:
                return

    async def aclose(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


Lots: TypeAlias = Mapping[str, tuple[tuple[str, float], ...]]
"""What may happen to a call of a verb, and how likely it is."""


class Ordered(FaultBook):
    """The sandbox's faults, by lot."""

    LOTS: ClassVar[Lots] = {
        "allocate": (("lost_answer", 0.02), ("garbage", 0.01), ("refuse:provider_fault", 0.01), ("delay:1.5", 0.01)),
        "cancel": (("lost_answer", 0.03), ("garbage", 0.01), ("refuse:provider_fault", 0.02)),
        "finish": (("lost_answer", 0.02), ("refuse:provider_fault", 0.02)),
        "another_code": (("lost_answer", 0.02), ("garbage", 0.01)),
        "renew": (("lost_answer", 0.05), ("garbage", 0.02)),
        "fetch": (("garbage", 0.02), ("lost_answer", 0.01), ("refuse:throttled", 0.005), ("delay:0.7", 0.02)),
        "find": (("garbage", 0.03), ("refuse:provider_fault", 0.03)),
        "stock": (("garbage", 0.005),),
    }
    REFUSALS = (("refuse:no_numbers", 0.02), ("price_risen", 0.01))

    def __init__(self, plan: Plan, tally: Tally, name: str) -> None:
        super().__init__()
        self._chance = plan.chance(f"faults of {name}")
        self._rate = plan.faults
        self._tally = tally
        self._name = name
        self._lots: Lots = self.LOTS

    def take(self, verb: str) -> Fault:
        kind = self.draw(verb)
        return parse_fault(kind) if kind else Fault()

    def only_refuse(self) -> None:
        """What fails is the line before it."""
        self._lots = {}

    def draw(self, verb: str) -> str:
        lots = self._lots.get(verb, ()) + (self.REFUSALS if verb == "allocate" else ())
        lot = self._chance.random()
        for kind, share in lots:
            lot -= share * self._rate
            if lot < 0:
                self._tally.fault(f"{self._name} {verb} {kind.partition(':')[0]}")
                return kind
        return ""

    def quiet(self) -> None:
        self._rate = 0.0


class Services:
    """Whatever texts the phones. Most numbers get a code, some two, some none, some before the buyer knows them."""

    def __init__(self, plan: Plan, tally: Tally) -> None:
        self._chance = plan.chance("services")
        self._lifetime_s = plan.lifetime_ms / 1000
        self._tally = tally
        self._codes = itertools.count(20_000_003, 13)
        self.sent: list[Sent] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def expect(self, text: Callable[[str], None], *, again: bool = False, two: bool = True) -> None:
        """A phone was sold, or waits for another code. `text` lets an SMS with that code arrive, or `two` at once."""
        lot = self._chance.random()
        delay = self._chance.uniform(0.05, 1.2)
        if not again and lot < 0.05:
            self._tally.deed("SMS before the sale's answer")
            delay = 0.0
        elif lot < 0.20 and not again:
            return  # nothing comes
        elif lot < 0.25 and not again:
            self._tally.deed("SMS near or after the end")
            delay = self._lifetime_s * self._chance.uniform(0.97, 1.15)
        self._later(delay, text)
        if two and lot > 0.9:
            self._tally.deed("two SMS at once")
            self._later(delay, text)

    def _later(self, delay_s: float, text: Callable[[str], None]) -> None:
        code = str(next(self._codes))
        if delay_s == 0:
            text(code)
            return

        async def wait() -> None:
            await asyncio.sleep(delay_s)
            text(code)

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Member(Protocol):
    """One supplier as the world sees it."""

    name: str

    def sales(self) -> list[Sale]: ...

    def quiet(self) -> None: ...


class Booked(SandboxWorld):
    """A sandbox whose phones are texted by `services`."""

    def __init__(
        self,
        name: str,
        seed: int,
        plan: Plan,
        tally: Tally,
        services: Services,
        latency_s: tuple[float, float] = (0, 0),
    ) -> None:
        settings = SandboxSettings(
            lifetime_ms=plan.lifetime_ms,
            cancel_from_ms=plan.cancel_from_ms,
            rental_refund_ms=plan.rental_refund_ms,
            latency_s=latency_s,
        )
        self.name = name
        self._services = services
        self._sold_at: dict[str, float] = {}
        self.last: dict[str, Sent] = {}
        super().__init__(seed=seed, clock=now_ms, settings=settings, notify=self._notified)
        self.faults: Ordered = Ordered(plan, tally, name)
        self.tell: Callable[[Notification, Sent | None], None] = lambda _notification, _sent: None

    def _changed(self, record: Record, change: Change) -> None:
        super()._changed(record, change)
        if change is Change.SOLD:
            self._sold_at[record.provider_ref] = time.monotonic()
        if change in (Change.SOLD, Change.WAITS_AGAIN):
            ref = record.provider_ref
            self._services.expect(lambda code: self._text(record, ref, code), again=change is not Change.SOLD)

    def _text(self, record: Record, ref: str, code: str) -> None:
        self._book.settle()
        sent = Sent(code, record.phone, self.name, time.monotonic(), record.is_open)
        self.last[ref] = sent
        self._services.sent.append(sent)
        self.receive(record.phone, "WhatsApp", f"{code} is your WhatsApp code")

    def _notified(self, notification: Notification) -> None:
        self.tell(notification, self.last.get(notification.provider_ref))

    def sales(self) -> list[Sale]:
        self._book.settle()
        return [
            Sale(
                self.name,
                number["phone"],
                self._sold_at[number["provider_ref"]],
                number["charged"],
                number["cost"] + sum(one["cost"] for one in number["renewals"]),
                number["state"] in ("waiting", "received"),
                number["sms"],
            )
            for number in self.record()
        ]

    def quiet(self) -> None:
        self.faults.quiet()


class Rest(RestSimulator):
    """`beta`: a token that ends early, answers that get lost; the books' own faults apply behind it."""

    def __init__(self, plan: Plan, tally: Tally, world: Booked) -> None:
        super().__init__(now_ms, world, token_s=45)
        self._rate = plan.faults
        self._chance = plan.chance("faults of rest")
        self._tally = tally
        world.tell = self._tell
        world.faults.only_refuse()
        self.post: Callable[[bytes, dict[str, str], Sent | None], None] = lambda _body, _headers, _sent: None

    SHARES = (
        ("lost_answer", 0.012),
        ("garbage", 0.008),
        ("status:500", 0.004),
        ("status:502", 0.004),
        ("revoked", 0.003),
    )

    def _take(self, call: str, args: dict[str, Any]) -> str:
        lot = self._chance.random()
        for kind, share in self.SHARES:
            lot -= share * self._rate
            if lot < 0 and call != "auth":
                self._tally.fault(f"beta {call} {kind.partition(':')[0]}")
                return kind
        return super()._take(call, args)

    def _tell(self, notification: Notification, sent: Sent | None) -> None:
        sms = notification.sms
        request = self.webhook(
            IncomingSms(
                provider_ref=notification.provider_ref,
                sms_id=sms.id,
                sender=sms.sender,
                text=sms.text,
                received_at=sms.received_at,
            )
        )
        self.post(request.body, dict(request.headers), sent)

    def quiet(self) -> None:
        self._rate = 0.0


class Hero:
    """`gamma`: no reference of ours travels with a purchase, no signature with a webhook."""

    name = "gamma"

    def __init__(self, plan: Plan, tally: Tally, services: Services, poster: Poster) -> None:
        self.supplier = Supplier(now_ms, balance=10**12)
        self.supplier.lifetime = max(plan.lifetime_ms, LEAST_IN_EARNEST if plan.real_program else LEAST_TO_BE_FOUND)
        self.supplier.cancel_after = 0
        self.simulator: Plain = DIALECTS["sms-activate"](self.supplier)
        self._sold_at: dict[str, float] = {}
        self._services = services
        self._poster = poster
        self._tally = tally
        self._chance = plan.chance("faults of gamma")
        self._rate = plan.faults
        self._last: dict[str, Sent] = {}
        self.supplier.sold.append(self._sold)
        self.supplier.observers.append(self._received)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Now and then the next call of its kind goes wrong."""
        if scope["type"] == "http" and self._chance.random() < 0.03 * self._rate:
            query = scope["query_string"].decode()
            action = next((part[7:] for part in query.split("&") if part.startswith("action=")), "")
            kind = self._chance.choice(("reset", "cut", "502", "slow", "sql", "garbage"))
            if action and not self.supplier.faults[action]:
                self.supplier.faults[action].append(kind)
                self._tally.fault(f"gamma {action} {kind}")
        await self.simulator(scope, receive, send)

    def _sold(self, line: Line) -> None:
        self._sold_at[line.id] = time.monotonic()
        # The family shows the last SMS only: of two between two polls, nobody can learn of the first.
        self._services.expect(lambda code: self._text(line, code), two=False)

    def _text(self, line: Line, code: str) -> None:
        self.supplier.settle()
        sent = Sent(code, f"+{line.phone}", self.name, time.monotonic(), line.state == "open")
        if line.state == "open":  # what comes later, the family does not show
            self._services.sent.append(sent)
            self._last[line.id] = sent
            self.supplier.receive(line.phone, "WhatsApp", f"{code} is your WhatsApp code")

    def _received(self, line: Line, sms: Sms) -> None:
        body = json.dumps(self.simulator.event(line, sms)).encode()
        self._poster.post(self.name, body, {"content-type": "application/json"}, self._last.get(line.id))

    def sales(self) -> list[Sale]:
        self.supplier.settle()
        return [
            Sale(
                self.name,
                f"+{line.phone}",
                self._sold_at[line.id],
                line.charged and line.state != "expired",
                line.cost,
                line.state == "open",
                len(line.sms),
            )
            for line in self.supplier.lines.values()
        ]

    def quiet(self) -> None:
        self._rate = 0.0


@dataclass
class Market:
    """All three, and what they were made from."""

    alpha: Booked
    beta: Booked
    rest: Rest
    gamma: Hero
    services: Services
    poster: Poster
    quiets: list[Callable[[], None]] = field(default_factory=list)

    @classmethod
    def open(cls, plan: Plan, tally: Tally, client: httpx.AsyncClient, base: str) -> "Market":
        services = Services(plan, tally)
        poster = Poster(plan, tally, client, base)
        alpha = Booked("alpha", 8, plan, tally, services, (0.001, 0.02))
        alpha.tell = lambda notification, sent: poster.post("alpha", *_signed(notification), sent)
        beta = Booked("beta", 10, plan, tally, services)
        rest = Rest(plan, tally, beta)
        rest.post = lambda body, headers, sent: poster.post("beta", body, headers, sent)
        gamma = Hero(plan, tally, services, poster)
        return cls(alpha, beta, rest, gamma, services, poster, [alpha.quiet, beta.quiet, rest.quiet, gamma.quiet])

    def quiet(self) -> None:
        """From now on everything works."""
        for quiet in self.quiets:
            quiet()

    def sales(self) -> list[Sale]:
        return [*self.alpha.sales(), *self.beta.sales(), *self.gamma.sales()]

    def open_numbers(self) -> int:
        return sum(sale.open for sale in self.sales())

    async def aclose(self) -> None:
        await self.services.aclose()
        await self.poster.aclose()
        await self.alpha.aclose()
        await self.beta.aclose()


def _signed(notification: Notification) -> tuple[bytes, dict[str, str]]:
    body = notification.body()
    headers = sign(SIGNING, notification.id, now_ms() // 1000, body)
    return body, {**headers, "content-type": "application/json"}


__all__ = ["PATHS", "SIGNING", "WEBHOOK_SECRET", "Kind", "Market", "Sale", "Sent"]
