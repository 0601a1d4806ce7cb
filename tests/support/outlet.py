"""The program with its HTTP faces open, for programs that call it: one for a whole module of tests.

It stands between a Telegram and a sandbox on loopback, and goes by a clock that stands still. Whoever calls by way of
its line is let through once the program has caught up with what happened at its supplier.
"""

import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.clients import ClientSettings, make_client
from bot.domain.keys import Scope
from bot.domain.people import Seen, User
from bot.domain.time import Ms
from bot.providers.http import ProviderHttp
from bot.providers.sandbox.settings import SandboxSettings
from tests.providers.serving import serving
from tests.simulators.spoiling import Asked
from tests.support.relay import Answer, Relay
from tests.support.stories import Clock, Person, Story, playing, until

HANDLER_API = "/stubs/handler_api.php"
ABOUT_NO_NUMBER = ("stock", "service_names")
"""Verbs whose answers do not depend on what has happened to numbers; of some there are many."""
MANY = "1000000"
SETTINGS = {
    "API": "on",
    "API_RATE": "10000",
    "LIMIT_ACTIVE_NUMBERS": MANY,
    "LIMIT_PURCHASES_PER_MINUTE": MANY,
    "LIMIT_PURCHASES_PER_DAY": MANY,
}


def written(amount: float) -> str:
    """As handler_api writes money in text: two decimals at least."""
    whole, _, part = f"{amount:.4f}".rstrip("0").partition(".")
    return f"{whole}.{part.ljust(2, '0')}"


def dearer_than(price: float) -> str:
    """What is said to whoever would pay less than the price."""
    return f"WRONG_MAX_PRICE:{written(price)}"


class StandingClock(Clock):
    """Moves only when it is put forward."""

    def __init__(self) -> None:
        self.now: Ms = 1_700_000_000_000

    def __call__(self) -> Ms:
        return self.now

    def advance(self, ms: Ms) -> None:
        self.now += ms


@dataclass
class Customer:
    """Somebody with money and a key, who calls by way of the line."""

    outlet: "Outlet"
    person: Person
    user: User
    key: str

    async def ask(self, action: str, **params: object) -> str:
        """The answer of handler_api."""
        query = {"api_key": self.key, "action": action} | {name: str(value) for name, value in params.items()}
        answer = await self.outlet.client.get(f"{self.outlet.url}{HANDLER_API}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def look(self, action: str, **params: object) -> Any:
        return json.loads(await self.ask(action, **params))

    @property
    def balance(self) -> float:
        return self.outlet.story.balance(self.person)


@dataclass
class Outlet:
    """The program, and the line to it at `url`."""

    story: Story
    clock: StandingClock
    client: httpx.AsyncClient
    relay: Relay
    url: str
    _customers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def customer(self, *, scope: Scope = Scope.FULL, money: float = 1000) -> Customer:
        person = await self.story.comes(f"Customer {next(self._customers)}", money=money)
        user = await self.story.app.access.see(Seen(person.id, "Customer", language="en"))
        return Customer(self, person, user, await self.key(user, scope))

    async def key(self, user: User, scope: Scope = Scope.FULL) -> str:
        assert self.story.app.programs is not None
        return (await self.story.app.programs.keys.make(user, "", scope))[1]

    def http(self) -> ProviderHttp:
        return ProviderHttp(self.client, timeout_s=5.0, max_in_flight=8)


@contextlib.asynccontextmanager
async def an_outlet(
    path: Path,
    verb_of: Callable[[Asked], str] = lambda asked: asked.path,
    garbage: Sequence[Answer] = ((200, b""),),
    **settings: str,
) -> AsyncIterator[Outlet]:
    clock = StandingClock()
    playing_so = playing(path, sandbox=SandboxSettings(), settings={**SETTINGS, **settings}, clock=clock)
    async with playing_so as story, make_client(ClientSettings()) as client:

        async def caught_up(verb: str) -> None:
            if verb not in ABOUT_NO_NUMBER:
                await until(lambda: not _is_behind(story))

        relay = Relay(story.url, client, verb_of=verb_of, garbage=garbage, ready=caught_up)
        async with serving(relay) as url:
            yield Outlet(story, clock, client, relay, url)


def _is_behind(story: Story) -> bool:
    """The program has not heard of all SMS that are at its supplier, has not settled a number whose time is over, or
    has not told of an event that is due."""
    arrived = sum(row["sms"] for row in story.sold())
    [kept] = story.rows("SELECT count(*) AS sms FROM sms")
    overdue = "SELECT id FROM numbers WHERE state IN ('active', 'cancelling') AND expires_at <= ?"
    untold = "SELECT id FROM webhook_deliveries WHERE progress = 'pending' AND next_attempt_at <= ?"
    return bool(kept["sms"] < arrived or story.rows(overdue, story.clock()) or story.rows(untold, story.clock()))
