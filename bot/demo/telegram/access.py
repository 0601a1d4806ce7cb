"""Which chat or message a request means, and whether the bot may do there what it asks."""

from typing import Any

from bot.demo.telegram.chats import Chat
from bot.demo.telegram.errors import ApiError, bad_request, forbidden
from bot.demo.telegram.params import Params
from bot.demo.telegram.world import TelegramWorld


def readable(world: TelegramWorld, params: Params, name: str = "chat_id") -> Chat:
    """The chat that the parameter names. Raises ApiError when the bot does not know it."""
    if name not in params:
        raise bad_request(f"{name} is empty")
    chat = world.chats.get(params.number(name))
    if chat is None:
        raise bad_request("chat not found")
    if not chat.is_private and chat.bot_status != "member":
        kind = chat.view["type"]
        how = "was kicked from" if chat.bot_status == "kicked" else "is not a member of"
        raise forbidden(f"bot {how} the {kind} chat")
    return chat


def writable(world: TelegramWorld, params: Params) -> Chat:
    """Likewise, for a chat to which the bot wants to write."""
    chat = readable(world, params)
    if chat.migrated_to is not None:
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, text, migrate_to_chat_id=chat.migrated_to)
    if chat.is_private:
        person = world.people[chat.id]
        if person.blocked:
            raise forbidden("bot was blocked by the user")
        if not person.started:
            raise forbidden("bot can't initiate conversation with a user")
    return chat


def message_in(chat: Chat, params: Params, what: str, name: str = "message_id") -> dict[str, Any]:
    """The message that the parameter names; `what` stands before ` not found` in the refusal."""
    message = chat.messages.get(params.number(name))
    if message is None:
        raise bad_request(f"{what} not found")
    return message
