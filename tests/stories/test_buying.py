"""From a press to the code in the chat, by every way that leads there."""

import asyncio
import time

import pytest

from bot.providers.sandbox.settings import SandboxSettings
from bot.services.clock import now_ms
from bot.services.rhythm import Sweep
from tests.support import says
from tests.support.stories import OWNER_ID, Person, playing, until


@pytest.mark.parametrize("webhook", [False, True], ids=["by long poll", "by webhook"])
async def test_a_person_presses_their_way_to_a_code(tmp_path, webhook):
    async with playing(tmp_path, webhook=webhook) as story:
        ada = await story.comes("Ada")
        await ada.sees(says.HELLO, "Ada")
        await ada.pushes(says.GET, says.WHICH_SERVICE)
        await ada.pushes("WhatsApp", "WhatsApp", says.WHICH_COUNTRY)
        offer = await _turn_pages_to(ada, "Germany")
        assert "25.00" in offer.text, "the balance stands beside the price"
        assert says.ONLY_IF in offer.text
        story.sandbox.faults.add("allocate", "delay:0.5")  # or the number may be there before the wait is shown
        await ada.press(says.CONFIRM)
        await ada.sees(says.GETTING)
        card = await ada.sees(says.WAITING, says.TEST)
        assert card.message_id == offer.message_id, "the pressed message becomes the card"
        assert card.marked("code") == [card.phone]
        assert card.copied(says.COPY_NUMBER) == card.phone
        assert len(card.buttons) == 3, "nothing but Copy and Cancel can be done with it now"
        assert card.button(says.CANCEL)
        assert card.button(says.MENU)
        assert story.rows("SELECT balance FROM accounts WHERE id = 'holds'")[0]["balance"] > 0

        ada.look_from_now()
        story.sms(card.phone, "Your WhatsApp code: 481-516. Don't share it <ever> & be safe")
        sms = await ada.sees("481516", kind="message")
        assert sms.copied(says.COPY) == "481516"
        assert "481516" in sms.marked("code")
        assert "Your WhatsApp code: 481-516. Don't share it <ever> & be safe" in sms.text
        after = await ada.sees(says.SMS_HERE, kind="edit")
        assert after.message_id == card.message_id
        assert after.button(says.ANOTHER)
        assert after.button(says.FINISH)
        assert after.copied("481516") == "481516"
        await story.settled()
        assert len([one for one in ada.chat() if "#1-1" in one.text]) == 1, "by webhook and by poll, delivered once"
        (sold,) = story.sold()
        assert story.balance(ada) == pytest.approx(25 - sold["cost"] / 10_000)


async def _turn_pages_to(person: Person, country: str):
    for _ in range(30):
        shown = person.chat()[-1]
        if any(country in button["text"] for button in shown.buttons):
            return await person.pushes(country, says.PRICE)
        await person.pushes("›", says.WHICH_COUNTRY)
    raise AssertionError(f"{country} is on no page")


