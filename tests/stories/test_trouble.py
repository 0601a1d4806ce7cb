"""Providers and Telegram in trouble: the chat says what is the matter, and nothing is lost."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import httpx

from bot.domain.time import MINUTE
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.signature import sign
from tests.support import says
from tests.support.stories import HOOK_SECRET, SIGNING_SECRET, playing, until


async def test_an_empty_provider_is_said_and_nothing_is_charged(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("whatsapp germany", says.PRICE)
        story.sandbox.mode = "empty"
        await ada.press(says.CONFIRM)
        card = await ada.sees(says.NO_NUMBERS, says.NOTHING_CHARGED)
        assert card.button("Other countries")
        assert story.balance(ada) == 25
        story.clock.advance(MINUTE)
        gone = await ada.asks("telegram", says.NONE_NOW, "Telegram")
        assert gone.buttons
        gone = await ada.asks("telegram germany", "No numbers for this")
        assert gone.buttons
        story.sandbox.mode = "normal"
        story.clock.advance(MINUTE)
        await ada.buys()


async def test_a_provider_that_is_down_is_said_and_an_undecided_purchase_is_settled_later(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("whatsapp germany", says.PRICE)
        story.sandbox.mode = "down"
        await ada.pushes(says.CONFIRM, says.GETTING)
        await asyncio.sleep(0.5)
        assert story.state() == "buying", "no answer is not a refusal"
        assert story.balance(ada) < 25
        down = await ada.asks("telegram", says.NO_PROPER_ANSWER)
        assert down.buttons
        story.sandbox.mode = "normal"
        ada.look_from_now()
        failed = await ada.sees(says.NOTHING_CHARGED, kind="edit", within_s=8)
        assert failed.button(says.SAME_AGAIN)
        assert story.balance(ada) == 25
        assert story.sold() == []


async def test_a_purchase_whose_answer_was_lost_is_found_again(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("whatsapp germany", says.PRICE)
        story.sandbox.faults.add("allocate", "lost_answer")
        await ada.press(says.CONFIRM)
        card = await ada.sees(says.WAITING, within_s=8)
        assert len(story.sold()) == 1
        assert story.sold()[0]["phone"] == card.phone


async def test_a_garbled_answer_to_a_purchase_is_no_failure(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        for _ in range(2):
            await ada.asks("whatsapp germany", says.PRICE)
            story.sandbox.faults.add("allocate", "garbage")
            await ada.pushes(says.CONFIRM, says.WAITING, within_s=8)
        assert len(story.sold()) == 2


async def test_a_price_that_rose_is_said_and_nothing_is_charged(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("whatsapp germany", says.PRICE)
        story.sandbox.faults.add("allocate", "price_risen")
        await ada.press(says.CONFIRM)
        await ada.sees(says.PRICE_ROSE, says.NOTHING_CHARGED)
        assert story.balance(ada) == 25


async def test_every_other_refusal_of_a_purchase_has_its_sentence_too(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        for reason in ("provider_funds", "bad_key", "throttled", "bad_request", "provider_fault", "denied"):
            await ada.asks("whatsapp germany", says.PRICE)
            story.sandbox.faults.add("allocate", f"refuse:{reason}")
            await ada.press(says.CONFIRM)
            card = await ada.sees(says.NOTHING_CHARGED)
            assert reason not in card.text
            assert card.buttons
            assert story.balance(ada) == 25


async def test_a_verb_that_the_provider_refuses_or_does_not_answer_leaves_the_number_as_it_is(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.sms(card.phone, "code 919293")
        await ada.sees(says.SMS_HERE)
        await story.settled()
        faults = [("another_code", says.ANOTHER, kind) for kind in ("lost_answer", "refuse:throttled", "garbage")]
        for verb, label, fault in [*faults, ("finish", says.FINISH, "refuse:throttled")]:
            story.sandbox.faults.add(verb, fault)
            answer = await ada.pushes(label, "provider")
            assert answer.kind == "answer"
            assert story.state() == "active"
        await ada.pushes(says.FINISH, says.FINISHED)


async def test_a_finish_whose_answer_was_lost_is_found_to_have_happened(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.sms(card.phone, "code 919293")
        await ada.sees(says.SMS_HERE)
        story.sandbox.faults.add("finish", "lost_answer")
        await ada.pushes(says.FINISH, says.NO_PROPER_ANSWER)
        await ada.sees(says.FINISHED, kind="edit")


async def test_a_press_is_answered_within_two_seconds_although_the_provider_takes_six(tmp_path):
    async with playing(tmp_path, sandbox=SandboxSettings(cancel_from_ms=0, slow_s=(6.0, 6.0))) as story:
        ada, bob, eve = [await story.comes(name) for name in ("Ada", "Bob", "Eve")]
        await ada.asks("whatsapp germany", says.PRICE)
        await eve.asks("/buy", says.WHICH_SERVICE)
        phone = (await bob.buys()).phone
        story.sandbox.mode = "slow"
        story.clock.advance(MINUTE)
        await ada.pushes(says.CONFIRM, says.GETTING, within_s=2)
        await ada.sees(kind="answer", within_s=2)
        await eve.press("Telegram")
        await eve.sees(kind="answer", within_s=2)
        await eve.press("Menu")
        await eve.sees(kind="answer", within_s=2)
        started = time.monotonic()
        story.sms(phone, "code 123123")
        await bob.sees("123123", kind="message", within_s=2)
        assert time.monotonic() - started < 2, "another's slow purchase delays nobody's code"
        await ada.sees(says.WAITING, within_s=8)
        await eve.sees(says.HELLO, within_s=8)


async def test_who_has_blocked_the_bot_gets_their_codes_when_they_return(tmp_path):
    async with playing(tmp_path) as story:
        ada, bob = await story.comes("Ada"), await story.comes("Bob")
        phones = [(await person.buys()).phone for person in (ada, bob)]
        await story.settled()
        story.telegram.block(ada.id)
        for at in range(3):
            story.sms(phones[0], f"code 10000{at}")
        await until(lambda: story.rows("SELECT id FROM chats WHERE parked_at IS NOT NULL"))
        bob.look_from_now()
        story.sms(phones[1], "code 200000")
        await bob.sees("200000", kind="message", within_s=1)
        tried = len(story.sent())
        await asyncio.sleep(0.4)
        assert len(story.sent()) == tried, "nothing is tried while they are away"
        ada.look_from_now()
        story.telegram.unblock(ada.id)
        await ada.sees("3", says.WAITED, kind="message")
        for at in range(3):
            await ada.sees(f"10000{at}", kind="message")
        ids = [one.text.split("#")[-1] for one in ada.chat() if "10000" in one.text and "#" in one.text]
        assert sorted(ids) == ["1-1", "1-2", "1-3"]


async def test_a_code_for_someone_who_blocked_the_bot_is_paid_and_waits(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        await story.settled()
        story.telegram.block(ada.id)
        story.sms(card.phone, "code 424242")
        await until(lambda: story.rows("SELECT id FROM chats WHERE parked_at IS NOT NULL"))
        story.telegram.unblock(ada.id)
        await ada.asks("/numbers", "1 open")
        await ada.sees("424242", kind="message")


async def test_a_code_outlives_what_telegram_does_to_it(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        for ordinal, fault in enumerate(("429", "500", "502", "drop_before", "drop_after"), 1):
            await story.settled()
            ada.look_from_now()
            story.telegram.faults.add("sendMessage", fault, times=1, chat_id=ada.id, retry_after=1)
            story.sms(card.phone, f"code 86868{ordinal}")
            await ada.sees(f"86868{ordinal}", f"#1-{ordinal}", kind="message", within_s=8)
            edited = await ada.sees(f"86868{ordinal}", kind="edit")
            assert edited.message_id == card.message_id, "the card tells it too"
            await story.settled()
            copies = [one for one in ada.chat() if f"86868{ordinal}" in one.text and f"#1-{ordinal}" in one.text]
            assert len(copies) == (2 if fault == "drop_after" else 1), fault


async def test_a_code_that_telegram_never_acknowledges_is_sent_three_times_at_most(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        await story.settled()
        story.telegram.faults.add("sendMessage", "drop_after", times=None, chat_id=ada.id)
        ada.look_from_now()
        story.sms(card.phone, "code 535353")
        await until(lambda: story.rows("SELECT id FROM outbox WHERE state = 'unconfirmed'"), 8)
        await asyncio.sleep(0.3)
        copies = [one for one in ada.chat() if "535353" in one.text and one.message_id != card.message_id]
        assert len(copies) == 3
        assert all("#1-1" in one.text for one in copies)
        assert (await ada.sees(says.SMS_HERE, kind="edit")).copied("535353") == "535353"


class WhenShown:
    """Stands among those who watch the chats, and acts the moment a text appears."""

    def __init__(self, text: str, act: Callable[[], None]) -> None:
        self._text = text
        self._act = act

    def full(self) -> bool:
        return False

    def put_nowait(self, event: dict[str, Any]) -> None:
        if event["type"] == "message" and self._text in event["message"].get("text", ""):
            self._act()


async def test_the_rest_of_a_long_sms_that_telegram_puts_off_repeats_no_beginning(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        await story.settled()

        def put_off() -> None:
            story.telegram.faults.add("sendMessage", "429", times=2, chat_id=ada.id, retry_after=1)

        story.telegram.events._queues.add(WhenShown("BEGIN", put_off))
        ada.look_from_now()
        story.sms(card.phone, "code 979797 BEGIN " + "word " * 1500 + "END")
        await ada.sees("END", kind="message", within_s=10)
        await story.settled()
        assert sum("BEGIN" in one.text for one in ada.chat()) == 1
        assert sum("END" in one.text for one in ada.chat()) == 1


async def test_a_flood_limit_delays_but_loses_no_card_and_no_notice(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("whatsapp germany", says.PRICE)
        story.telegram.faults.add("editMessageText", "429", times=2, chat_id=ada.id, retry_after=1)
        await ada.pushes(says.CONFIRM, says.WAITING, within_s=8)
        story.telegram.faults.add("editMessageText", "500", times=2, chat_id=ada.id)
        await ada.press(says.CANCEL)
        await ada.sees(says.BACK_ON_BALANCE, kind="edit", within_s=8)
        await ada.sees(says.BACK_ON_BALANCE, kind="message")


HOSTILE = {
    "html": "<b>bold</b> <script>alert(1)</script> &amp; &lt; <tg-spoiler>x</tg-spoiler> </blockquote>",
    "markdown": "*bold* _it_ `code` [a](tg://user?id=1) ||s||",
    "long": "word " * 1800,
    "very long": "я" * 4096 * 3,
    "one endless word": "x" * 9000,
    "right to left": "رمز التحقق الخاص بك هو ١٢٣٤٥٦",
    "overrides": "code \u202e654321\u202c \u2066\u2067\u2068 \u2069",
    "zero width": "4\u200b8\u200c1\u200d5\ufeff1\u20606",
    "only zero width": "\u200b\u200c\u200d\ufeff",
    "only whitespace": " \n\t\r\n ",
    "empty": "",
    "controls": "a\x00b\x01c\x1b[31m\x7f\u0085\u2028d",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈 " * 400,
    "combining": "Z" + "\u0301" * 3000,
    "lines": "\n" * 3000 + "end",
    "entities": "&" * 4200,
    "link": "https://evil.example/?a=<b>&c=1 @someone #tag /start +15550100",
}


def _last_part_came(person):
    """Of a text in several messages, only the first and the last have buttons."""
    parts = [one for one in person.since() if one.kind == "message"]
    return len(parts) > 1 and parts[-1].buttons


async def test_of_a_long_sms_the_message_with_the_code_has_its_button_and_the_id(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        ada.look_from_now()
        story.sms(card.phone, "Your code is 481516. " + "Keep it to yourself. " * 500)
        first = await ada.sees("481516", "#1-1", kind="message")
        assert first.copied(says.COPY) == "481516"
        await until(lambda: _last_part_came(ada), within_s=8)
        parts = [one for one in ada.since() if one.kind == "message"]
        assert parts[0] == first
        assert len(parts) > 2
        assert [bool(part.buttons) for part in parts] == [True, *[False] * (len(parts) - 2), True]
        assert parts[-1].button(says.THIS_NUMBER)


async def test_hostile_texts_all_arrive(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        for ordinal, (what, text) in enumerate(HOSTILE.items(), 1):
            ada.look_from_now()
            story.sms(card.phone, text, sender="<i>S</i>\u202e")
            await ada.sees(f"#1-{ordinal}", kind="message", within_s=8)
            if len(text.encode("utf-16-le")) // 2 > 4000:
                await until(lambda: _last_part_came(ada), within_s=8)
            parts = [one for one in ada.since() if one.kind == "message"]
            if what in ("html", "markdown"):
                assert text in parts[0].text, what
            if what in ("long", "very long", "one endless word"):
                whole = "".join(part.text for part in parts)
                assert whole.count(text[0]) >= text.count(text[0]), what
            assert all(len(part.text.encode("utf-16-le")) // 2 <= 4096 for part in parts)
        await story.settled()
        assert not story.rows("SELECT key, state FROM outbox WHERE state NOT IN ('sent', 'pending')")


async def test_half_a_surrogate_pair_in_a_webhook_arrives_too(tmp_path):
    async with playing(tmp_path, hooks=False) as story:
        ada = await story.comes()
        await ada.buys()
        ref = story.sold()[0]["provider_ref"].encode()
        body = (
            b'{"id": "m1", "type": "sms.received", "provider_ref": "' + ref + b'", "sms": {"id": "s1", '
            b'"sender": "\\udc00", "text": "half \\ud83d code 565758", "received_at": 1795000000000}}'
        )
        headers = sign(SIGNING_SECRET, "m1", story.clock() // 1000, body)
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{story.url}/hooks/sandbox/{HOOK_SECRET}", content=body, headers=headers)
        assert answer.status_code == 200
        await ada.sees("565758", kind="message")


async def test_updates_go_on_after_telegram_was_away(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        for kind in ("502", "drop_before"):
            story.telegram.faults.add("getUpdates", kind, times=1)
            with contextlib.suppress(AssertionError):
                await ada.asks("/start", says.HELLO, within_s=3)
        await ada.asks("/help", "How it works", within_s=8)
