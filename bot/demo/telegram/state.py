"""Everything the server knows, and the few verbs by which both sides change it."""

import zlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.demo.telegram.callbacks import Callbacks
from bot.demo.telegram.chats import Chat, Person
from bot.demo.telegram.errors import PersonError
from bot.demo.telegram.events import Events
from bot.demo.telegram.faults import FaultBook
from bot.demo.telegram.files import FileStore
from bot.demo.telegram.profile import Profile
from bot.demo.telegram.updates import UpdateQueue
from bot.demo.telegram.webhook import Webhook

Message = dict[str, Any]
KEPT_REQUESTS = 50_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request of the bot as it came; a file stands as `{"file_name", "mime_type", "file_size"}`."""

    method: str
    params: dict[str, Any]
    at: float


class State:
    def __init__(self, token: str, username: str, name: str, clock: Callable[[], float]) -> None:
        self.token = token
        self.clock = clock
        bot_id = token.partition(":")[0]
        self.bot_id = int(bot_id) if bot_id.isdecimal() else 1
        self.bot: dict[str, Any] = {
            "id": self.bot_id,
            "is_bot": True,
            "first_name": name,
            "username": username,
        }
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.events = Events()
        self.updates = UpdateQueue(clock)
        self.webhook = Webhook(self.updates, clock)
        self.faults = FaultBook()
        self.requests: deque[Recorded] = deque(maxlen=KEPT_REQUESTS)
        self.files = FileStore()
        self.callbacks = Callbacks(clock)
        self.profile = Profile(name)

    def now(self) -> int:
        """Unix seconds, as the Bot API counts."""
        return int(self.clock())

    def person(self, user_id: int) -> Person:
        """Raises PersonError when there is no such person."""
        try:
            return self.people[user_id]
        except KeyError:
            raise PersonError(f"there is no user {user_id}") from None

    def chat(self, chat_id: int) -> Chat:
        """Raises PersonError when there is no such chat."""
        try:
            return self.chats[chat_id]
        except KeyError:
            raise PersonError(f"there is no chat {chat_id}") from None

    def publish(self, chat: Chat, sender: dict[str, Any], content: dict[str, Any]) -> Message:
        """Put a new message into the chat; everyone who looks sees it."""
        message: Message = {
            "message_id": chat.next_id(),
            "from": sender,
            "chat": chat.view,
            "date": self.now(),
            **content,
        }
        chat.store(message)
        self.events.emit({"type": "message", "chat_id": chat.id, "message": message})
        return message

    def replace(self, chat: Chat, message: Message) -> None:
        """Show another version of a message in its place."""
        chat.store(message)
        self.events.emit({"type": "edit", "chat_id": chat.id, "message": message})

    def remove(self, chat: Chat, message_ids: Iterable[int]) -> None:
        for message_id in message_ids:
            if chat.drop(message_id):
                self.events.emit({"type": "delete", "chat_id": chat.id, "message_id": message_id})

    def bot_status_changes(self, chat: Chat, actor: Person, status: str) -> None:
        """The bot's place in a chat changes, and it is told so."""
        old, chat.bot_status = chat.bot_status, status
        change = {
            "chat": chat.view,
            "from": actor.view(),
            "date": self.now(),
            "old_chat_member": self.bot_member(old),
            "new_chat_member": self.bot_member(status),
        }
        self.updates.put("my_chat_member", change, chat.id)

    def bot_member(self, status: str) -> dict[str, Any]:
        """The bot as a ChatMember."""
        until = {"until_date": 0} if status == "kicked" else {}
        return {"user": self.bot, "status": status, **until}

    def migrate_group(self, chat_id: int) -> int:
        """Turn a group into a supergroup; its new chat id. The old id answers 400 from now on."""
        old = self.chat(chat_id)
        if old.migrated_to is not None:
            return old.migrated_to
        if old.view["type"] != "group":
            raise PersonError("only a group can become a supergroup")
        new_id = -(1_000_000_000_000 + abs(chat_id))
        view = {"id": new_id, "title": old.view["title"], "type": "supergroup"}
        new = self.chats[new_id] = Chat(new_id, view, set(old.members), old.bot_status)
        old.migrated_to = new_id
        actor = self.person(min(old.members)).view()
        for chat, content in ((old, {"migrate_to_chat_id": new_id}), (new, {"migrate_from_chat_id": chat_id})):
            self.updates.put("message", self.publish(chat, actor, content), chat.id)
        return new_id

    def chat_instance(self, chat: Chat) -> str:
        return str(zlib.crc32(f"{self.bot_id}:{chat.id}".encode()) + 10**18)

    async def close(self) -> None:
        """End the long poll and stop delivering, so that the server can stop; the state stays."""
        self.updates.closed = True
        self.updates.interrupt()
        await self.webhook.close()

    def reopen(self) -> None:
        self.updates.closed = False
        self.webhook.resume()
