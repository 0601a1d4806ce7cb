"""The chats, and when what came into them."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from bot.demo.telegram.chats import Chat
from bot.demo.telegram.state import Message
from bot.demo.telegram.world import TelegramWorld
from tests.chaos.load.limits import Limits

IN_FLIGHT_S = 3.0
"""A code that was taken less than this ago may be overtaken: what overtakes it may have been on its way already."""


@dataclass
class Codes:
    """Of each code when it was sent to its number, taken by the program, and shown in which chat."""

    sent_at: dict[str, float] = field(default_factory=dict)
    chat_of: dict[str, int] = field(default_factory=dict)
    taken_at: dict[str, float] = field(default_factory=dict)
    shown: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    newest: dict[int, str] = field(default_factory=dict)
    """The last that came into each chat, where they come in the order in which they were taken."""
    _owed: dict[str, float] = field(default_factory=dict)

    def take(self, code: str, at: float) -> None:
        """The program has acknowledged its SMS."""
        self.taken_at[code] = at
        if code not in self.shown:
            self._owed[code] = at

    def show(self, code: str, chat_id: int, at: float) -> None:
        self.shown[code].append((chat_id, at))
        self.newest[chat_id] = code
        self._owed.pop(code, None)

    @property
    def owed(self) -> int:
        return len(self._owed)

    def is_overtaken(self, now: float) -> bool:
        """Whether a code waits that was taken a while ago: they are noted in their order."""
        oldest = next(iter(self._owed.values()), now)
        return now - oldest > IN_FLIGHT_S


class Chats(TelegramWorld):
    """A Telegram with its limits, which notes what the bot shows."""

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.limits = Limits()
        self.faults = self.limits
        self.codes = Codes()
        self.cards: dict[int, int] = {}
        """The card's message in each chat."""
        self.shown: Counter[str] = Counter()
        """All that the bot has shown: `code`, `card`, `answer` (a message), `menu` (an edit of one).

        After `overtaking ` the same once more, of what came while a code was owed that was taken long before.
        """

    def publish(self, chat: Chat, sender: dict[str, Any], content: dict[str, Any]) -> Message:
        message = super().publish(chat, sender, content)
        if sender is self.bot:
            self._note(chat, message, "answer")
        return message

    def replace(self, chat: Chat, message: Message) -> None:
        super().replace(chat, message)
        self._note(chat, message, "menu")

    def _note(self, chat: Chat, message: Message, kind: str) -> None:
        now = time.monotonic()
        text = str(message.get("text", ""))
        if text.startswith("🔑 "):
            self.shown["code"] += 1
            self.codes.show(text.removeprefix("🔑 ").partition("\n")[0].strip(), chat.id, now)
            return
        if self.cards.get(chat.id) == message["message_id"]:
            kind = "card"
        self.shown[kind] += 1
        if self.codes.is_overtaken(now):
            self.shown[f"overtaking {kind}"] += 1

    def card(self, chat_id: int) -> str:
        """How the card in that chat reads now."""
        return str(self.chats[chat_id].messages[self.cards[chat_id]]["text"])
