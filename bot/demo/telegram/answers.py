"""Methods that answer what a person just did, and those of the Stars flow."""

from typing import Any

from bot.demo.telegram import markup
from bot.demo.telegram.access import writable
from bot.demo.telegram.compose import send
from bot.demo.telegram.errors import bad_request
from bot.demo.telegram.params import Params
from bot.demo.telegram.registry import method
from bot.demo.telegram.state import Message
from bot.demo.telegram.world import TelegramWorld

ANSWER_LIMIT = 200
CHAT_ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)


@method("answerCallbackQuery")
def answer_callback_query(world: TelegramWorld, params: Params) -> bool:
    text = params.text("text")
    if len(text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    if "url" in params and not params.text("url").startswith(("tg://", "https://t.me/")):
        raise bad_request("URL_INVALID")
    query_id = params.text("callback_query_id")
    user_id = world.callbacks.close(query_id)
    world.events.emit(
        {
            "type": "callback_answer",
            "user_id": user_id,
            "query_id": query_id,
            "text": text,
            "show_alert": params.flag("show_alert"),
        }
    )
    return True


@method("sendChatAction")
def send_chat_action(world: TelegramWorld, params: Params) -> bool:
    action = params.text("action")
    if action not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = writable(world, params)
    world.events.emit({"type": "chat_action", "chat_id": chat.id, "action": action})
    return True


@method("sendInvoice")
def send_invoice(world: TelegramWorld, params: Params) -> Message:
    """Stars only: a provider's token is refused, for there is no bank on loopback."""
    for name in ("title", "description", "payload", "currency"):
        params.required(name)
    total = _stars(params)
    if len(params.text("title")) > 32 or len(params.text("description")) > 255:
        raise bad_request("wrong invoice information specified")
    if len(params.text("payload").encode()) > 128:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    keyboard = _pay_keyboard(params, total)
    chat = writable(world, params)
    invoice = {
        "title": params.text("title"),
        "description": params.text("description"),
        "start_parameter": params.text("start_parameter"),
        "currency": "XTR",
        "total_amount": total,
    }
    with_button = Params({**params.values, "reply_markup": keyboard})
    message = send(world, chat, with_button, {"invoice": invoice})
    world.payments.remember(chat, message["message_id"], params.text("payload"))
    return message


def _stars(params: Params) -> int:
    """The price, which in Stars is exactly one."""
    prices = params.array("prices", "labeled prices")
    if not prices:
        raise bad_request('parameter "prices" is required')
    for price in prices:
        if not isinstance(price, dict) or not price.get("label") or not isinstance(price.get("amount"), int):
            raise bad_request("can't parse labeled price: LabeledPrice must be an Object")
    if params.text("currency") != "XTR":
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    if len(prices) != 1 or params.text("provider_token"):
        raise bad_request("STARS_INVOICE_INVALID")
    amount: int = prices[0]["amount"]
    if not 1 <= amount <= 100_000:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    return amount


def _pay_keyboard(params: Params, total: int) -> dict[str, Any]:
    keyboard = markup.inline_only(params.object("reply_markup", "reply markup"))
    if keyboard is None:
        return {"inline_keyboard": [[{"text": f"Pay ⭐️{total}", "pay": True}]]}
    if not keyboard["inline_keyboard"][0][0].get("pay"):
        raise bad_request("REPLY_MARKUP_BUY_EMPTY")
    return keyboard


@method("answerPreCheckoutQuery")
def answer_pre_checkout_query(world: TelegramWorld, params: Params) -> bool:
    query_id = params.text("pre_checkout_query_id")
    world.payments.answer(query_id, params.flag("ok"), params.text("error_message"))
    return True


@method("refundStarPayment")
def refund_star_payment(world: TelegramWorld, params: Params) -> bool:
    if params.number("user_id") <= 0:
        raise bad_request("invalid user_id specified")
    world.payments.refund(params.number("user_id"), params.required("telegram_payment_charge_id"))
    return True
