"""Everything bad that a provider can answer: what it is taken for, what the chat and the log say, where the money is.

Below, each trouble meets each kind of adapter under the services; then each meets the whole program once. The other
provider of the installation never notices.
"""

import contextlib
import itertools
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.clients import ClientSettings, make_client
from bot.domain.errors import (
    BadKey,
    BadRequest,
    NoNumbers,
    PriceRisen,
    ProviderError,
    ProviderFault,
    ProviderFunds,
    Throttled,
)
from bot.domain.money import ONE
from bot.domain.numbers import Kind, State
from bot.domain.time import MINUTE, SECOND
from bot.providers.base import Provider
from bot.providers.registry import Registry
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.world import SandboxWorld
from bot.services.clock import now_ms
from bot.texts import Texts
from handlers.reasons import why_not_sold
from tests.providers.contract import offer_of
from tests.providers.serving import serving
from tests.simulators import fivesim, handler_api, rest
from tests.simulators.front import BIG_BYTES, GARBAGE, MARK, Front, a_front
from tests.simulators.sims import SIMS, FiveSimSim, HandlerApiSim, RestSim, Sim
from tests.support import says
from tests.support.services import ManualClock, Services, keep_services
from tests.support.stories import Story, environ, playing, until
from tests.support.suppliers import Site, a_site
from tests.support.tls import certificate, server_context

KINDS = ("hero", "fivesim", "rest")
KEYS = (handler_api.KEY, fivesim.API_KEY, rest.API_KEY)
PROGRAM_KINDS = ("tiger", "fivesim", "rest")
"""Members of a family are as good as each other here, and this one may be asked faster."""
GOOD = "good"
PURSE = 50 * ONE
NO_PROPER_ANSWER = "The provider didn't answer properly."


def wrong_key(sim: Sim) -> None:
    sim.simulator.key = "another"  # type: ignore[attr-defined]
    if isinstance(sim, RestSim):
        sim.simulator.end_tokens()


def no_balance(sim: Sim) -> None:
    if isinstance(sim, HandlerApiSim):
        sim.supplier.balance = 0
    elif isinstance(sim, FiveSimSim):
        sim.simulator.balance = 0
    elif isinstance(sim, RestSim):
        sim.world.faults.add("allocate", "refuse:provider_funds", times=99)


def banned(sim: Sim) -> None:
    if isinstance(sim, HandlerApiSim):
        sim.supplier.banned_until = sim.clock() + 10 * MINUTE
    elif isinstance(sim, FiveSimSim):
        sim.simulator.fault("allocate", "text:400:not enough rating", times=99)
    elif isinstance(sim, RestSim):
        sim.simulator.fault("allocate", "busy:600")


def dearer(sim: Sim) -> None:
    if isinstance(sim, HandlerApiSim):
        sim.supplier.price += 500
    elif isinstance(sim, FiveSimSim):
        sim.simulator.fault("allocate", "price_risen")
    elif isinstance(sim, RestSim):
        sim.world.faults.add("allocate", "price_risen", times=99)


def no_such_service(sim: Sim) -> None:
    if isinstance(sim, HandlerApiSim):
        del sim.supplier.services["wa"]
    elif isinstance(sim, FiveSimSim):
        for products in sim.simulator.costs.values():
            products.pop("whatsapp", None)
    elif isinstance(sim, RestSim):
        sim.world.faults.add("allocate", "refuse:bad_request", times=99)


def no_such_country(sim: Sim) -> None:
    if isinstance(sim, HandlerApiSim):
        del sim.supplier.countries["16"]
    elif isinstance(sim, FiveSimSim):
        del sim.simulator.costs["england"]
    elif isinstance(sim, RestSim):
        sim.world.faults.add("allocate", "refuse:bad_request", times=99)


def empty(sim: Sim) -> None:
    if isinstance(sim, HandlerApiSim):
        sim.supplier.mode = "empty"
    elif isinstance(sim, FiveSimSim):
        sim.simulator.empty = True
    elif isinstance(sim, RestSim):
        sim.world.mode = "empty"


@dataclass(frozen=True)
class Said:
    """A refusal by the supplier itself."""

    begin: Callable[[Sim], None]
    error: type[ProviderError]
    sentence: str
    line: str = ""
    """What the log says beside the error's own word."""


