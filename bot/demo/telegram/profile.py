"""What the bot says of itself: commands, names and descriptions, each per language."""

import re
from typing import Any

from bot.demo.telegram.errors import bad_request

Command = dict[str, str]
LIMITS = {"name": 64, "description": 512, "short_description": 120}
COMMANDS_LIMIT = 100


class Profile:
    def __init__(self, name: str) -> None:
        self._commands: dict[tuple[str, str], list[Command]] = {}
        self._texts: dict[tuple[str, str], str] = {("name", ""): name}
        self.menu_button: dict[str, Any] = {"type": "commands"}

    def set_commands(self, scope: str, language: str, commands: list[Any]) -> None:
        if len(commands) > COMMANDS_LIMIT:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        self._commands[scope, check_language(language)] = [_command(command) for command in commands]

    def delete_commands(self, scope: str, language: str) -> None:
        self._commands.pop((scope, check_language(language)), None)

    def commands(self, scope: str, language: str) -> list[Command]:
        """Those set for exactly this scope and language."""
        return self._commands.get((scope, check_language(language)), [])

    def shown_commands(self, scopes: list[str], language: str) -> list[Command]:
        """Those that a client shows: the first scope that has any, in its own language before the general ones."""
        short = re.split("[-_]", language.lower())[0]
        for scope in scopes:
            for wanted in (short, ""):
                if found := self._commands.get((scope, wanted)):
                    return found
        return []

    def set_text(self, kind: str, language: str, text: str) -> None:
        if len(text) > LIMITS[kind]:
            raise bad_request(f"bot {kind.replace('_', ' ')} is too long")
        self._texts[kind, check_language(language)] = text

    def text(self, kind: str, language: str) -> str:
        return self._texts.get((kind, check_language(language))) or self._texts.get((kind, ""), "")


def scope_key(scope: dict[str, Any]) -> str:
    """A BotCommandScope as one word."""
    kind = scope.get("type", "default")
    if kind in ("default", "all_private_chats", "all_group_chats", "all_chat_administrators"):
        return str(kind)
    if kind not in ("chat", "chat_administrators", "chat_member"):
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    if not scope.get("chat_id"):
        raise bad_request("can't parse BotCommandScope: Empty chat_id specified")
    member = f":{scope.get('user_id')}" if kind == "chat_member" else ""
    return f"{kind}:{scope['chat_id']}{member}"


def check_language(code: str) -> str:
    if code and not re.fullmatch("[a-z]{2}", code):
        raise bad_request("invalid language code specified")
    return code


def _command(command: Any) -> Command:
    if not isinstance(command, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    word, description = _field(command, "command").removeprefix("/"), _field(command, "description")
    _check_length("command", word, 32)
    _check_length("command description", description, 256)
    if not re.fullmatch("[a-z0-9_]+", word):
        raise bad_request("BOT_COMMAND_INVALID")
    return {"command": word, "description": description}


def _field(command: dict[str, Any], name: str) -> str:
    value = command.get(name)
    if not isinstance(value, str):
        raise bad_request(f"can't parse BotCommand: Can't find field \"{name}\"")
    return value.strip()


def _check_length(what: str, text: str, limit: int) -> None:
    if not text:
        raise bad_request(f"{what} must be non-empty")
    if len(text) > limit:
        raise bad_request(f"{what} length must not exceed {limit}")
