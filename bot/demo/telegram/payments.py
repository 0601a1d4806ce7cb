"""Telegram Stars: an invoice is paid, the bot confirms within ten seconds, and may give the Stars back."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from bot.demo.telegram.chats import Chat, Person
from bot.demo.telegram.errors import OLD_QUERY, bad_request
from bot.demo.telegram.state import State

ANSWER_WITHIN_S = 10.0
KEPT = 10_000

Status = Literal["pending", "paid", "declined", "expired", "refunded"]


@dataclass(slots=True)
class Payment:
    query_id: str
    person: Person
    chat: Chat
    invoice: dict[str, Any]
    payload: str
    status: Status = "pending"
    charge_id: str = ""
    error: str = ""
    """What the bot told the person when it declined."""
    timer: asyncio.TimerHandle | None = None


class Payments:
    def __init__(self, state: State) -> None:
        self._state = state
        self._payloads: OrderedDict[tuple[int, int], str] = OrderedDict()
        self._by_query: OrderedDict[str, Payment] = OrderedDict()
        self._by_charge: dict[str, Payment] = {}
        self._numbers = count(1)
        self.answer_within_s = ANSWER_WITHIN_S

    def remember(self, chat: Chat, message_id: int, payload: str) -> None:
        """The payload of an invoice, which a Message does not show."""
        self._payloads[chat.id, message_id] = payload
        if len(self._payloads) > KEPT:
            self._payloads.popitem(last=False)

    def status(self, query_id: str) -> Status:
        return self._by_query[query_id].status

    def start(self, person: Person, chat: Chat, message: dict[str, Any]) -> str:
        """Ask the bot whether it will take the payment; the pre-checkout query's id."""
        query_id = str((person.id << 32) + next(self._numbers))
        payload = self._payloads.get((chat.id, message["message_id"]), "")
        payment = Payment(query_id, person, chat, message["invoice"], payload)
        self._by_query[query_id] = payment
        if len(self._by_query) > KEPT:
            _, oldest = self._by_query.popitem(last=False)
            self._by_charge.pop(oldest.charge_id, None)
        loop = asyncio.get_running_loop()
        payment.timer = loop.call_later(self.answer_within_s, self._settle, payment, "expired")
        query = {
            "id": query_id,
            "from": person.view(),
            "currency": payment.invoice["currency"],
            "total_amount": payment.invoice["total_amount"],
            "invoice_payload": payload,
        }
        self._state.updates.put("pre_checkout_query", query, person.id)
        return query_id

    def answer(self, query_id: str, ok: bool, error: str) -> None:
        """answerPreCheckoutQuery. Raises ApiError 400 when answered already, unknown or too late."""
        payment = self._by_query.get(query_id)
        if payment is None or payment.status != "pending":
            raise bad_request(OLD_QUERY)
        if ok:
            self._pay(payment)
        elif not error:
            raise bad_request('parameter "error_message" is required')
        else:
            payment.error = error
            self._settle(payment, "declined")

    def refund(self, user_id: int, charge_id: str) -> None:
        """refundStarPayment: the person sees the refund in the chat."""
        payment = self._by_charge.get(charge_id)
        if payment is None or payment.person.id != user_id:
            raise bad_request("CHARGE_NOT_FOUND")
        if payment.status == "refunded":
            raise bad_request("CHARGE_ALREADY_REFUNDED")
        self._settle(payment, "refunded")
        self._show(payment, "refunded_payment")

    def _pay(self, payment: Payment) -> None:
        payment.charge_id = f"stx{payment.query_id}"
        self._by_charge[payment.charge_id] = payment
        self._settle(payment, "paid")
        self._show(payment, "successful_payment")

    def _settle(self, payment: Payment, status: Status) -> None:
        if payment.timer is not None:
            payment.timer.cancel()
        payment.status = status
        event = {"type": "payment", "user_id": payment.person.id, "query_id": payment.query_id}
        self._state.events.emit({**event, "status": status, "error": payment.error})

    def _show(self, payment: Payment, kind: str) -> None:
        content = {
            "currency": payment.invoice["currency"],
            "total_amount": payment.invoice["total_amount"],
            "invoice_payload": payment.payload,
            "telegram_payment_charge_id": payment.charge_id,
            "provider_payment_charge_id": payment.charge_id,
        }
        message = self._state.publish(payment.chat, payment.person.view(), {kind: content})
        self._state.updates.put("message", message, payment.chat.id)
