"""Numbers that bring nothing, and rentals: what becomes of them, and of the money."""

import asyncio

import pytest

from bot.domain.time import HOUR, MINUTE
from bot.providers.sandbox.settings import SandboxSettings
from tests.support import says
from tests.support.stories import playing


async def test_a_cancel_brings_the_money_back_and_says_so(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.buys()
        assert story.balance(ada) < 25
        answer = await ada.pushes(says.CANCEL, says.CANCELLING)
        assert answer.kind == "answer"
        closed = await ada.sees(says.CANCELLED, says.BACK_ON_BALANCE, kind="edit")
        assert closed.button(says.SAME_AGAIN)
        notice = await ada.sees(says.CANCELLED, says.BACK_ON_BALANCE, kind="message")
        assert notice.buttons
        assert story.balance(ada) == 25
        assert story.sold()[0]["state"] == "cancelled"


async def test_a_cancel_that_is_too_early_is_queued_and_happens_when_it_may(tmp_path):
    async with playing(tmp_path, sandbox=SandboxSettings(cancel_from_ms=5 * MINUTE)) as story:
        ada = await story.comes()
        await ada.buys()
        await ada.pushes(says.CANCEL, says.NOTED)
        await ada.sees(says.WILL_BE_CANCELLED, kind="edit")
        assert story.balance(ada) < 25, "nothing is back before the provider has said so"
        ada.look_from_now()
        story.clock.advance(5 * MINUTE)
        await ada.sees(says.CANCELLED, says.BACK_ON_BALANCE, kind="message")
        assert story.balance(ada) == 25
        assert story.sold()[0]["state"] == "cancelled"


async def test_a_code_that_comes_after_a_queued_cancel_takes_the_wish_back(tmp_path):
    async with playing(tmp_path, sandbox=SandboxSettings(cancel_from_ms=5 * MINUTE)) as story:
        ada = await story.comes()
        card = await ada.buys()
        await ada.pushes(says.CANCEL, says.NOTED)
        await ada.sees(says.WILL_BE_CANCELLED)
        story.sms(card.phone, "code 246810")
        await ada.sees("246810", kind="message")
        await ada.sees(says.SMS_HERE, kind="edit")
        story.clock.advance(6 * MINUTE)
        await asyncio.sleep(0.3)
        assert story.state() == "active"
        assert story.balance(ada) < 25


async def test_a_number_without_sms_expires_and_the_money_is_back(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.buys()
        ada.look_from_now()
        story.clock.advance(20 * MINUTE)
        notice = await ada.sees(says.NO_SMS, says.BACK_ON_BALANCE, kind="message")
        assert notice.button(says.SAME_AGAIN)
        await ada.sees("No SMS came in time", kind="edit")
        assert story.balance(ada) == 25
        assert story.state() == "expired"


async def test_a_code_that_comes_late_is_delivered_and_costs_nothing(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.clock.advance(20 * MINUTE)
        await ada.sees(says.NO_SMS, kind="message")
        ada.look_from_now()
        story.sms(card.phone, "late 909090")
        await ada.sees("909090", kind="message")
        await story.settled()
        assert story.balance(ada) == 25


@pytest.mark.parametrize("first", ["cancel", "expiry"])
async def test_cancel_and_expiry_racing_give_one_refund(tmp_path, first):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        cancel = card.button(says.CANCEL)["callback_data"]
        if first == "cancel":
            story.telegram.press(ada.id, ada.id, card.message_id, cancel)
            story.clock.advance(20 * MINUTE)
        else:
            story.clock.advance(20 * MINUTE)
            ada.forge(cancel, card.message_id)
        await ada.sees(says.BACK_ON_BALANCE, kind="message")
        await story.settled()
        assert story.balance(ada) == 25
        back = story.rows("SELECT kind FROM transfers WHERE kind IN ('release', 'refund')")
        assert len(back) == 1
        told = [one for one in ada.log() if one.kind == "message" and says.BACK_ON_BALANCE in one.text]
        assert len(told) == 1


async def test_verbs_on_a_number_that_is_gone_change_nothing_and_say_so(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.sms(card.phone, "code 112233")
        await ada.sees(says.SMS_HERE)
        await ada.pushes(says.FINISH, says.FINISHED)
        await ada.sees(says.FINISHED, kind="edit")
        before = story.rows("SELECT * FROM numbers")
        for data in ("ac:1", "fi:1", "ca:1", "rn:1", "rq:1:24", "rl:1:1"):
            ada.forge(data)
            await ada.sees(says.WRONG_STATE) if data != "rn:1" else await ada.sees("WhatsApp")
        assert story.rows("SELECT * FROM numbers") == before


async def test_a_rental_is_bought_renewed_and_released(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes(money=100)
        await ada.asks("/rent", says.WHICH_SERVICE)
        await ada.pushes("WhatsApp", says.WHICH_COUNTRY, "WhatsApp")
        lengths = await ada.pushes(ada.chat()[-1].buttons[0]["text"], says.HOW_LONG)
        assert len(lengths.buttons) >= 6
        offer = await ada.pushes("1 day", says.PRICE)
        assert "Charged at once" in offer.text
        card = await ada.pushes(says.CONFIRM, says.YOURS)
        price = story.sold()[0]["cost"] / 10_000
        assert story.balance(ada) == pytest.approx(100 - price)

        await ada.pushes(says.RENEW, "How much longer")
        await ada.pushes("3 days", "more for")
        await ada.press(says.CONFIRM)
        renewed = await ada.sees(says.RENEWED, kind="message")
        assert renewed.buttons
        extra = story.sold()[0]["renewals"][0]["cost"] / 10_000
        assert story.sold()[0]["renewals"][0]["hours"] == 72
        statement = (await ada.asks("/balance", "Your balance")).text
        assert statement.index("renewal, WhatsApp") < statement.index("purchase, WhatsApp")
        assert story.balance(ada) == pytest.approx(100 - price - extra)
        bought, ends = story.rows("SELECT created_at, expires_at FROM numbers")[0].values()
        assert 95 * HOUR < ends - bought < 97 * HOUR

        story.sms(card.phone, "code 100200")
        await ada.sees("100200", kind="message")
        story.sms(card.phone, "code 300400")
        await ada.sees("300400", kind="message")
        await ada.pushes(says.RELEASE, says.NOT_REFUNDED)
        await ada.press(says.RELEASE)
        await ada.sees(says.FINISHED, kind="edit")
        assert story.state() == "completed"
        assert story.sold()[0]["state"] == "finished"
        assert story.balance(ada) == pytest.approx(100 - price - extra)


async def test_a_rental_released_at_once_is_refunded(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes(money=100)
        ada.forge("of:rental:wa:DE:24")
        await ada.sees(says.PRICE)
        await ada.pushes(says.CONFIRM, says.YOURS)
        assert story.balance(ada) < 100
        await ada.pushes(says.RELEASE, says.REFUNDED)
        await ada.press(says.RELEASE)
        await ada.sees(says.BACK_ON_BALANCE, kind="message")
        assert story.balance(ada) == 100
        assert story.sold()[0]["state"] == "cancelled"


async def test_a_rental_that_runs_its_time_is_completed(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes(money=100)
        ada.forge("of:rental:wa:DE:4")
        await ada.sees(says.PRICE)
        await ada.pushes(says.CONFIRM, says.YOURS)
        ada.look_from_now()
        story.clock.advance(4 * HOUR)
        await ada.sees(says.FINISHED, kind="edit")
        assert story.state() == "completed"
        assert story.balance(ada) < 100


async def test_a_renewal_pressed_twice_is_paid_once(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes(money=100)
        ada.forge("of:rental:wa:DE:24")
        await ada.sees(says.PRICE)
        await ada.pushes(says.CONFIRM, says.YOURS)
        await ada.pushes(says.RENEW, "How much longer")
        offer = await ada.pushes("1 day", "more for")
        data = offer.button(says.CONFIRM)["callback_data"]
        ada.look_from_now()
        story.telegram.press(ada.id, ada.id, offer.message_id, data)
        story.telegram.press(ada.id, ada.id, offer.message_id, data)
        await ada.sees(says.RENEWED)
        await story.settled()
        assert len(story.sold()[0]["renewals"]) == 1
        assert len(story.rows("SELECT id FROM transfers WHERE id LIKE 'r%:capture'")) == 1
