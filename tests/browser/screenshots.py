"""The README's two pictures of the demo: `python -m tests.browser.screenshots` writes them to docs/images/.

It starts the demo on a free port, buys a number and lets a code arrive through the control API, and looks at the page.
Buttons are found by what they do, not by what they say, so new wording needs no change here.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.support.program import running_demo

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WANTED = "whatsapp germany"
CODE = "739204"
SMS = {"sender": "WhatsApp", "text": "Your WhatsApp code: 739-204. Don't share this code with others."}
# Larger than the picture, so that the card and the code both fit into it.
DESKTOP = {"viewport": {"width": 1472, "height": 920}, "device_scale_factor": 1280 / 1472}
PHONE = {"viewport": {"width": 375, "height": 760}, "device_scale_factor": 2}
WITHIN_S = 10.0

T = TypeVar("T")
Json = dict[str, Any]
Fits = Callable[[Json], bool]


async def until(look: Callable[[], Awaitable[T]]) -> T:
    """What `look` returns, once that is something."""
    async with asyncio.timeout(WITHIN_S):
        while not (found := await look()):  # noqa: ASYNC110 - the state is asked for, no event is waited for
            await asyncio.sleep(0.05)
    return found


class Guest:
    """A person of the demo, led through the control API."""

    def __init__(self, http: httpx.AsyncClient, user: Json) -> None:
        self._http = http
        self._id = user["id"]

    async def say(self, text: str) -> None:
        await post(self._http, f"/demo/users/{self._id}/messages", {"text": text})

    async def sees(self, fits: Fits) -> list[Json]:
        """The buttons that fit, each with its message's id, once there is one."""

        async def look() -> list[Json]:
            messages = (await self._http.get("/demo/state")).json()["chats"][str(self._id)]
            return [
                {**button, "message_id": message["message_id"]}
                for message in messages
                for row in message.get("reply_markup", {}).get("inline_keyboard", [])
                for button in row
                if fits(button)
            ]

        return await until(look)

    async def press(self, fits: Fits) -> None:
        button = (await self.sees(fits))[-1]
        pressed = {"message_id": button["message_id"], "data": button["callback_data"]}
        await post(self._http, f"/demo/users/{self._id}/press", pressed)


async def post(http: httpx.AsyncClient, path: str, body: Json) -> None:
    (await http.post(path, json=body)).raise_for_status()


def is_confirm(button: Json) -> bool:
    return button.get("style") == "success" and "callback_data" in button


def copies(text: str) -> Fits:
    return lambda button: button.get("copy_text", {}).get("text") == text


async def let_a_code_arrive(url: str) -> None:
    """One person only greets the bot, in Russian; the other one buys a number, and a code arrives on it."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=WITHIN_S) as http:
        buyer, other = [Guest(http, user) for user in (await http.get("/demo/state")).json()["users"]]
        await other.say("/start")
        await other.sees(lambda button: True)
        await buyer.say(WANTED)
        await buyer.press(is_confirm)

        async def look() -> list[Json]:
            return list((await http.get("/demo/phones")).json())

        [phone] = await until(look)
        await buyer.sees(copies(phone["phone"]))
        await post(http, f"/demo/phones/{phone['phone'].removeprefix('+')}/sms", SMS)
        await until(lambda: twice(buyer))


async def twice(buyer: Guest) -> bool:
    """The code can be copied from its own message and from the number's card: both are up to date."""
    return len(await buyer.sees(copies(CODE))) == 2


async def picture(browser: Browser, url: str, name: str, **options: Any) -> Path:
    context = await browser.new_context(locale="en-GB", reduced_motion="reduce", **options)
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_role("log").get_by_text(CODE).last.wait_for()
    await page.evaluate("document.fonts.ready")
    path = IMAGES / name
    await page.screenshot(path=path)
    await context.close()
    return path


async def main() -> None:
    if CHROMIUM is None:
        sys.exit("The pictures need Chromium: apt-get install chromium fonts-noto-color-emoji")
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with running_demo() as url, async_playwright() as playwright:
        await let_a_code_arrive(url)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        made = [
            await picture(browser, url, "demo-light.png", color_scheme="light", **DESKTOP),
            await picture(browser, url, "demo-phone-dark.png", color_scheme="dark", **PHONE),
        ]
        await browser.close()
    for path in made:
        print(f"{path}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    asyncio.run(main())
