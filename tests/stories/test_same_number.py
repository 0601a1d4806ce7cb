"""The same number again: a code on the phone of an activation that is over, in both languages."""

import pytest

from tests.support import says
from tests.support.stories import playing


async def test_the_phone_of_a_number_that_is_done_gets_one_more_code(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.sms(card.phone, "Your code is 111222")
        await ada.sees("111222", kind="message")
        done = await ada.pushes(says.FINISH, says.FINISHED, says.PRICE)
        assert done.button(says.SAME_NUMBER)
        spent = 25 - story.balance(ada)
        offer = await ada.pushes(says.SAME_NUMBER, says.ONE_MORE_CODE, says.ONLY_IF)
        assert card.phone in offer.text.replace(" ", "")
        again = await ada.pushes(says.CONFIRM, says.WAITING)
        assert (again.phone, again.message_id == offer.message_id) == (card.phone, True)
        story.sms(card.phone, "Your code is 333444")
        await ada.sees("333444", kind="message")
        await story.settled()
        assert story.balance(ada) == pytest.approx(25 - 2 * spent)
        sold = story.sold()
        assert len(sold) == 2
        assert [one["sms"] for one in sold] == [1, 1]
        assert len({one["phone"] for one in sold}) == 1
        # the card of the first, from the history, offers it still; the provider knows that somebody has it
        await ada.asks("/history", "History")
        await ada.press("☑️ ")
        await ada.sees(says.FINISHED, kind="message")
        await ada.pushes(says.SAME_NUMBER, says.NOT_GIVEN_OUT)


async def test_a_refusal_at_the_last_moment_brings_the_money_back(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.sms(card.phone, "Your code is 111222")
        await ada.sees("111222", kind="message")
        await ada.pushes(says.FINISH, says.FINISHED)
        before = story.balance(ada)
        await ada.pushes(says.SAME_NUMBER, says.ONE_MORE_CODE)
        story.sandbox.faults.add("again", "refuse:denied")
        failed = await ada.pushes(says.CONFIRM, says.NOT_GIVEN_OUT, says.NOTHING_CHARGED)
        assert failed.button(says.SAME_AGAIN)
        assert story.balance(ada) == before


async def test_in_russian_too(tmp_path):
    async with playing(tmp_path) as story:
        mila = await story.comes("Мила", "ru")
        await mila.asks("ватсап германия", "Цена:")
        card = await mila.pushes("Подтвердить", "Номер ждёт SMS")
        story.sms(card.phone, "Ваш код 111222")
        await mila.sees("111222", kind="message")
        await mila.pushes("Готово", "Номер закрыт")
        offer = await mila.pushes("Тот же номер ещё раз", "для нового кода", "Вы платите, только если придёт SMS")
        assert card.phone in offer.text.replace(" ", "")
        again = await mila.pushes("Подтвердить", "Номер ждёт SMS")
        assert again.phone == card.phone
