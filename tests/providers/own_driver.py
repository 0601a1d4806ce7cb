"""The program itself as the supplier of the provider contract: in each test a new customer of it buys over HTTP."""

import contextlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from bot.domain.numbers import Offer
from bot.domain.sms import IncomingSms
from bot.domain.time import SECOND, Ms
from bot.providers.base import AllocateOutcome, Provider, WebhookRequest
from bot.services import shelf
from tests.support.outlet import Customer


class Noting:
    """In front of an adapter: notes which numbers a purchase made, since not every protocol carries our reference."""

    sold: Callable[[], list[int]]
    """The customer's numbers, oldest first."""
    bought: dict[str, list[int]]

    async def allocate(self, offer: Offer, ref: str) -> AllocateOutcome:
        with self._noted(ref):
            return await super().allocate(offer, ref)  # type: ignore[misc, no-any-return]

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        with self._noted(ref):
            return await super().again(offer, ref)  # type: ignore[misc, no-any-return]

    @contextlib.contextmanager
    def _noted(self, ref: str) -> Iterator[None]:
        before = self.sold()
        yield
        self.bought[ref] += self.sold()[len(before) :]


class OwnDriver:
    """`provider` is a Noting adapter whose key is the customer's."""

    def __init__(self, customer: Customer, provider: Any) -> None:
        self.outlet = outlet = customer.outlet
        self.story = outlet.story
        self.user_id = customer.user.id
        self.provider: Provider = provider
        self._bought: defaultdict[str, list[int]] = defaultdict(list)
        provider.sold, provider.bought = self._sold, self._bought
        self._lost = itertools.cycle(("reset", "cut"))
        self.set_mode("normal")
        self.story.sandbox.faults.clear()
        outlet.relay.mend()

    def _sold(self) -> list[int]:
        rows = self.story.rows(
            "SELECT id FROM numbers WHERE user_id = ? AND state <> 'failed' ORDER BY id", self.user_id
        )
        return [row["id"] for row in rows]

    def now(self) -> Ms:
        return self.outlet.clock.now

    def advance(self, ms: Ms) -> None:
        self.outlet.clock.advance(ms)

    def text(self, phone: str, sender: str, text: str) -> None:
        self.story.sms(phone, text, sender)

    def set_mode(self, mode: str) -> None:
        """The supplier's supplier runs out; but it is the program that is down. What it shows may be a while old."""
        self.outlet.relay.down = mode == "down"
        emptied = (mode == "empty") is not (self.story.sandbox.mode == "empty")
        self.story.sandbox.mode = "empty" if mode == "empty" else "normal"
        if emptied:
            self.advance(shelf.FRESH_FOR + SECOND)

    def next_call(self, verb: str, fault: str) -> None:
        if fault == "price_risen":
            self.story.sandbox.faults.add(verb, fault)
        else:
            self.outlet.relay.spoil(verb, next(self._lost) if fault == "lost_answer" else fault)

    def charged(self, ref: str) -> list[bool]:
        """By the program's own books: whether the customer's money has been taken, and not been given back."""
        return [self._is_charged(number_id) for number_id in self._bought[ref]]

    def _is_charged(self, number_id: int) -> bool:
        kinds = self.story.rows(
            "SELECT kind FROM transfers WHERE hold_id = ? OR hold_id GLOB ?",
            f"n{number_id}:hold",
            f"n{number_id}.*:hold",
        )
        return [row["kind"] for row in kinds].count("capture") > [row["kind"] for row in kinds].count("refund")

    def webhook(self, sms: IncomingSms) -> WebhookRequest:
        raise LookupError("this face sends none")
