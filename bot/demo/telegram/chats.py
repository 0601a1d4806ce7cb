"""People, chats and the messages in them. Messages are Bot API objects, replaced and never changed in place."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

KEPT_MESSAGES = 1000
"""The newest of each chat; older ones are as if inaccessible."""


@dataclass(slots=True)
class Person:
    id: int
    name: str
    username: str
    language: str
    started: bool = False
    """Has written to the bot, which may therefore write to them."""
    blocked: bool = False

    def view(self) -> dict[str, Any]:
        """A User object."""
        view: dict[str, Any] = {"id": self.id, "is_bot": False, "first_name": self.name}
        if self.username:
            view["username"] = self.username
        if self.language:
            view["language_code"] = self.language
        return view


@dataclass(slots=True)
class Chat:
    id: int
    view: dict[str, Any]
    """The Chat object."""
    members: set[int]
    bot_status: str = "member"
    """The bot's: member, left or kicked."""
    migrated_to: int | None = None
    messages: OrderedDict[int, dict[str, Any]] = field(default_factory=OrderedDict)
    last_id: int = 0
    pinned: list[int] = field(default_factory=list)
    keyboard: dict[str, Any] | None = None
    """The reply keyboard that clients show now."""
    menu_button: dict[str, Any] | None = None
    reactions: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def is_private(self) -> bool:
        return self.id > 0

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def store(self, message: dict[str, Any]) -> None:
        self.messages[message["message_id"]] = message
        if len(self.messages) > KEPT_MESSAGES:
            self.drop(next(iter(self.messages)))

    def drop(self, message_id: int) -> bool:
        self.reactions.pop(message_id, None)
        if message_id in self.pinned:
            self.pinned.remove(message_id)
        return self.messages.pop(message_id, None) is not None
