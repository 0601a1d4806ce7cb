"""The way to one supplier: calls can be lost on it, spoilt, refused, or kept waiting, and it knows what took effect."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from bot.domain.time import Ms
from bot.providers.sandbox.backend import ConnectionLost
from bot.providers.sandbox.world import SandboxWorld
from tests.chaos.stateful.books import Books
from tests.chaos.stateful.clocks import Clocks
from tests.chaos.stateful.reached import REACHED

wish: ContextVar[str] = ContextVar("wish", default="")
"""The quote that the calls of a task are made for."""

CHANGES = ("allocate", "again", "renew")
"""What a late request may still bring about."""


@dataclass(eq=False)
class Call:
    """One call that waits, before it takes effect or after."""

    line: "Line"
    verb: str
    args: dict[str, Any]
    stage: str
    """'before' or 'after'."""
    wish: str
    sent_at: tuple[Ms, Ms]
    """By the right clock, and by the program's."""
    told: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def __str__(self) -> str:
        return f"{self.line.name}.{self.verb}, {self.stage} its effect"

    @property
    def is_too_late(self) -> bool:
        """Nobody would ever learn of what it brought about: the program has given it up, or the supplier is away."""
        away = self.line.world.mode == "down"
        return away or (self.verb in CHANGES and self.line.books.given_up(self.wish, self.subject))

    @property
    def subject(self) -> str:
        return str(self.args.get("ref") or self.args.get("provider_ref") or "")


class Line:
    """A Backend of the sandbox's adapter. `alive` raises where the program has died."""

    def __init__(
        self, name: str, world: SandboxWorld, clocks: Clocks, books: Books, held: list[Call], alive: Callable[[], None]
    ) -> None:
        self.name, self.world = name, world
        self.books = books
        self._clocks, self._held, self._alive = clocks, held, alive
        self.plans: dict[str, deque[str]] = defaultdict(deque)
        self.late: list[Call] = []
        """Requests on their way whose sender has given up waiting."""
        self.listed_percent = 100
        """The price list says so much of what the supplier really asks."""
        self.vain_since: Ms | None = None
        """Since when nothing that was asked has had a usable answer."""

    async def __call__(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        self._alive()
        plan = self.plans[verb].popleft() if self.plans[verb] else ""
        if plan:
            REACHED[f"call: {verb}, {plan}"] += 1
        call = Call(self, verb, args, "before", wish.get(), (self._clocks.right.now, self._clocks.ours()))
        try:
            answer = await self._through(call, plan)
        except Exception:
            self._note_vain(good=False)
            raise
        self._alive()
        self._note_vain(good=plan != "garbage" and answer.get("error") not in ("throttled", "provider_fault"))
        if verb == "fetch" and plan != "garbage":
            self.books.shown(answer.get("numbers", ()))
        return answer

    async def _through(self, call: Call, plan: str) -> dict[str, Any]:
        if plan == "hold before":
            plan = await self._hold(call)
        if plan in ("dropped", "late"):
            if plan == "late":
                self.send_late(call)
            raise ConnectionLost("lost on the way")
        answer = await self.take_effect(call, "" if plan == "hold after" else plan)
        if plan == "hold after":
            call.stage = "after"
            if await self._hold(call) != "":
                raise ConnectionLost("its answer was lost")
        return answer

    def send_late(self, call: Call) -> None:
        """It may take effect after its sender has gone, where it still brings anything about then."""
        if call.verb in CHANGES:
            self.late.append(call)

    async def _hold(self, call: Call) -> str:
        """What is to become of it: '' goes on, or a plan."""
        self._held.append(call)
        try:
            return await call.told
        finally:
            if call in self._held:
                self._held.remove(call)

    async def take_effect(self, call: Call, plan: str = "") -> dict[str, Any]:
        """What the supplier does and answers. Raises NotReached or ConnectionLost."""
        if plan:
            self.world.faults.add(call.verb, plan)
        before = self._effects(call)
        try:
            answer = await self.world.call(call.verb, call.args)
        finally:
            self.world.faults.clear()
            if self._effects(call) > before:
                self.books.took_effect(self.name, call.verb, call.args, call.wish)
        return self._listed(call.verb, answer)

    def _effects(self, call: Call) -> int:
        """How often a change of that subject has been made at the supplier."""
        if call.verb == "renew":
            return sum(len(row["renewals"]) for row in self.world.record() if row["provider_ref"] == call.subject)
        if call.verb in CHANGES:
            return sum(row["ref"] == call.subject for row in self.world.record())
        return 0

    def _listed(self, verb: str, answer: dict[str, Any]) -> dict[str, Any]:
        percent = self.listed_percent
        if percent == 100 or not answer.get("ok"):
            return answer
        if verb == "stock" and "rows" in answer:
            return {**answer, "rows": [(*row[:3], row[3] * percent // 100, row[4]) for row in answer["rows"]]}
        if verb in ("renewal_cost", "again_cost") and "cost" in answer:
            return {**answer, "cost": answer["cost"] * percent // 100}
        return answer

    def _note_vain(self, *, good: bool) -> None:
        if good:
            self.vain_since = None
            return
        if self.vain_since is None:
            self.vain_since = self._clocks.right.now
        self.books.silent(self.name, self._clocks.right.now - self.vain_since)
