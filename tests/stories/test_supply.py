"""What the admins see of the providers, and what reaches them when something is the matter with one."""

import asyncio
from dataclasses import replace

from bot.domain.money import ONE
from bot.domain.time import MINUTE
from bot.services.rhythm import Sweep
from tests.support import says
from tests.support.stories import OWNER_ID, SHORT, Person, Story, playing, until

SECOND_ADMIN = 778
TWO_ADMINS = {"ADMIN_IDS": f"{OWNER_ID},{SECOND_ADMIN}"}
HASTY = replace(SHORT, failing_after=300, well_after=300)


async def look(story: Story, *, later: int = 0) -> None:
    """The clock is put forward, and the providers are looked at once more."""
    story.clock.advance(later)
    before = _looked_at(story)
    story.app._scheduler.wake(Sweep.PROVIDERS)
    await until(lambda: _looked_at(story) > before)
    await story.settled()


def _looked_at(story: Story) -> int:
    rows = story.rows("SELECT looked_at FROM provider_states")
    return int(rows[0]["looked_at"]) if rows else 0


def times_told(person: Person, words: str) -> int:
    return sum(words in one.text for one in person.chat())


async def test_a_balance_that_falls_and_is_filled_is_one_message_each_for_every_admin_and_none_for_members(tmp_path):
    async with playing(tmp_path, settings=TWO_ADMINS) as story:
        ada = await story.comes("Ada", user_id=OWNER_ID)
        bob = await story.comes("Боб", "ru", user_id=SECOND_ADMIN)
        eve = await story.comes("Eve")
        await look(story)
        story.sandbox.balance = 3 * ONE
        await look(story, later=MINUTE)
        low = await ada.sees("sandbox", "$3.00", says.LITTLE_LEFT, "$5.00", kind="message")
        assert low.button(says.PROVIDERS)
        await bob.sees("sandbox", "осталось", kind="message")
        for _ in range(3):
            await look(story, later=MINUTE)
        assert [times_told(ada, says.LITTLE_LEFT), times_told(bob, "осталось")] == [1, 1]
    async with playing(tmp_path, settings=TWO_ADMINS) as story:
        story.sandbox.balance = 3 * ONE
        ada = await story.comes("Ada", user_id=OWNER_ID)
        bob = await story.comes("Боб", "ru", user_id=SECOND_ADMIN)
        eve = await story.comes("Eve")
        await look(story)
        await look(story, later=MINUTE)
        assert times_told(ada, says.LITTLE_LEFT) == 0
        story.sandbox.balance = 40 * ONE
        await look(story, later=MINUTE)
        await ada.sees("sandbox", "$40.00", says.FILLED, kind="message")
        await bob.sees("sandbox", "пополнен", kind="message")
        await look(story, later=MINUTE)
        assert [times_told(ada, says.FILLED), times_told(bob, "пополнен")] == [1, 1]
        assert len(eve.chat()) == 1
        assert story.rows("SELECT DISTINCT chat_id FROM outbox WHERE kind = 'notice' ORDER BY chat_id") == [
            {"chat_id": OWNER_ID},
            {"chat_id": SECOND_ADMIN},
        ]


async def test_a_provider_that_fails_and_comes_back_is_told_once_each(tmp_path):
    async with playing(tmp_path, timing=HASTY) as story:
        ada = await story.comes("Ada", user_id=OWNER_ID)
        await look(story)
        story.sandbox.mode = "down"
        await look(story, later=MINUTE)
        assert times_told(ada, says.SILENT) == 0
        await look(story, later=MINUTE)
        await ada.sees("sandbox", says.SILENT, kind="message")
        for _ in range(6):
            await look(story, later=MINUTE)
        assert times_told(ada, says.SILENT) == 1
        page = await ada.pushes(says.PROVIDERS, "🔴 sandbox", says.SILENT.capitalize())
        assert "Circuit: open" in page.text or "Circuit: half-open" in page.text
        story.sandbox.mode = "normal"
        for _ in range(8):
            await look(story, later=MINUTE)
        await ada.sees("sandbox", says.WORKS_AGAIN, kind="message")
        assert [times_told(ada, words) for words in (says.SILENT, says.WORKS_AGAIN)] == [1, 1]


async def test_the_page_is_in_the_admins_menu_and_refresh_asks_anew(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes("Ada", user_id=OWNER_ID)
        eve = await story.comes("Eve")
        story.sandbox.balance = 40 * ONE
        await look(story)
        await ada.asks("/menu", says.HELLO)
        page = await ada.pushes(says.PROVIDERS, "🟢 sandbox · sandbox", "$40.00", "Last contact", "Circuit: closed")
        assert "Success rate: –" in page.text
        story.sandbox.balance = 7 * ONE
        await ada.pushes(says.REFRESH, "$7.00")
        await ada.asks("/providers", "$7.00")
        assert says.PROVIDERS not in (await eve.asks("/menu", says.HELLO)).text
        assert not [one for seen in eve.chat() for one in seen.buttons if says.PROVIDERS in one["text"]]
        await eve.asks("/providers", says.ADMINS_ONLY)
        help_text = await ada.asks("/help", "For admins")
        assert "/providers" in help_text.text


async def test_a_press_on_refresh_is_answered_although_a_provider_hangs(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes("Ada", user_id=OWNER_ID)
        await look(story)
        await ada.asks("/providers", "🟢 sandbox")
        story.sandbox.faults.add("balance", "delay:3")
        await ada.press(says.REFRESH)
        await ada.sees(kind="answer", within_s=2)
        await ada.sees("🟢 sandbox", kind="edit", within_s=6)


async def test_a_purchase_that_cannot_be_found_ends_with_its_number_and_the_admin_is_told_once(tmp_path):
    async with playing(tmp_path, settings={"BILLING": "prepaid"}) as story:
        provider = story.app._registry.get("sandbox")
        provider.capabilities = replace(provider.capabilities, find=False)
        ada, eve = await story.comes("Ada", user_id=OWNER_ID), await story.comes("Eve")
        await eve.asks("whatsapp germany", says.PRICE)
        story.sandbox.faults.add("allocate", "lost_answer")
        await eve.pushes(says.CONFIRM, says.GETTING)
        told = await ada.sees(says.CANNOT_LIST, "#1", "WhatsApp", "Germany", kind="message", within_s=8)
        assert told.button(says.PROVIDERS)
        assert "reply_to_message" not in told.message
        await eve.sees(says.NOT_ANSWERED, kind="edit")
        held = 25 - story.balance(eve)
        assert held > 0
        story.clock.advance(20 * MINUTE)
        await asyncio.sleep(0.4)
        assert story.state() == "buying"
        story.clock.advance(SHORT.lost_slack)
        card = await eve.sees(says.NOTHING_CHARGED, kind="edit")
        assert card.button(says.SAME_AGAIN)
        await story.settled()
        assert story.balance(eve) == 25
        assert times_told(ada, says.CANNOT_LIST) == 1