REFUSALS = {
    "wrong key": Said(wrong_key, BadKey, "doesn't accept the bot's key"),
    "no balance": Said(no_balance, ProviderFunds, "own account at the provider is empty"),
    "banned until": Said(banned, Throttled, "The provider is busy.", " (for "),
    "above the cap": Said(dearer, PriceRisen, "The price went up just before the purchase."),
    "unknown service": Said(no_such_service, BadRequest, "doesn't sell this any more"),
    "unknown country": Said(no_such_country, BadRequest, "doesn't sell this any more"),
    "empty catalogue": Said(empty, NoNumbers, "No such numbers are available right now."),
}


@dataclass(frozen=True)
class Broken:
    """What stands before the supplier does not let its answers through. `line`: what the log says of it.

    `sure`: a purchase was surely not made. Otherwise it is asked about once the line is mended.
    """

    mode: str
    line: dict[str, str]
    sure: bool = False

    @property
    def timeout_s(self) -> float:
        """No longer than it must be where it will be waited for in vain."""
        return 0.3 if self.mode in ("dripping", "trickling") else 5.0


def of_all(line: str) -> dict[str, str]:
    return dict.fromkeys((*KINDS, *PROGRAM_KINDS), line)


LINES = {
    "redirect": Broken(
        "redirect", of_all("redirect") | dict.fromkeys(("hero", "tiger"), "HTTP_302, check URL"), sure=True
    ),
    "30 MB": Broken("big", of_all("too large")),
    "dripping headers": Broken("dripping", of_all("timeout")),
    "trickling body": Broken("trickling", of_all("timeout")),
    "no TLS": Broken("plain", of_all("ClientConnectorSSLError"), sure=True),
    **{f"garbage {place}": Broken(f"garbage:{place}", of_all("")) for place in range(len(GARBAGE))},
}


# each trouble, each kind, under the services


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


@dataclass
class Shop:
    """Two suppliers in one installation, the bad one far cheaper, and what the log says."""

    services: Services
    sim: Sim
    front: Front
    bad: Provider
    good: Provider
    world: SandboxWorld
    log: pytest.LogCaptureFixture

    async def sells(self) -> None:
        """The bad one, so far."""
        offer = await self.services.offers.best(Kind.ACTIVATION, "wa", "GB")
        assert offer.provider == self.sim.name

    async def asks_what_became_of_it(self) -> None:
        """Of the purchase without an answer."""
        self.services.clock.advance(MINUTE)
        await self.services.check()

    async def is_off_the_shelf(self, error: type[ProviderError], line: str) -> None:
        """What it last sold is forgotten by now; what the other one sells is on the shelf all the same."""
        self.services.clock.advance(11 * MINUTE)
        with pytest.raises(error):
            await self.bad.stock(Kind.ACTIVATION, "wa")
        offer = await self.services.offers.best(Kind.ACTIVATION, "wa", "GB")
        assert offer.provider == GOOD
        self.notes(f"{self.sim.name} does not tell its activation prices: {error.reason}", line)

    def notes(self, beginning: str, rest: str) -> None:
        """The log has such a line."""
        lines = [line for line in self.log.messages if beginning in line]
        assert any(rest in line for line in lines), (beginning, rest, self.log.messages)

    async def is_untouched(self) -> None:
        """The other supplier sells the same, and its code arrives."""
        user = await self.services.person(8)
        on_sale = await self.good.stock(Kind.ACTIVATION, "go")
        [row] = [row for row in on_sale if row.country == "GB"]
        quote = await self.services.purchases.quote(user, offer_of(row, GOOD))
        number = await self.services.purchases.allocate(user, quote.id)
        assert (number.state, number.provider) == (State.ACTIVE, GOOD)
        assert number.phone is not None
        self.world.receive(number.phone, "Google", "Your code is 246810")
        self.services.clock.advance(10 * SECOND)
        await self.services.poll()
        await self.services.deliver()
        assert len([text for text in self.services.letters.texts(8) if "246810" in text]) == 1
        assert await self.services.ledger_of(number) == ["hold", "capture"]

    def keeps_secrets(self) -> None:
        assert [secret for secret in (*KEYS, MARK) if secret in self.log.text] == []


