"""The whole program, as `make run` starts it, driven in a browser from the first press to the code."""

import time

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP
from tests.support.program import running_demo

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def press(page: Page, label: str) -> None:
    await page.get_by_role("log").get_by_role("button", name=label).last.click()


async def test_from_the_first_press_to_the_code_without_a_reload(chromium: Browser, say):
    async with running_demo() as url:
        context = await chromium.new_context(viewport=DESKTOP)
        await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
        page = await context.new_page()
        page.set_default_timeout(8000)
        loads: list[str] = []
        page.on("load", lambda _: loads.append("load"))
        await page.goto(url)
        await page.get_by_role("button", name="Start", exact=True).click()
        await press(page, "Get a number")
        await press(page, "WhatsApp")
        await press(page, "left")
        await press(page, "Confirm")
        phones = page.locator(".card")
        await expect(phones).to_contain_text("WhatsApp")
        await phones.get_by_text("Write your own SMS").click()
        await phones.get_by_label("Sender").fill("WhatsApp")
        await phones.get_by_label("Text").fill("Your WhatsApp code: 739-204. Don't share it.")
        sent_at = time.perf_counter()
        await phones.get_by_role("button", name="Send SMS").click()
        copy = page.get_by_role("log").get_by_role("button", name="Copy 739204").last
        await copy.wait_for()
        seconds = time.perf_counter() - sent_at
        await expect(page.get_by_role("log")).to_contain_text("Your WhatsApp code: 739-204. Don't share it.")
        await copy.click()
        assert await page.evaluate("navigator.clipboard.readText()") == "739204"
        assert loads == ["load"]
        await context.close()
    say("figures", f"from 'Send SMS' to the code in the chat, in the browser: {seconds * 1000:.0f} ms")
