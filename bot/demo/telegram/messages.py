"""Methods that write, change and remove messages."""

from typing import Any

from telegram.constants import ReactionEmoji

from bot.demo.telegram import markup
from bot.demo.telegram.access import message_in, readable, writable
from bot.demo.telegram.chats import Chat
from bot.demo.telegram.compose import caption_of, own_message, preview_of, send, text_of
from bot.demo.telegram.errors import NOT_MODIFIED, bad_request
from bot.demo.telegram.params import Params
from bot.demo.telegram.registry import method
from bot.demo.telegram.state import Message
from bot.demo.telegram.texts import TEXT_LIMIT
from bot.demo.telegram.world import TelegramWorld

DELETABLE_FOR_S = 48 * 3600
DELETED_AT_ONCE = 100
EMOJI = frozenset(str(emoji.value) for emoji in ReactionEmoji)
COPIED = ("text", "entities", "caption", "caption_entities", "document", "photo", "link_preview_options")
SHOWN = ("text", "entities", "caption", "caption_entities", "link_preview_options", "reply_markup")


@method("sendMessage")
def send_message(world: TelegramWorld, params: Params) -> Message:
    text = text_of(world, params)
    chat = writable(world, params)
    if len(text.text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return send(world, chat, params, {**text.fields(), **preview_of(params)})


@method("editMessageText")
def edit_message_text(world: TelegramWorld, params: Params) -> Message:
    text = text_of(world, params)
    chat = writable(world, params)
    keyboard = _edited_keyboard(params)
    old = own_message(world, chat, params, lambda message: "text" in message, "text")
    if len(text.text) > TEXT_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    return _edit(world, chat, old, {**text.fields(), **preview_of(params), **keyboard})


@method("editMessageCaption")
def edit_message_caption(world: TelegramWorld, params: Params) -> Message:
    caption = caption_of(world, params)
    chat = writable(world, params)
    keyboard = _edited_keyboard(params)
    old = own_message(world, chat, params, lambda message: "document" in message or "photo" in message, "caption")
    return _edit(world, chat, old, {**caption.fields("caption"), **keyboard})


@method("editMessageReplyMarkup")
def edit_message_reply_markup(world: TelegramWorld, params: Params) -> Message:
    chat = writable(world, params)
    keyboard = _edited_keyboard(params)
    old = own_message(world, chat, params, lambda message: True, "reply markup")
    kept = {name: old[name] for name in SHOWN if name in old and name != "reply_markup"}
    return _edit(world, chat, old, {**kept, **keyboard})


def _edited_keyboard(params: Params) -> dict[str, Any]:
    """No keyboard in an edit takes the old one away."""
    keyboard = markup.inline_only(params.object("reply_markup", "reply markup"))
    return {} if keyboard is None else {"reply_markup": keyboard}


def _edit(world: TelegramWorld, chat: Chat, old: Message, shown: dict[str, Any]) -> Message:
    if shown == {name: old[name] for name in SHOWN if name in old}:
        raise bad_request(NOT_MODIFIED)
    rest = {name: value for name, value in old.items() if name not in SHOWN}
    new = {**rest, "edit_date": world.now(), **shown}
    world.replace(chat, new)
    return new


@method("deleteMessage")
def delete_message(world: TelegramWorld, params: Params) -> bool:
    chat = readable(world, params)
    message = message_in(chat, params, "message to delete")
    if not chat.is_private and message["from"]["id"] != world.bot_id:
        raise bad_request("message can't be deleted")
    if world.now() - message["date"] > DELETABLE_FOR_S:
        raise bad_request("message can't be deleted for everyone")
    world.remove(chat, [message["message_id"]])
    return True


@method("deleteMessages")
def delete_messages(world: TelegramWorld, params: Params) -> bool:
    """Those that cannot be deleted are passed over."""
    ids = params.array("message_ids", "message identifiers")
    if not ids:
        raise bad_request("message identifiers are not specified")
    if len(ids) > DELETED_AT_ONCE:
        raise bad_request("too many message identifiers specified")
    if not all(isinstance(message_id, int) for message_id in ids):
        raise bad_request("message identifier must be a Number")
    chat = readable(world, params)
    oldest = world.now() - DELETABLE_FOR_S
    found = [chat.messages[message_id] for message_id in ids if message_id in chat.messages]
    own = [m for m in found if chat.is_private or m["from"]["id"] == world.bot_id]
    world.remove(chat, [message["message_id"] for message in own if message["date"] >= oldest])
    return True


@method("copyMessage")
def copy_message(world: TelegramWorld, params: Params) -> dict[str, int]:
    source = message_in(readable(world, params, "from_chat_id"), params, "message to copy")
    chat = writable(world, params)
    content = {name: source[name] for name in COPIED if name in source}
    if not content:
        raise bad_request("message can't be copied")
    if "caption" in params.values and "text" not in source:
        content = {name: content[name] for name in content if not name.startswith("caption")}
        content |= caption_of(world, params).fields("caption")
    return {"message_id": send(world, chat, params, content)["message_id"]}


@method("pinChatMessage")
def pin_chat_message(world: TelegramWorld, params: Params) -> bool:
    chat = writable(world, params)
    message = message_in(chat, params, "message to pin")
    if message["message_id"] not in chat.pinned:
        chat.pinned.append(message["message_id"])
        world.publish(chat, world.bot, {"pinned_message": message})
    return True


@method("unpinChatMessage")
def unpin_chat_message(world: TelegramWorld, params: Params) -> bool:
    chat = writable(world, params)
    message_id = params.number("message_id") or (chat.pinned[-1] if chat.pinned else 0)
    if message_id not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(message_id)
    return True


@method("setMessageReaction")
def set_message_reaction(world: TelegramWorld, params: Params) -> bool:
    reactions = params.array("reaction", "ReactionType")
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for reaction in reactions:
        if not isinstance(reaction, dict) or reaction.get("type") != "emoji":
            raise bad_request("can't parse ReactionType: invalid reaction type specified")
        if str(reaction.get("emoji")) not in EMOJI:
            raise bad_request("REACTION_INVALID")
    chat = writable(world, params)
    message_id = message_in(chat, params, "message to react")["message_id"]
    chat.reactions[message_id] = reactions
    world.events.emit({"type": "reaction", "chat_id": chat.id, "message_id": message_id, "reaction": reactions})
    return True
