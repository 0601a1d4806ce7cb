"""Three providers: the cheapest has none, the second has become dearer, the third sells."""

import contextlib
from collections.abc import AsyncIterator

from bot.demo.sandbox_server import create_app
from bot.domain.money import ONE
from bot.providers.sandbox.world import SandboxWorld
from bot.services.clock import now_ms
from tests.support import says
from tests.support.stories import playing
from tests.support.telegram import serving


@contextlib.asynccontextmanager
async def two_more() -> AsyncIterator[tuple[SandboxWorld, SandboxWorld, dict[str, str]]]:
    """Two suppliers with the same costs as the story's own; their rates make them five and ten percent dearer."""
    second, third = (SandboxWorld(seed=7, clock=now_ms) for _ in range(2))
    async with serving(create_app(second)) as second_url, serving(create_app(third)) as third_url:
        settings = {
            "PROVIDERS__SECOND__KIND": "sandbox",
            "PROVIDERS__SECOND__URL": f"{second_url}/sandbox",
            "PROVIDERS__SECOND__RATE": "1.05",
            "PROVIDERS__THIRD__KIND": "sandbox",
            "PROVIDERS__THIRD__URL": f"{third_url}/sandbox",
            "PROVIDERS__THIRD__RATE": "1.1",
        }
        yield second, third, settings


async def test_the_chat_says_who_serves_and_charges_the_third_ones_price(tmp_path):
    async with two_more() as (second, third, settings), playing(tmp_path, settings=settings) as story:
        ada = await story.comes()
        story.sandbox.faults.add("allocate", "refuse:no_numbers")
        second.faults.add("allocate", "price_risen")
        await ada.asks("whatsapp germany", says.PRICE, "Up to")
        await ada.press(says.CONFIRM)
        card = await ada.sees(says.WAITING, "Provider: third")
        cost = third.record()[0]["cost"]
        price = story.rows("SELECT price FROM numbers")[0]["price"]
        assert price == -(-cost * 11 // 10)
        assert story.balance(ada) == 25 - price / ONE
        assert card.phone is not None
        third.receive(card.phone, "WhatsApp", "Your code is 123-456")
        await ada.sees("123456", kind="message")
        assert story.balance(ada) == 25 - price / ONE
        assert (story.sandbox.open_numbers(), second.open_numbers(), third.open_numbers()) == (0, 0, 1)


async def test_one_provider_that_is_down_takes_nothing_off_the_shelf_of_the_others(tmp_path):
    async with two_more() as (_, __, settings), playing(tmp_path, settings=settings) as story:
        ada = await story.comes()
        story.sandbox.mode = "down"
        await ada.asks("whatsapp germany", says.PRICE)
        await ada.press(says.CONFIRM)
        await ada.sees(says.WAITING, "Provider: second")
