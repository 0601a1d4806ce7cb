"""The whole program while its host's clock is set: people notice nothing."""

import httpx
import pytest

from bot.domain.time import DAY, Ms
from bot.providers.sandbox.settings import SandboxSettings
from tests.support import says
from tests.support.clocks import OwnClock
from tests.support.stories import playing, until

YEAR = 365 * DAY


@pytest.mark.parametrize("step", [YEAR, -YEAR], ids=["+1y", "-1y"])
async def test_codes_come_numbers_end_and_the_bot_answers_while_its_clock_is_set(tmp_path, step: Ms):
    clock = OwnClock()
    settings = SandboxSettings(cancel_from_ms=1_500, lifetime_ms=6_000)
    async with playing(tmp_path, hooks=False, own_clock=clock, sandbox=settings) as story:
        ada = await story.comes()
        unused, used = await ada.buys("whatsapp germany"), await ada.buys("telegram germany")
        assert unused.phone != used.phone
        clock.turn(step)
        await until(lambda: abs(clock.step()) < 1, 5)
        await ada.asks("/numbers", "2")
        story.sms(used.phone, "Your code is 556677")
        await ada.sees("556677", kind="message", within_s=3)
        assert story.state(1) == "active"
        third = await ada.buys("google germany")
        await ada.press(says.CANCEL)
        await until(lambda: story.state(3) == "cancelled", 5, lambda: story.state(3))
        assert third.phone
        await until(lambda: story.state(1) in ("expired", "cancelled"), 10, lambda: story.state(1))
        await until(lambda: story.state(2) == "completed", 10, lambda: story.state(2))
        assert story.balance(ada) == 25 - _charged(story)
        async with httpx.AsyncClient(trust_env=False) as http:
            ready = await http.get(f"{story.url}/readyz")
        assert ready.status_code == 200, ready.text
        assert len(story.sold()) == 3


def _charged(story) -> float:
    return sum(number["cost"] for number in story.sold() if number["charged"]) / 10_000
