"""What has worked here: said before anybody pays, sorted by, and bought from; with its mark-up where there is one."""

import contextlib
from collections.abc import AsyncIterator

from bot.demo.sandbox_server import create_app
from bot.domain.money import ONE
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.services.clock import now_ms
from tests.support import says
from tests.support.history import Ended, remember
from tests.support.stories import Story, playing, until
from tests.support.telegram import serving


@contextlib.asynccontextmanager
async def a_dearer_one() -> AsyncIterator[tuple[SandboxWorld, dict[str, str]]]:
    """A second supplier with the same costs as the story's own, in a currency that is worth twice as much."""
    world = SandboxWorld(seed=7, clock=now_ms, settings=SandboxSettings(cancel_from_ms=0))
    async with serving(create_app(world)) as url:
        settings = {
            "PROVIDERS__DEAR__KIND": "sandbox",
            "PROVIDERS__DEAR__URL": f"{url}/sandbox",
            "PROVIDERS__DEAR__RATE": "2",
        }
        yield world, settings


async def _past(story: Story, provider: str, successes: int, after_s: int, country: str = "DE") -> None:
    """Twenty numbers that ended an hour ago."""
    at = story.clock() - HOUR
    ends = [Ended(at, after_s * SECOND if place < successes else None, provider, "wa", country) for place in range(20)]
    await remember(story.app._db, ends)


def _first_line(seen) -> str:
    return seen.buttons[0]["text"]


async def test_a_person_sees_what_has_worked_sorts_by_it_and_buys_from_the_better_provider(tmp_path):
    async with a_dearer_one() as (dear, settings), playing(tmp_path, settings=settings, start=False) as story:
        await _past(story, "sandbox", 10, 70)
        await _past(story, "dear", 19, 25)
        await _past(story, "sandbox", 17, 20, "PL")
        await story.app.start()
        ada = await story.comes(money=50)
        await until(lambda: story.app.tally.of("dear", "wa", "DE").is_rated)
        cheap = await ada.asks("whatsapp germany", says.PRICE, "50% of the last 20 numbers like this one got a code")
        assert "within 70 s" in cheap.text
        by_price = await ada.asks("whatsapp", says.WHICH_COUNTRY, "Cheapest first.")
        assert "Germany" not in _first_line(by_price)
        by_record = await ada.pushes(says.MOST_RELIABLE, says.MOST_CODES)
        assert by_record.message_id == by_price.message_id
        first, second = (button["text"] for button in by_record.buttons[:2])
        assert "Germany" in first
        assert " · 95% · 25 s" in first
        assert "Poland" in second
        assert " · 85% · 20 s" in second
        offer = await ada.pushes("Germany", says.PRICE)
        assert "95% of the last 20 numbers like this one got a code, half of them within 25 s" in offer.text
        await ada.press(says.CONFIRM)
        card = await ada.sees(says.WAITING, "Provider: dear")
        (sold,) = dear.record()
        assert story.sold() == []
        assert story.balance(ada) == 50 - 2 * sold["cost"] / ONE
        dear.receive(card.phone, "WhatsApp", "Your code is 123-456")
        await ada.sees("123456", kind="message")
        await ada.pushes(says.FINISH, says.FINISHED)
        story.clock.advance(30 * SECOND)
        await until(lambda: story.app.tally.of("dear", "wa", "DE").samples == 21)
        ada.forge("of:activation:wa:DE:0:1")
        await ada.sees("95% of the last 21 numbers")


async def test_the_way_back_keeps_the_order_until_it_is_changed_again(tmp_path):
    async with playing(tmp_path, start=False) as story:
        await _past(story, "sandbox", 20, 5)
        await story.app.start()
        ada = await story.comes()
        await until(lambda: story.app.tally.of("sandbox", "wa", "DE").is_rated)
        await ada.asks("whatsapp", says.WHICH_COUNTRY)
        await ada.pushes(says.MOST_RELIABLE, says.MOST_CODES)
        await ada.pushes("›", says.MOST_CODES)
        await ada.pushes("‹", says.MOST_CODES)
        await ada.pushes("Germany", says.PRICE)
        back = await ada.pushes("Countries", says.MOST_CODES)
        assert "Germany" in _first_line(back)
        again = await ada.pushes(says.CHEAPEST, "Cheapest first.")
        assert again.button(says.MOST_RELIABLE)


async def test_nothing_is_said_before_there_is_enough_to_tell_and_old_buttons_work(tmp_path):
    async with playing(tmp_path, start=False) as story:
        await remember(story.app._db, [Ended(story.clock() - HOUR, SECOND, country="DE")] * 19)
        await story.app.start()
        ada = await story.comes()
        await until(lambda: story.app.tally.of("sandbox", "wa", "DE").samples == 19)
        ada.forge("co:activation:wa:0")
        listed = await ada.sees(says.WHICH_COUNTRY, "Cheapest first.")
        assert not [button for button in listed.buttons if "first" in button["text"] or "%" in button["text"]]
        ada.forge("of:activation:wa:DE:0")
        offer = await ada.sees(says.PRICE)
        assert "numbers like this" not in offer.text
        ada.forge("co:activation:wa:0:1")
        await ada.sees(says.WHICH_COUNTRY, "Cheapest first.")


async def test_in_russian_it_is_said_and_sorted_as_well(tmp_path):
    async with playing(tmp_path, start=False) as story:
        await _past(story, "sandbox", 19, 25)
        await story.app.start()
        ivan = await story.comes("Иван", "ru")
        await until(lambda: story.app.tally.of("sandbox", "wa", "DE").is_rated)
        await ivan.asks("whatsapp", "какая страна?")
        sorted_list = await ivan.pushes("🏆 Сначала надёжные", "чаще всего")
        assert "Германия" in _first_line(sorted_list)
        await ivan.pushes("Германия", "из 20 последних таких номеров")


async def test_a_mark_up_is_in_every_price_that_is_shown_and_paid(tmp_path):
    async with playing(tmp_path, settings={"MARKUP_PERCENT": "12.5"}) as story:
        ada = await story.comes(money=100)
        card = await ada.buys()
        story.sms(card.phone, "code 121212")
        await ada.sees("121212", kind="message")
        (sold,) = story.sold()
        price = -(-sold["cost"] * 1125 // 1000)
        assert story.rows("SELECT price, cost FROM numbers") == [{"price": price, "cost": sold["cost"]}]
        assert story.balance(ada) == 100 - price / ONE
        ada.forge("of:rental:wa:DE:24")
        await ada.sees(says.PRICE)
        await ada.pushes(says.CONFIRM, says.YOURS)
        story.clock.advance(MINUTE)
        ada.forge("rq:2:24")
        await ada.sees("more for")
        await ada.pushes(says.CONFIRM, says.RENEWED)
        await until(lambda: story.rows("SELECT id FROM renewals WHERE state = 'done'"))
        (renewed,) = story.sold()[1]["renewals"]
        assert story.rows("SELECT price, cost FROM renewals") == [
            {"price": -(-renewed["cost"] * 1125 // 1000), "cost": renewed["cost"]}
        ]
