"""Methods about the bot itself, chats and their members."""

from typing import Any

from bot.demo.telegram.access import readable, writable
from bot.demo.telegram.chats import Chat
from bot.demo.telegram.errors import bad_request
from bot.demo.telegram.params import Params
from bot.demo.telegram.profile import Command, scope_key
from bot.demo.telegram.registry import method
from bot.demo.telegram.world import TelegramWorld

MENU_BUTTONS = frozenset({"commands", "web_app", "default"})


@method("setMyCommands")
def set_my_commands(world: TelegramWorld, params: Params) -> bool:
    commands = params.array("commands", "BotCommand")
    world.profile.set_commands(_scope(params), params.text("language_code"), commands)
    world.events.emit({"type": "commands"})
    return True


@method("getMyCommands")
def get_my_commands(world: TelegramWorld, params: Params) -> list[Command]:
    return world.profile.commands(_scope(params), params.text("language_code"))


@method("deleteMyCommands")
def delete_my_commands(world: TelegramWorld, params: Params) -> bool:
    world.profile.delete_commands(_scope(params), params.text("language_code"))
    world.events.emit({"type": "commands"})
    return True


def _scope(params: Params) -> str:
    return scope_key(params.object("scope", "BotCommandScope"))


@method("setMyName")
def set_my_name(world: TelegramWorld, params: Params) -> bool:
    if params.text("name") and not params.text("language_code"):
        world.bot = {**world.bot, "first_name": params.text("name")}
    return _set_text(world, params, "name")


@method("setMyDescription")
def set_my_description(world: TelegramWorld, params: Params) -> bool:
    return _set_text(world, params, "description")


@method("setMyShortDescription")
def set_my_short_description(world: TelegramWorld, params: Params) -> bool:
    return _set_text(world, params, "short_description")


def _set_text(world: TelegramWorld, params: Params, kind: str) -> bool:
    world.profile.set_text(kind, params.text("language_code"), params.text(kind))
    return True


@method("getMyName")
def get_my_name(world: TelegramWorld, params: Params) -> dict[str, str]:
    return {"name": world.profile.text("name", params.text("language_code"))}


@method("getMyDescription")
def get_my_description(world: TelegramWorld, params: Params) -> dict[str, str]:
    return {"description": world.profile.text("description", params.text("language_code"))}


@method("getMyShortDescription")
def get_my_short_description(world: TelegramWorld, params: Params) -> dict[str, str]:
    return {"short_description": world.profile.text("short_description", params.text("language_code"))}


@method("setChatMenuButton")
def set_chat_menu_button(world: TelegramWorld, params: Params) -> bool:
    button = params.object("menu_button", "menu button") or {"type": "default"}
    if str(button.get("type")) not in MENU_BUTTONS:
        raise bad_request("can't parse menu button: MenuButton has unsupported type")
    if "chat_id" in params:
        writable(world, params).menu_button = button
    else:
        world.profile.menu_button = button
    return True


@method("getChatMenuButton")
def get_chat_menu_button(world: TelegramWorld, params: Params) -> dict[str, Any]:
    own = readable(world, params).menu_button if "chat_id" in params else None
    return own or world.profile.menu_button


@method("getChat")
def get_chat(world: TelegramWorld, params: Params) -> dict[str, Any]:
    """A ChatFullInfo object."""
    chat = readable(world, params)
    if chat.is_private and not world.people[chat.id].started:
        raise bad_request("chat not found")
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    info: dict[str, Any] = {
        **chat.view,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    if chat.pinned:
        info["pinned_message"] = chat.messages[chat.pinned[-1]]
    return info


@method("getChatMember")
def get_chat_member(world: TelegramWorld, params: Params) -> dict[str, Any]:
    chat = readable(world, params)
    user_id = params.number("user_id")
    if user_id == world.bot_id:
        return world.bot_member(chat.bot_status)
    person = world.people.get(user_id)
    if person is None:
        raise bad_request("user not found" if user_id > 0 else "invalid user_id specified")
    return {"user": person.view(), "status": _status(chat, user_id)}


def _status(chat: Chat, user_id: int) -> str:
    return "member" if user_id in chat.members else "left"


@method("getChatMemberCount")
def get_chat_member_count(world: TelegramWorld, params: Params) -> int:
    return len(readable(world, params).members) + 1


@method("leaveChat")
def leave_chat(world: TelegramWorld, params: Params) -> bool:
    chat = readable(world, params)
    if chat.is_private:
        raise bad_request("chat member status can't be changed in private chats")
    chat.bot_status = "left"
    return True
