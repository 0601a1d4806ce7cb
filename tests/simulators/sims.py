"""Every kind of supplier in one shape: its face, its books, its phones, and the bad line before it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from starlette.types import ASGIApp

from bot.demo import sandbox_server
from bot.domain.time import Ms
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from tests.simulators import fivesim, handler_api, rest
from tests.simulators.engine import Supplier
from tests.simulators.spoiling import Asked, Spoiler

Clock = Callable[[], Ms]


@dataclass(frozen=True)
class Line:
    """One number, by the supplier's own books. `state`: open, finished, cancelled or expired."""

    phone: str
    """With its plus."""
    state: str
    charged: bool


class Sim(ABC):
    """One supplier, called `name`."""

    key: ClassVar[str] = ""
    """What it asks of whoever buys."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.line = Spoiler(self.make(), self.verb_of)

    @abstractmethod
    def make(self) -> ASGIApp: ...

    @abstractmethod
    def verb_of(self, asked: Asked) -> str:
        """The verb of Provider that the request comes from; `list` where it looks for lost purchases."""

    @abstractmethod
    def sold(self) -> list[Line]:
        """All numbers that were ever sold, in their order."""

    @abstractmethod
    def text(self, phone: str, sender: str, text: str) -> None:
        """An SMS arrives. Raises LookupError where nobody has had that phone."""

    @property
    def asked(self) -> list[str]:
        """The verbs of all requests so far."""
        return self.line.asked

    def ends(self) -> list[tuple[str, bool]]:
        """How each number stands, and whether it is charged."""
        return [(line.state, line.charged) for line in self.sold()]


_ACTIONS = {
    "getBalance": "balance",
    "getPrices": "stock",
    "serviceCountRent": "stock",
    "getRentServicesAndCountries": "stock",
    "getNumber": "allocate",
    "getNumberV2": "allocate",
    "getRentNumber": "allocate",
    "getExtraActivation": "again",
    "getActiveActivations": "list",
    "getRentList": "list",
    "setStatus3": "another_code",
    "setStatus6": "finish",
    "setRentStatus1": "finish",
    "setStatus8": "cancel",
    "setStatus-1": "cancel",
    "setRentStatus2": "cancel",
    "prolong": "renew",
    "continueRentNumber": "renew",
}


class HandlerApiSim(Sim):
    key = handler_api.KEY

    def make(self) -> ASGIApp:
        self.supplier = Supplier(self.clock)
        self.simulator = handler_api.DIALECTS[self.name](self.supplier)
        return self.simulator

    def verb_of(self, asked: Asked) -> str:
        action = asked.query.get("action", "")
        return _ACTIONS.get(action + asked.query.get("status", "")) or _ACTIONS.get(action, action)

    def sold(self) -> list[Line]:
        self.supplier.settle()
        return [Line(f"+{line.phone}", line.state, line.charged) for line in self.supplier.lines.values()]

    def text(self, phone: str, sender: str, text: str) -> None:
        if all(line.phone != phone for line in self.sold()):
            raise LookupError
        self.supplier.receive(phone, sender, text)


_FIVESIM_STATES = {"FINISHED": "finished", "CANCELED": "cancelled", "BANNED": "cancelled", "TIMEOUT": "expired"}


class FiveSimSim(Sim):
    key = fivesim.API_KEY

    def make(self) -> ASGIApp:
        self.simulator = fivesim.FiveSimSimulator(self.clock)
        return self.simulator.app

    def verb_of(self, asked: Asked) -> str:
        path = asked.path.removeprefix("/v1/")
        return "list" if path == "user/orders" else fivesim.verb_of(path)

    def sold(self) -> list[Line]:
        orders = self.simulator.settled()
        return [Line(one.phone, _FIVESIM_STATES.get(one.status, "open"), one.charged) for one in orders]

    def text(self, phone: str, sender: str, text: str) -> None:
        if not self.simulator.receive(phone, sender, text):
            raise LookupError


class WorldSim(Sim):
    """Those whose books are a sandbox's."""

    def make(self) -> ASGIApp:
        self.world = SandboxWorld(seed=7, clock=self.clock, settings=SandboxSettings())
        return self.face()

    @abstractmethod
    def face(self) -> ASGIApp: ...

    def sold(self) -> list[Line]:
        return [
            Line(row["phone"], "open" if row["state"] in ("waiting", "received") else row["state"], row["charged"])
            for row in self.world.record()
        ]

    def text(self, phone: str, sender: str, text: str) -> None:
        if self.world.receive(phone, sender, text) is None:
            raise LookupError


class RestSim(WorldSim):
    key = rest.API_KEY

    def face(self) -> ASGIApp:
        self.simulator = rest.RestSimulator(self.clock, self.world)
        return self.simulator.app

    def verb_of(self, asked: Asked) -> str:
        body = json.loads(asked.body) if asked.body else {}
        verb = rest.verb_of(asked.path.removeprefix("/api/"), {**asked.query, **body})
        return "list" if verb == "find" else verb


class SandboxSim(WorldSim):
    def face(self) -> ASGIApp:
        return sandbox_server.create_app(self.world)

    def verb_of(self, asked: Asked) -> str:
        verb = asked.path.removeprefix("/sandbox/")
        return "list" if verb == "find" else verb


SIMS: dict[str, type[Sim]] = {
    **dict.fromkeys(handler_api.DIALECTS, HandlerApiSim),
    "fivesim": FiveSimSim,
    "rest": RestSim,
    "sandbox": SandboxSim,
}
