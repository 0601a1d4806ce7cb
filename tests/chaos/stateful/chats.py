"""The messenger: people's chats, which take a message, put it off, are blocked, or leave it open whether it came."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.services.delivery import Blocked, Letter, MaybeSent, NotSent, Sender
from storage.outbox import Owed

SENT, PUT_OFF, NO_CONTACT, CAME_UNSURE, LOST_UNSURE, HANGS = (
    "sent", "429", "no contact", "unsure, and came", "unsure, and lost", "hangs",
)  # fmt: skip


@dataclass(frozen=True)
class Arrived:
    chat_id: int
    key: str
    provider_ref: str
    text: str


@dataclass(eq=False)
class Sending:
    """A message that Telegram has not answered yet."""

    letter: Letter
    told: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Chats:
    """A Messenger. `alive` raises where the program has died."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive
        self.plans: dict[int, deque[str]] = defaultdict(deque)
        self.blocked: set[int] = set()
        self.held: list[Sending] = []
        self.arrived: list[Arrived] = []
        self.unsure: Counter[str] = Counter()
        """How often each message left without an answer, whether it came or not."""
        self.just_sent: set[str] = set()
        """What Telegram has answered in this step: the program may die before it has marked it."""
        self.cards: dict[int, str] = {}
        """The state that each number's card shows."""

    @asynccontextmanager
    async def turn(self, _owed: Owed) -> AsyncIterator[Sender]:
        yield self.send

    async def send(self, letter: Letter) -> int | None:
        self._alive()
        chat_id = letter.owed.chat_id
        plans = self.plans[chat_id]
        plan = plans.popleft() if plans else SENT
        if chat_id in self.blocked:
            raise Blocked("Forbidden")
        if plan == HANGS:
            plan = await self._hold(letter)
        self._alive()
        return self.end(letter, plan)

    async def _hold(self, letter: Letter) -> str:
        sending = Sending(letter)
        self.held.append(sending)
        try:
            return await sending.told
        finally:
            if sending in self.held:
                self.held.remove(sending)

    def end(self, letter: Letter, plan: str) -> int | None:
        """What becomes of a message, as its sender is told of it."""
        owed = letter.owed
        if plan == PUT_OFF:
            raise NotSent("429", retry_after_s=7)
        if plan == NO_CONTACT:
            raise NotSent("no contact")
        if plan in (CAME_UNSURE, LOST_UNSURE):
            self.unsure[owed.key] += 1
        else:
            self.just_sent.add(owed.key)
        if plan != LOST_UNSURE:
            self.arrive(letter)
        if plan in (CAME_UNSURE, LOST_UNSURE):
            raise MaybeSent("timeout")
        return owed.id

    def arrive(self, letter: Letter) -> None:
        owed, number = letter.owed, letter.view.number if letter.view else None
        if owed.kind == "card" and number is not None:
            self.cards[number.id] = number.state.value
            return
        ref = str(number.provider_ref) if number else ""
        self.arrived.append(Arrived(owed.chat_id, owed.key, ref, letter.sms.text if letter.sms else ""))