Open = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture
def open_shop(site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Open:
    caplog.set_level(logging.INFO, "bot")

    @contextlib.asynccontextmanager
    async def opened(kind: str, *, tls: ssl.SSLContext | None = None, timeout_s: float = 5.0) -> AsyncIterator[Shop]:
        clock = ManualClock()
        sim, world = site.open(kind, clock), SandboxWorld(seed=1, clock=clock)
        async with make_client(ClientSettings()) as client, a_front(site.port, tls) as front:
            bad = site.provider(sim, timeout_s, by_way_of=front.url, client=client)
            good = SandboxProvider(GOOD, world.call, clock=clock)
            registry = Registry({kind: bad, GOOD: good})
            rates = {kind: Decimal("0.01")}
            async with keep_services(tmp_path / "shop.db", registry, clock, rates=rates) as services:
                yield Shop(services, sim, front, bad, good, world, caplog)

    return opened


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS that clients made from now on trust."""
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return server_context(path)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_is_told_apart_said_noted_and_costs_nothing(open_shop: Open, kind: str, name: str) -> None:
    said = REFUSALS[name]
    async with open_shop(kind) as shop:
        services, user = shop.services, await shop.services.person()
        quote_id = await services.quote(user)
        said.begin(shop.sim)
        number = await services.purchases.allocate(user, quote_id)
        assert (number.state, number.reason, number.provider) == (State.FAILED, said.error.reason, kind)
        assert said.sentence in why_not_sold(Texts.load().of("en"), number.reason)
        assert await services.money(user) == (PURSE, 0)
        assert shop.sim.sold() == []
        shop.notes(f"number {number.id}: {kind} sells none: {said.error.reason}", said.line)
        await shop.is_untouched()
        shop.keeps_secrets()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", ["hero", "rest"])
async def test_a_wrong_key_clears_the_shelf_of_that_provider_alone(open_shop: Open, kind: str) -> None:
    async with open_shop(kind) as shop:
        await shop.sells()
        wrong_key(shop.sim)
        await shop.is_off_the_shelf(BadKey, "bad_key")
        await shop.is_untouched()
        shop.keeps_secrets()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LINES)
async def test_a_broken_line_is_told_apart_said_noted_and_costs_nothing(
    open_shop: Open, trusted: ssl.SSLContext, kind: str, name: str
) -> None:
    broken = LINES[name]
    tls = trusted if broken.mode == "plain" else None
    async with open_shop(kind, tls=tls, timeout_s=broken.timeout_s) as shop:
        services, user = shop.services, await shop.services.person()
        quote_id = await services.quote(user)
        await shop.front.become(broken.mode)
        number = await services.purchases.allocate(user, quote_id)
        if not broken.sure:
            assert number.state is State.BUYING
            assert await services.money(user) == (PURSE - number.price, number.price)
            shop.notes(f"the purchase at {kind} has no answer: ", broken.line[kind])
            await shop.asks_what_became_of_it()
            shop.notes(f"number {number.id}: {kind} does not say what it sold: provider_fault (", broken.line[kind])
            await shop.front.become("open")
            await shop.asks_what_became_of_it()
            number = await services.number(number)
        else:
            shop.notes(f"number {number.id}: {kind} sells none: provider_fault (", broken.line[kind])
        assert (number.state, number.reason, number.provider) == (State.FAILED, "provider_fault", kind)
        assert why_not_sold(Texts.load().of("en"), number.reason) == NO_PROPER_ANSWER
        assert await services.money(user) == (PURSE, 0)
        assert shop.sim.sold() == []
        await shop.front.become(broken.mode)
        await shop.is_off_the_shelf(ProviderFault, broken.line[kind])
        await shop.is_untouched()
        assert shop.front.most_sent < BIG_BYTES * 0.9, "it is not read to its end"
        shop.keeps_secrets()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_certificate_of_nobody_is_no_provider(open_shop: Open, tmp_path: Path, kind: str) -> None:
    async with open_shop(kind, tls=server_context(certificate(tmp_path))) as shop:
        await shop.is_off_the_shelf(ProviderFault, "ClientConnectorCertificateError")
        await shop.is_untouched()
        assert shop.sim.asked == []
        shop.keeps_secrets()


# each trouble, the whole program


SETTINGS = {
    "tiger": {"KIND": "handler_api", "DIALECT": "tiger", "API_KEY": handler_api.KEY},
    "fivesim": {"KIND": "fivesim", "API_KEY": fivesim.API_KEY},
    "rest": {"KIND": "rest", "API_KEY": rest.API_KEY},
}
WISH = "whatsapp united kingdom"


@dataclass
class Stage:
    """A story with a bad provider in it, and what its log says."""

    story: Story
    sim: Sim
    front: Front
    log: pytest.LogCaptureFixture

    async def serves_others(self) -> None:
        """Somebody else buys at the other provider, and their code arrives."""
        bob = await self.story.comes("Bob")
        await bob.asks("netflix germany", says.PRICE)
        card = await bob.pushes(says.CONFIRM, says.WAITING, "Provider: sandbox")
        self.story.sms(card.phone, "Your code is 135791")
        await bob.sees("135791", kind="message")
        await self.story.settled()

    def says_nothing_secret(self) -> None:
        assert [secret for secret in (*KEYS, MARK) if secret in self.log.text] == []


@pytest.fixture
def staged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Callable[..., AbstractAsyncContextManager[Stage]]:
    caplog.set_level(logging.INFO, "bot")

    @contextlib.asynccontextmanager
    async def opened(
        kind: str, *, tls: ssl.SSLContext | None = None, timeout_s: float = 5.0, alone: bool = False
    ) -> AsyncIterator[Stage]:
        sim = SIMS[kind](kind, now_ms)
        if isinstance(sim, RestSim):
            sim.simulator.services = ("wa",)
        async with serving(sim.line) as url, a_front(int(url.rpartition(":")[2]), tls) as front:
            given = {**SETTINGS[kind], "URL": front.url, "TIMEOUT_S": str(2 * timeout_s)}
            given |= {"CURRENCY": "EUR", "RATE": "0.01"}
            settings = {f"PROVIDERS__BAD__{name}": value for name, value in given.items()}
            if alone:
                settings |= dict.fromkeys((name for name in environ(tmp_path, "", "") if "SANDBOX" in name), "")
            async with playing(tmp_path, settings=settings) as story:
                yield Stage(story, sim, front, caplog)

    return opened


TOLD = list(zip((name for name in REFUSALS if name != "unknown country"), itertools.cycle(PROGRAM_KINDS), strict=False))


@pytest.mark.parametrize(("name", "kind"), TOLD)
async def test_the_chat_says_why_nothing_was_sold(staged: Any, name: str, kind: str) -> None:
    said = REFUSALS[name]
    async with staged(kind) as stage:
        ada = await stage.story.comes()
        await ada.asks(WISH, says.PRICE)
        said.begin(stage.sim)
        card = await ada.pushes(says.CONFIRM, said.sentence, says.NOTHING_CHARGED)
        assert card.button(says.SAME_AGAIN)
        await stage.serves_others()
        assert stage.story.balance(ada) == 25
        assert f"number 1: bad sells none: {said.error.reason}" in stage.log.text
        stage.says_nothing_secret()


BREAKS = [
    ("redirect", "tiger"),
    ("30 MB", "rest"),
    ("trickling body", "fivesim"),
    ("no TLS", "fivesim"),
    ("garbage 2", "tiger"),
]


@pytest.mark.parametrize(("name", "kind"), BREAKS)
async def test_the_chat_says_that_nothing_came_of_it(
    staged: Any, trusted: ssl.SSLContext, name: str, kind: str
) -> None:
    broken = LINES[name]
    async with staged(kind, tls=trusted if broken.mode == "plain" else None, timeout_s=broken.timeout_s) as stage:
        story, ada = stage.story, await stage.story.comes()
        await ada.asks(WISH, says.PRICE)
        await stage.front.become(broken.mode)
        await ada.press(says.CONFIRM)
        if not broken.sure:
            await until(lambda: "the purchase at bad has no answer" in stage.log.text)
            await stage.serves_others()
            assert (story.state(), story.balance(ada) < 25) == ("buying", True)
            ada.look_from_now()
            await stage.front.become("open")
            story.clock.advance(MINUTE)
        await ada.sees(NO_PROPER_ANSWER, says.NOTHING_CHARGED, within_s=8)
        if broken.sure:
            await stage.serves_others()
        assert story.balance(ada) == 25
        assert stage.sim.sold() == []
        assert broken.line[kind] in stage.log.text
        stage.says_nothing_secret()


@pytest.mark.parametrize(("name", "kind"), [("wrong key", "rest"), ("no TLS", "tiger"), *BREAKS[1:3]])
async def test_the_chat_says_it_of_a_shelf_that_cannot_be_looked_at(
    staged: Any, trusted: ssl.SSLContext, name: str, kind: str
) -> None:
    broken, sentence = LINES.get(name, LINES["redirect"]), NO_PROPER_ANSWER
    async with staged(kind, tls=trusted if name == "no TLS" else None, timeout_s=broken.timeout_s, alone=True) as stage:
        if name in REFUSALS:
            sentence = REFUSALS[name].sentence
            REFUSALS[name].begin(stage.sim)
        else:
            await stage.front.become(broken.mode)
        ada = await stage.story.comes()
        shown = await ada.asks(WISH, sentence, says.NOTHING_CHARGED)
        assert shown.buttons
        await ada.asks("/start", says.HELLO)
        assert "bad does not tell its activation prices" in stage.log.text
        stage.says_nothing_secret()
