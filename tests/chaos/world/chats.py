"""A Telegram that notes everything that reached a chat and when, and that fails at random."""

import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.telegram.chats import Chat
from bot.demo.telegram.faults import Fault, FaultBook
from bot.demo.telegram.world import TelegramWorld
from tests.chaos.world.plan import Plan, Tally

CODE_MESSAGE = re.compile(r"🔑 (\d+)")
PHONE = re.compile(r"\+\d{7,15}")
SPARED = {"getupdates", "getme", "setmycommands", "deletewebhook", "getwebhookinfo", "setmydescription"}


@dataclass(frozen=True, slots=True)
class Copy:
    """One message that brought a code."""

    chat_id: int
    message_id: int
    at: float
    text: str = ""


class Chats(TelegramWorld):
    """`copies` are the messages with each code; `owners` says who was shown a phone, and since when."""

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.copies: dict[str, list[Copy]] = defaultdict(list)
        self.owners: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self.listeners: dict[int, Callable[[dict[str, Any]], None]] = {}

    def publish(self, chat: Chat, sender: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        message = super().publish(chat, sender, content)
        if message["from"]["is_bot"]:
            found = CODE_MESSAGE.match(message.get("text", ""))
            if found:
                self.copies[found[1]].append(Copy(chat.id, message["message_id"], time.monotonic(), message["text"]))
            self._seen(chat, message)
        return message

    def replace(self, chat: Chat, message: dict[str, Any]) -> None:
        super().replace(chat, message)
        self._seen(chat, message)

    def _seen(self, chat: Chat, message: dict[str, Any]) -> None:
        for phone in PHONE.findall(message.get("text", "")):
            known = self.owners[phone]
            if not known or known[-1][1] != chat.id:
                known.append((time.monotonic(), chat.id))
        listener = self.listeners.get(chat.id)
        if listener is not None:
            listener(message)

    def owner(self, phone: str, sold_at: float) -> int | None:
        """Whose chat was the first to show that phone after its sale; None when nobody's did."""
        return next((chat for at, chat in self.owners.get(phone, ()) if at >= sold_at), None)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that took effect, or may have, and had no answer."""

    chat_id: int
    at: float


class Moody(FaultBook):
    """One fault at most for a request, drawn by lot. Refusals come before any effect."""

    LOTS = (
        ("429", 0.01),
        ("500", 0.006),
        ("502", 0.004),
        ("drop_before", 0.005),
        ("drop_after", 0.008),
        ("timeout_after", 0.001),
    )

    def __init__(self, plan: Plan, tally: Tally) -> None:
        super().__init__()
        self._chance = plan.chance("telegram")
        self._rate = plan.faults
        self._tally = tally
        self.unanswered: list[Unanswered] = []

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        if method.lower() in SPARED:
            return None
        lot = self._chance.random()
        for kind, share in self.LOTS:
            lot -= share * self._rate
            if lot < 0:
                self._tally.fault(f"telegram {kind}")
                if kind in ("drop_after", "timeout_after"):
                    self.unanswered.append(Unanswered(chat_id or 0, time.monotonic()))
                return Fault(method, kind, 1, None, 1, None, 8.0)
        return None

    def quiet(self) -> None:
        self._rate = 0.0
