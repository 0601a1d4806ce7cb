"""Keyboards: read, checked and kept as clients show them."""

from typing import Any

from bot.demo.telegram.errors import bad_request
from bot.demo.telegram.html import checked_url

CALLBACK_DATA_LIMIT_BYTES = 64
COPY_TEXT_LIMIT = 256
BUTTONS_LIMIT = 100
STYLES = frozenset({"", "default", "primary", "danger", "success"})
ACTIONS = (
    "url",
    "callback_data",
    "pay",
    "switch_inline_query",
    "switch_inline_query_chosen_chat",
    "switch_inline_query_current_chat",
    "login_url",
    "web_app",
    "copy_text",
    "disabled",
)
"""What a button may do, the first that is there wins, as in Telegram."""


def inline_only(markup: dict[str, Any]) -> dict[str, Any] | None:
    """The inline keyboard of an edit; None when it is empty or absent."""
    checked = read(markup)
    if checked is not None and "inline_keyboard" not in checked:
        raise bad_request("inline keyboard expected")
    return checked


def read(markup: dict[str, Any]) -> dict[str, Any] | None:
    """A checked `reply_markup`; None when it says nothing. Raises ApiError 400 in Telegram's words."""
    if rows := markup.get("inline_keyboard"):
        return _inline(rows)
    if rows := markup.get("keyboard"):
        return {**markup, "keyboard": _reply_rows(rows)}
    for kind in ("remove_keyboard", "force_reply"):
        if markup.get(kind):
            return {kind: True, "selective": bool(markup.get("selective"))}
    return None


def _inline(rows: Any) -> dict[str, Any] | None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    checked = [[_button(button) for button in row] for row in rows if row]
    if sum(map(len, checked)) > BUTTONS_LIMIT:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": checked} if checked else None


def _button(button: Any) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise _unreadable("InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str):
        raise _unreadable('Can\'t find field "text"')
    style = str(button.get("style", "")).lower()
    if style not in STYLES:
        raise _unreadable("invalid button style specified")
    action = next((name for name in ACTIONS if button.get(name) not in (None, "")), None)
    if action is None:
        raise _unreadable("Text buttons are unallowed in the inline keyboard")
    if not button["text"].strip():
        raise bad_request("inline keyboard button text must be non-empty")
    kept = {"text": button["text"], action: _checked_action(action, button[action])}
    if style not in ("", "default"):
        kept["style"] = style
    if "icon_custom_emoji_id" in button:
        kept["icon_custom_emoji_id"] = str(button["icon_custom_emoji_id"])
    return kept


def _checked_action(action: str, value: Any) -> Any:
    if action == "callback_data":
        return _callback_data(value)
    if action == "copy_text":
        return _copy_text(value)
    if action == "url":
        return _url(value)
    if action in ("web_app", "login_url", "disabled") and not isinstance(value, dict):
        raise _unreadable(f'Field "{action}" must be of type Object')
    return value


def _callback_data(value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable('Field "callback_data" must be of type String')
    if len(value.encode()) > CALLBACK_DATA_LIMIT_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    return value


def _copy_text(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise _unreadable('Can\'t find field "text"')
    if not 1 <= len(value["text"]) <= COPY_TEXT_LIMIT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    return {"text": value["text"]}


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable('Field "url" must be of type String')
    checked = checked_url(value)
    if checked is None:
        raise bad_request(f"inline keyboard button URL '{value}' is invalid: Wrong HTTP URL")
    return checked


def _reply_rows(rows: Any) -> list[list[dict[str, Any]]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "keyboard" must be an Array of Arrays')
    return [[_reply_button(button) for button in row] for row in rows]


def _reply_button(button: Any) -> dict[str, Any]:
    if isinstance(button, str):
        return {"text": button}
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad_request("can't parse keyboard button: KeyboardButton must be a String or an Object")
    return button


def _unreadable(why: str) -> Exception:
    return bad_request(f"can't parse inline keyboard button: {why}")


def find_button(message: dict[str, Any], action: str, value: Any = None) -> dict[str, Any] | None:
    """The message's button with that action (and that value, where given)."""
    for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
        for button in row:
            if action in button and value in (None, button[action]):
                found: dict[str, Any] = button
                return found
    return None