async def test_another_code_and_done(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.sms(card.phone, "code 111222")
        await ada.sees("111222", kind="message")
        await ada.sees(says.SMS_HERE)
        answer = await ada.pushes(says.ANOTHER, says.ASKED_AGAIN)
        assert answer.kind == "answer"
        story.sms(card.phone, "code 333444")
        await ada.sees("333444", "#1-2", kind="message")
        await ada.pushes(says.FINISH, says.FINISHED)
        closed = await ada.sees(says.FINISHED, kind="edit")
        assert closed.button(says.SAME_AGAIN)
        assert story.state() == "completed"
        assert story.sold()[0]["state"] == "finished"
        assert story.balance(ada) == pytest.approx(25 - story.sold()[0]["cost"] / 10_000), "two codes, one price"
        fresh = await ada.pushes(says.SAME_AGAIN, says.PRICE)
        assert fresh.message_id != card.message_id, "the finished card stays as it is"


async def test_two_equal_sms_are_both_delivered(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.sms(card.phone, "code 777888")
        await ada.sees("777888", "#1-1", kind="message")
        story.sms(card.phone, "code 777888")
        await ada.sees("777888", "#1-2", kind="message")


async def test_typed_words_lead_to_the_price_however_they_are_spelled(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        for words in (
            "whatsapp germany",
            "whatsap germny",
            "WhatsApp, Germany!",
            "wa de",
            "/buy whatsapp germany",
            "вотсап германия",
            "germany whatsapp",
        ):
            offer = await ada.asks(words, says.PRICE, "WhatsApp", "Germany")
            assert offer.button(says.CONFIRM), words


async def test_other_typed_words_lead_on_too(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("/buy telegram us", says.PRICE, "Telegram", "USA")
        await ada.asks("telegram", "Telegram", says.WHICH_COUNTRY)
        by_country = await ada.asks("germany", "Germany", "service")
        assert any("WhatsApp" in button["text"] for button in by_country.buttons)
        await ada.pushes("WhatsApp", says.PRICE, "WhatsApp", "Germany")
        for nonsense in ("qqzzxxjj", "🦄🦄🦄", "<b>", "%s%n{0}", "a" * 4096, ". . .", "-", "/buy ???"):
            lost = await ada.asks(nonsense)
            assert says.UNKNOWN_NAME in lost.text or says.DID_YOU_MEAN in lost.text, (nonsense, lost.text)
            assert lost.buttons, "there is a way on"


async def test_a_greeting_is_answered_with_the_menu_and_chatter_with_no_wild_guess(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        for greeting in ("hello", "Hi there!", "привет"):
            menu = await ada.asks(greeting, says.HELLO)
            assert menu.button(says.GET), greeting
        for chatter in ("thanks", "how much is it?", "weather"):
            await ada.asks(chatter, says.UNKNOWN_NAME)


async def test_the_price_lists_are_read_before_somebody_asks(tmp_path):
    async with playing(tmp_path, sandbox=SandboxSettings(slow_s=(3.0, 3.0))) as story:
        ada = await story.comes()
        story.app._scheduler.wake(Sweep.CATALOGUE)
        await until(lambda: len([one for one in story.app._shelf._lists.values() if one.at]) == 2)
        story.sandbox.mode = "slow"
        await ada.pushes(says.GET, says.WHICH_SERVICE, within_s=1.5)


async def test_a_stop_does_not_wait_for_price_lists_that_nobody_asked_for(tmp_path):
    async with playing(tmp_path, sandbox=SandboxSettings(slow_s=(2.0, 2.0))) as story:
        story.sandbox.mode = "slow"
        story.app._scheduler.wake(Sweep.CATALOGUE)
        await until(lambda: story.app._errands._tasks)
        started = time.monotonic()
        await story.app._errands.drain(0)
        assert time.monotonic() - started < 1.0
        assert not story.app._errands._tasks


async def test_a_picture_or_sticker_is_answered_too(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        ada.look_from_now()
        chat = story.telegram.chat(ada.id)
        photo = {"photo": [{"file_id": "a", "file_unique_id": "a", "width": 1, "height": 1}]}
        sender = story.telegram.person(ada.id).view()
        story.telegram.updates.put("message", story.telegram.publish(chat, sender, photo), chat.id)
        answer = await ada.sees(says.UNKNOWN_NAME)
        assert answer.buttons


@pytest.mark.parametrize("webhook", [False, True], ids=["by long poll", "by webhook"])
async def test_a_double_tap_on_confirm_buys_one_number_with_one_hold(tmp_path, webhook):
    async with playing(tmp_path, webhook=webhook) as story:
        ada = await story.comes()
        offer = await ada.asks("whatsapp germany", says.PRICE)
        data = offer.button(says.CONFIRM)["callback_data"]
        ada.look_from_now()
        for _ in range(2):
            story.telegram.press(ada.id, ada.id, offer.message_id, data)
        await ada.sees(says.WAITING)
        await story.settled()
        assert len(story.sold()) == 1
        assert len(story.rows("SELECT id FROM transfers WHERE kind = 'hold'")) == 1
        assert len(story.rows("SELECT id FROM numbers")) == 1
        answers = [one for one in ada.since() if one.kind == "answer"]
        assert len(answers) == 2, "both presses are answered"
        assert len([one for one in ada.chat() if story.sold()[0]["phone"] in one.text]) == 1


async def test_an_update_that_telegram_posts_twice_counts_once(tmp_path):
    async with playing(tmp_path, webhook=True) as story:
        owner = await story.comes("Olga", user_id=OWNER_ID, money=0)
        post = story.telegram.webhook.post

        async def twice(url: str, headers: dict[str, str], body: bytes) -> int:
            statuses = await asyncio.gather(post(url, headers, body), post(url, headers, body))
            return max(statuses)

        story.telegram.webhook.post = twice
        await owner.asks("/credit 777 7.50 gift", says.CREDITED)
        offer = await owner.asks("whatsapp germany", says.PRICE)
        assert story.balance(owner) == 7.5
        await owner.pushes(says.CONFIRM, says.WAITING)
        await story.settled()
        assert len(story.sold()) == 1
        assert offer.buttons


async def test_my_numbers_history_and_messages(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("/numbers", says.NO_OPEN)
        await ada.asks("/history", "No past numbers")
        card = await ada.buys()
        story.sms(card.phone, "first 121212", sender="<Bank>")
        await ada.sees("121212", kind="message")
        await story.settled()
        listed = await ada.asks("/numbers", "1 open number")
        assert any("WhatsApp" in button["text"] for button in listed.buttons)
        again = await ada.pushes("WhatsApp ·", says.SMS_HERE)
        assert again.message_id != card.message_id
        await ada.sees(says.MOVED, kind="edit")
        messages = await ada.pushes(says.ALL_SMS, "first 121212", "<Bank>")
        assert messages.buttons
        await ada.pushes(says.FINISH, says.FINISHED)
        await ada.sees(says.FINISHED, kind="edit")
        past = await ada.asks("/history", says.HISTORY)
        today = story.app._texts.of("en").day(now_ms())
        assert past.button(f"☑️ {today} · WhatsApp · 🇩🇪 {card.phone}")
        await ada.pushes("☑️ ", says.FINISHED)


async def test_a_long_history_has_pages(tmp_path):
    async with playing(tmp_path, settings={"LIMIT_PURCHASES_PER_MINUTE": "50"}) as story:
        ada = await story.comes()
        for _ in range(9):
            card = await ada.buys()
            story.sms(card.phone, "code 555666")
            await ada.sees(says.SMS_HERE)
            await ada.pushes(says.FINISH, says.FINISHED)
            await ada.sees(says.FINISHED, kind="edit")
        first = await ada.asks("/history", says.HISTORY)
        assert len([button for button in first.buttons if "WhatsApp" in button["text"]]) == 8
        older = await ada.pushes("Earlier", says.HISTORY)
        assert len([button for button in older.buttons if "WhatsApp" in button["text"]]) == 1
