"""A request's parameters. The type of each is decided by its name, never by how its value looks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.demo.telegram.errors import bad_request

INTEGERS = frozenset(
    [
        "cache_time",
        "direct_messages_topic_id",
        "draft_id",
        "from_message_id",
        "limit",
        "max_connections",
        "max_tip_amount",
        "message_id",
        "message_thread_id",
        "offset",
        "photo_height",
        "photo_size",
        "photo_width",
        "subscription_period",
        "timeout",
        "user_id",
    ]
)
CHATS = frozenset({"chat_id", "from_chat_id"})
FLAGS = frozenset(
    [
        "allow_paid_broadcast",
        "allow_sending_without_reply",
        "disable_content_type_detection",
        "disable_notification",
        "disable_web_page_preview",
        "drop_pending_updates",
        "has_spoiler",
        "is_big",
        "is_flexible",
        "need_email",
        "need_name",
        "need_phone_number",
        "need_shipping_address",
        "ok",
        "protect_content",
        "remove_caption",
        "revoke_messages",
        "send_email_to_provider",
        "send_phone_number_to_provider",
        "show_alert",
        "show_caption_above_media",
    ]
)
OBJECTS = frozenset(
    [
        "allowed_updates",
        "caption_entities",
        "commands",
        "entities",
        "ephemeral_message_parameters",
        "link_preview_options",
        "menu_button",
        "message_ids",
        "prices",
        "reaction",
        "reply_markup",
        "reply_parameters",
        "scope",
        "suggested_post_parameters",
        "suggested_tip_amounts",
    ]
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file from a multipart body."""

    file_name: str
    mime_type: str
    data: bytes = field(repr=False)


def decode(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values of a body's strings (or of a JSON body's values). What cannot be read stays as it came."""
    return {name: _decode_one(name, value) for name, value in raw.items()}


def _decode_one(name: str, value: Any) -> Any:
    if isinstance(value, Upload):
        return value
    if name in INTEGERS or name in CHATS:
        return _integer(value)
    if name in FLAGS:
        return value if isinstance(value, bool) else str(value).lower() in {"true", "yes", "1"}
    if name in OBJECTS:
        return _object(value) if isinstance(value, str) else value
    return _text(value)


def _integer(value: Any) -> Any:
    try:
        return int(value)
    except (TypeError, ValueError):
        return value


def _object(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _text(value: Any) -> str:
    """A JSON body may carry anything where a text stands; Telegram takes its JSON for the text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Params:
    """One request's decoded parameters, read with Telegram's defaults: absent, empty and unreadable are alike."""

    def __init__(self, values: dict[str, Any], files: Mapping[str, Upload] | None = None) -> None:
        self.values = values
        self.files = files or {}

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str, default: int = 0, low: int | None = None, high: int | None = None) -> int:
        value = self.values.get(name)
        number = value if isinstance(value, int) else default
        number = number if low is None else max(low, number)
        return number if high is None else min(high, number)

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise bad_request(f'parameter "{name}" is required')
        return text

    def object(self, name: str, what: str) -> dict[str, Any]:
        """A JSON object, `{}` when absent; `what` names it in the refusal."""
        value = self.values.get(name)
        if value in (None, ""):
            return {}
        if isinstance(value, str):
            raise bad_request(f"can't parse {what} JSON object")
        if not isinstance(value, dict):
            raise bad_request(f"object expected as {what}")
        return value

    def array(self, name: str, what: str) -> list[Any]:
        """A JSON array, empty when absent; `what` names its members in the refusal."""
        value = self.values.get(name)
        if value in (None, ""):
            return []
        if isinstance(value, str):
            raise bad_request(f"can't parse {name} JSON object")
        if not isinstance(value, list):
            raise bad_request(f"expected an Array of {what}")
        return value
