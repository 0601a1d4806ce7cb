"""What a bot's message is made of, and how it is put into a chat."""

from collections.abc import Callable
from typing import Any

from bot.demo.telegram import markup
from bot.demo.telegram.access import message_in
from bot.demo.telegram.chats import Chat, Person
from bot.demo.telegram.errors import bad_request
from bot.demo.telegram.params import Params
from bot.demo.telegram.state import Message
from bot.demo.telegram.texts import CAPTION_LIMIT, Formatted, formatted, is_empty
from bot.demo.telegram.world import TelegramWorld

PREVIEW_FIELDS = ("is_disabled", "url", "prefer_small_media", "prefer_large_media", "show_above_text")


def text_of(world: TelegramWorld, params: Params) -> Formatted:
    """The message's text, parsed; its length is the caller's to check."""
    if not params.text("text"):
        raise bad_request("message text is empty")
    entities = params.array("entities", "MessageEntity")
    text = with_people(world, formatted(params.text("text"), params.text("parse_mode"), entities))
    if is_empty(text.text):
        raise bad_request("text must be non-empty")
    return text


def caption_of(world: TelegramWorld, params: Params) -> Formatted:
    entities = params.array("caption_entities", "MessageEntity")
    caption = with_people(world, formatted(params.text("caption"), params.text("parse_mode"), entities))
    if len(caption.text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return caption


def with_people(world: TelegramWorld, text: Formatted) -> Formatted:
    """Mentions of people without a username carry the whole User; those of strangers are dropped."""
    if not any(entity["type"] == "text_mention" for entity in text.entities):
        return text
    settled = []
    for entity in text.entities:
        if entity["type"] != "text_mention":
            settled.append(entity)
        elif (person := _mentioned(world, entity.get("user"))) is not None:
            settled.append({**entity, "user": person.view()})
    return Formatted(text.text, settled)


def _mentioned(world: TelegramWorld, user: Any) -> Person | None:
    user_id = user.get("id") if isinstance(user, dict) else None
    return world.people.get(user_id) if isinstance(user_id, int) else None


def preview_of(params: Params) -> dict[str, Any]:
    options = params.object("link_preview_options", "link preview options")
    kept = {name: options[name] for name in PREVIEW_FIELDS if options.get(name)}
    return {"link_preview_options": kept} if kept else {}


def send(world: TelegramWorld, chat: Chat, params: Params, content: dict[str, Any]) -> Message:
    """Publish the bot's message with the reply and the keyboard that the request asks for."""
    if params.number("message_thread_id"):
        raise bad_request("message thread not found")
    keyboard = markup.read(params.object("reply_markup", "reply markup"))
    extra = _reply(world, chat, params)
    if params.flag("protect_content"):
        extra["has_protected_content"] = True
    if chat.is_private and params.text("message_effect_id"):
        extra["effect_id"] = params.text("message_effect_id")
    if keyboard is not None and "inline_keyboard" in keyboard:
        extra["reply_markup"] = keyboard
    elif keyboard is not None:
        chat.keyboard = keyboard if "keyboard" in keyboard else None
    return world.publish(chat, world.bot, {**content, **extra})


def _reply(world: TelegramWorld, chat: Chat, params: Params) -> dict[str, Any]:
    wanted = params.object("reply_parameters", "reply parameters")
    message_id = wanted.get("message_id")
    if not wanted or not message_id:
        return {}
    try:
        there = world.chats.get(int(wanted.get("chat_id") or chat.id))
    except ValueError:
        there = None
    if there is None:
        raise bad_request("chat not found")
    original = there.messages.get(message_id) if isinstance(message_id, int) else None
    if original is None:
        if wanted.get("allow_sending_without_reply"):
            return {}
        raise bad_request("message to be replied not found")
    quoted = _quote(wanted, original)
    return {"reply_to_message": {k: v for k, v in original.items() if k != "reply_to_message"}, **quoted}


def _quote(wanted: dict[str, Any], original: Message) -> dict[str, Any]:
    if not wanted.get("quote"):
        return {}
    quote = formatted(str(wanted["quote"]), str(wanted.get("quote_parse_mode") or ""))
    position = str(original.get("text") or original.get("caption") or "").find(quote.text)
    if position < 0:
        raise bad_request("QUOTE_TEXT_INVALID")
    return {"quote": {**quote.fields(), "position": position, "is_manual": True}}


def own_message(
    world: TelegramWorld, chat: Chat, params: Params, editable: Callable[[Message], bool], what: str
) -> Message:
    """A message of the bot's that it may edit; `what` is missing where `editable` says no."""
    if "inline_message_id" in params and "chat_id" not in params:
        raise bad_request("MESSAGE_ID_INVALID")
    message = message_in(chat, params, "message to edit")
    if message["from"]["id"] != world.bot_id:
        raise bad_request("message can't be edited")
    if not editable(message):
        raise bad_request(f"there is no {what} in the message to edit")
    return message
