"""Sending and editing through the Bot API, with Telegram's refusals sorted into the kinds that matter.

Bot API error texts are after tdlib/telegram-bot-api; in PTB, BadRequest is a NetworkError, so it is caught first.
"""

from collections.abc import Callable

from telegram import Bot, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.services.delivery import Blocked, MaybeSent, Moved, NotSent, Undeliverable
from bot.texts import plain
from handlers.pace import ANSWER, EDIT, Claim
from handlers.screens import Screen

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

SameAlready = "message is not modified"
EDIT_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
CHAT_GONE = ("chat not found", "user not found", "peer_id_invalid", "have no rights to send")
BAD_MARKUP = ("can't parse entities", "unsupported start tag")


class EditGone(Exception):
    """The message to edit is not there any more."""


async def send(
    bot: Bot,
    chat_id: int,
    screen: Screen,
    *,
    reply_to: int | None = None,
    surely_not_sent: Callable[[BaseException], bool] | None = None,
    claim: Claim = ANSWER,
) -> int:
    """A new message; its id. Raises the exceptions of bot.services.delivery."""
    reply = ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None

    async def attempt(text: str, parse_mode: str | None) -> int:
        message = await bot.send_message(
            chat_id,
            text,
            parse_mode=parse_mode,
            reply_markup=screen.keyboard,
            reply_parameters=reply,
            link_preview_options=NO_PREVIEW,
            rate_limit_args=claim,  # type: ignore[call-arg]  # ExtBot takes it
        )
        return message.message_id

    try:
        try:
            return await attempt(screen.text, ParseMode.HTML)
        except BadRequest as error:
            if not _mentions(error, BAD_MARKUP):
                raise
            return await attempt(plain(screen.text)[:4096], None)
    except TelegramError as error:
        raise sorted_out(error, surely_not_sent) from error


async def edit(
    bot: Bot,
    chat_id: int,
    message_id: int,
    screen: Screen,
    *,
    surely_not_sent: Callable[[BaseException], bool] | None = None,
    claim: Claim = EDIT,
) -> int:
    """Edit in place; editing to what is there already is a success. Raises EditGone, or as `send`."""
    try:
        await bot.edit_message_text(
            screen.text,
            chat_id=chat_id,
            message_id=message_id,
            parse_mode=ParseMode.HTML,
            reply_markup=screen.keyboard,
            link_preview_options=NO_PREVIEW,
            rate_limit_args=claim,  # type: ignore[call-arg]  # ExtBot takes it
        )
    except BadRequest as error:
        if SameAlready in error.message.lower():
            return message_id
        if _mentions(error, EDIT_GONE):
            raise EditGone from error
        raise sorted_out(error, surely_not_sent) from error
    except TelegramError as error:
        raise sorted_out(error, surely_not_sent) from error
    return message_id


def _mentions(error: TelegramError, phrases: tuple[str, ...]) -> bool:
    said = error.message.lower()
    return any(phrase in said for phrase in phrases)


def sorted_out(error: TelegramError, surely_not_sent: Callable[[BaseException], bool] | None = None) -> Exception:
    """Telegram's error as what it means for a message. `surely_not_sent` looks into transport errors."""
    if isinstance(error, RetryAfter):
        wait = error.retry_after
        return NotSent("429", float(wait.total_seconds() if hasattr(wait, "total_seconds") else wait))
    if isinstance(error, ChatMigrated):
        return Moved(error.new_chat_id)
    if isinstance(error, Forbidden) or (isinstance(error, BadRequest) and _mentions(error, CHAT_GONE)):
        return Blocked(type(error).__name__)
    if isinstance(error, InvalidToken):
        return NotSent("Telegram refuses the token", 30.0)
    if isinstance(error, BadRequest):
        # PTB appends the whole of an answer that is no JSON, which may repeat the message.
        return Undeliverable(error.message.partition(". Parsing the server response")[0])
    if isinstance(error, NetworkError) and surely_not_sent is not None and surely_not_sent(error):
        return NotSent("no contact")
    return MaybeSent(type(error).__name__)
