"""The people's side: what Telegram clients do, and what they show."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import count
from typing import Any

from bot.demo.telegram.chats import Chat, Person
from bot.demo.telegram.errors import PersonError
from bot.demo.telegram.markup import find_button
from bot.demo.telegram.payments import Payments
from bot.demo.telegram.state import Message, Recorded, State
from bot.demo.telegram.texts import TEXT_LIMIT, Formatted, tidy

__all__ = ["PersonError", "Recorded", "TelegramWorld"]

FIRST_USER_ID = 1001
FIRST_GROUP_ID = -5001


class TelegramWorld(State):
    """A Telegram of one bot, in memory, for one event loop. Verbs raise PersonError where a client would refuse."""

    def __init__(
        self,
        token: str,
        *,
        username: str = "codepigeon_demo_bot",
        name: str = "Codepigeon",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(token, username, name, clock)
        self.payments = Payments(self)
        self._user_ids = count(FIRST_USER_ID)
        self._group_ids = count(FIRST_GROUP_ID, -1)
        self.privacy_mode = True
        """In groups the bot gets only commands, mentions of it and replies to it."""

    def add_user(self, name: str, *, language: str = "en", username: str = "", user_id: int | None = None) -> int:
        """A person who has not yet written to the bot; their id, which is also that of their private chat."""
        if user_id is None:
            user_id = next(number for number in self._user_ids if number not in self.people)
        if user_id in self.people or user_id <= 0:
            raise PersonError(f"the user id {user_id} is taken or not positive")
        person = self.people[user_id] = Person(user_id, name, username, language)
        view: dict[str, Any] = {"id": user_id, "first_name": name, "type": "private"}
        if username:
            view["username"] = username
        self.chats[user_id] = Chat(user_id, view, {user_id})
        self._tell_of(person)
        return user_id

    def users(self) -> list[dict[str, Any]]:
        """`{id, name, username, language, blocked}` of everyone, in the order in which they came."""
        return [_described(person) for person in self.people.values()]

    def add_group(self, title: str, members: Sequence[int]) -> int:
        """A group to which its first member adds the bot; its (negative) chat id."""
        creator = self.person(members[0])
        chat_id = next(self._group_ids)
        view = {"id": chat_id, "title": title, "type": "group", "all_members_are_administrators": False}
        chat = self.chats[chat_id] = Chat(chat_id, view, {self.person(m).id for m in members}, "left")
        self.bot_status_changes(chat, creator, "member")
        joined = {"new_chat_participant": self.bot, "new_chat_member": self.bot, "new_chat_members": [self.bot]}
        self.updates.put("message", self.publish(chat, creator.view(), joined), chat_id)
        return chat_id

    def say(self, user_id: int, text: str, chat_id: int | None = None, *, reply_to: int | None = None) -> int:
        """Write a message, in the private chat with the bot unless `chat_id` names another; its id."""
        person, chat = self._present(user_id, user_id if chat_id is None else chat_id)
        said = tidy(text)
        if not said.text:
            raise PersonError("an empty message cannot be sent")
        if len(said.text) > TEXT_LIMIT:
            raise PersonError(f"a message has at most {TEXT_LIMIT} characters")
        content = said.fields()
        if reply_to is not None and (original := chat.messages.get(reply_to)) is not None:
            content["reply_to_message"] = {k: v for k, v in original.items() if k != "reply_to_message"}
        if chat.is_private:
            person.started = True
        message = self.publish(chat, person.view(), content)
        if self._bot_hears(chat, said, content):
            self.updates.put("message", message, chat.id)
        found: int = message["message_id"]
        return found

    def press(self, user_id: int, chat_id: int, message_id: int, data: str) -> str:
        """Press the message's button with that callback data, as it stands now; the callback query's id."""
        person, chat = self._present(user_id, chat_id)
        message = chat.messages.get(message_id)
        if message is None:
            raise PersonError("this message is not there any more")
        if find_button(message, "callback_data", data) is None:
            raise PersonError("this message has no such button now")
        return self._query(person, chat, message, data)

    def press_stale(self, user_id: int, chat_id: int, message_id: int, data: str) -> str:
        """Forge a press as a hostile or lagging client can: any data, on any message that ever was."""
        person, chat = self.person(user_id), self.chat(chat_id)
        if not 0 < message_id <= chat.last_id:
            raise PersonError("there never was such a message")
        gone = {"message_id": message_id, "chat": chat.view, "date": 0}
        return self._query(person, chat, chat.messages.get(message_id, gone), data)

    def block(self, user_id: int) -> None:
        person = self.person(user_id)
        if not person.blocked:
            person.blocked = True
            self.bot_status_changes(self.chats[user_id], person, "kicked")
            self._tell_of(person)

    def unblock(self, user_id: int) -> None:
        person = self.person(user_id)
        if person.blocked:
            person.blocked = False
            self.bot_status_changes(self.chats[user_id], person, "member")
            self._tell_of(person)

    def set_language(self, user_id: int, language: str) -> None:
        """Switch the language of the person's client, an IETF tag such as `de` or `pt-br`."""
        person = self.person(user_id)
        person.language = language
        self._tell_of(person)
        self.events.emit({"type": "commands", "user_id": user_id})

    def kick_bot(self, user_id: int, chat_id: int) -> None:
        """A member throws the bot out of a group."""
        person, chat = self._present(user_id, chat_id)
        self.bot_status_changes(chat, person, "kicked")

    def pay(self, user_id: int, chat_id: int, message_id: int) -> str:
        """Press Pay on an invoice; the pre-checkout query's id, for `payments.status`."""
        person, chat = self._present(user_id, chat_id)
        message = chat.messages.get(message_id, {})
        if "invoice" not in message:
            raise PersonError("this message is no invoice")
        return self.payments.start(person, chat, message)

    def messages(self, chat_id: int) -> list[Message]:
        """Message objects in order, as a client shows them now. Not to be changed by the caller."""
        return list(self.chat(chat_id).messages.values())

    def commands(self, user_id: int) -> list[dict[str, str]]:
        """What the command menu of the private chat shows, in the client's language where there is one."""
        scopes = [f"chat:{user_id}", "all_private_chats", "default"]
        return self.profile.shown_commands(scopes, self.person(user_id).language)

    def subscribe(self) -> AbstractContextManager[asyncio.Queue[dict[str, Any]]]:
        """A queue of events: message, edit, delete, callback_answer, commands, user, chat_action, reaction,
        payment, resync; each with the chat or the user whom it concerns."""
        return self.events.subscribe()

    def _present(self, user_id: int, chat_id: int) -> tuple[Person, Chat]:
        """The person in a chat where they can act."""
        person, chat = self.person(user_id), self.chat(chat_id)
        if user_id not in chat.members:
            raise PersonError(f"{person.name} is not in this chat")
        if chat.is_private and person.blocked:
            raise PersonError(f"{person.name} has blocked the bot")
        if chat.migrated_to is not None:
            raise PersonError("this group has become a supergroup")
        return person, chat

    def _query(self, person: Person, chat: Chat, message: Message, data: str) -> str:
        query_id = self.callbacks.open(person.id)
        query = {
            "id": query_id,
            "from": person.view(),
            "message": message,
            "chat_instance": self.chat_instance(chat),
            "data": data,
        }
        self.updates.put("callback_query", query, chat.id)
        return query_id

    def _bot_hears(self, chat: Chat, said: Formatted, content: dict[str, Any]) -> bool:
        if chat.is_private or not self.privacy_mode:
            return chat.bot_status == "member"
        own_name = "@" + self.bot["username"].lower()
        words = said.text.lower()
        commands = any(entity["type"] == "bot_command" for entity in said.entities)
        to_other = "@" in words.split()[0] and not words.split()[0].endswith(own_name)
        replied = content.get("reply_to_message", {}).get("from", {}).get("id") == self.bot_id
        heard = own_name in words or replied or (commands and not to_other)
        return heard and chat.bot_status == "member"

    def _tell_of(self, person: Person) -> None:
        self.events.emit({"type": "user", "user_id": person.id, "user": _described(person)})


def _described(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "username": person.username,
        "language": person.language,
        "blocked": person.blocked,
    }
