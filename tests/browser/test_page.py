"""The page around the messages: people, composer, phones, themes, narrow screens, reconnection."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOWEST_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const style = getComputedStyle(node);
      const found = style.backgroundImage.match(/(?:rgb|oklch|color)a?\\([^()]*\\)/g);
      const colours = (found ?? [style.backgroundColor]).map(rgba).filter((c) => c[3] === 255);
      if (colours.length) return colours.map((c) => c.slice(0, 3));
    }
    return [[255, 255, 255]];
  };
  const measured = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.checkVisibility() || node.closest("[aria-disabled=true]")) continue;
    const ink = luminance(rgba(getComputedStyle(node).color).slice(0, 3));
    for (const back of behind(node).map(luminance)) {
      const ratio = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
      measured.push([ratio, `${node.className || node.tagName}: ${node.textContent.trim().slice(0, 30)}`]);
    }
  }
  return measured.sort((a, b) => a[0] - b[0]).slice(0, 5);
}"""


async def test_a_person_presses_start_buys_a_number_and_gets_an_sms_on_it(show):
    async with show() as shown:
        page = shown.page
        await expect(page.get_by_text("No phones in use yet.")).to_be_visible()
        await page.get_by_role("button", name="Start", exact=True).click()
        await page.locator(".key", has_text="WhatsApp").click()
        await page.locator(".key", has_text="United Kingdom").click()
        card = page.locator(".card")
        await expect(card).to_contain_text("+44 ")
        await expect(card).to_contain_text("WhatsApp")
        await card.locator(".chip").first.click()
        await expect(card.locator(".state")).to_have_text("SMS received")
        await card.get_by_text("Write your own SMS").click()
        await card.get_by_label("Sender").fill("MYBANK")
        await card.get_by_label("Text").fill("Your code is 771 204")
        await card.get_by_role("button", name="Send SMS").click()
        await expect(card.locator(".card-sms")).to_have_text("2 SMS")


async def test_a_closed_phone_moves_to_the_history(show):
    async with show() as shown:
        await shown.site.bot.buy(shown.anna, "wa", "GB")
        await expect(shown.page.locator(".card .card-time")).to_have_text("20:00")
        (phone,) = shown.site.sandbox.phones()
        shown.site.sandbox.receive(phone["phone"], "WhatsApp", "482-193")
        await shown.site.sandbox.call("finish", {"provider_ref": phone["provider_ref"]})
        await expect(shown.page.get_by_text("No phones in use yet.")).to_be_visible()
        await shown.page.get_by_text("1 closed number").click()
        await expect(shown.page.locator(".cards-closed .state")).to_have_text("Finished")


async def test_the_page_can_be_used_with_the_keyboard_alone(show):
    async with show() as shown:
        page, keyboard = shown.page, shown.page.keyboard
        shown.site.telegram.add_user("Boris Ivanov", language="ru")
        await expect(page.locator(".person")).to_have_count(2)
        await keyboard.press("Tab")
        await expect(page.get_by_text("Skip to the message field")).to_be_focused()
        await page.get_by_role("button", name="Anna Berg").first.focus()
        await keyboard.press("ArrowDown")
        await keyboard.press("Enter")
        await expect(page.locator(".person.active")).to_contain_text("Boris Ivanov")
        await page.get_by_role("button", name="Start", exact=True).focus()
        await keyboard.press("Enter")
        await page.locator(".key").first.focus()
        await keyboard.press("Tab")
        await expect(page.locator(".key").nth(1)).to_be_focused()
        assert await page.locator(".key").nth(1).evaluate("key => getComputedStyle(key).outlineStyle") == "solid"
        await page.get_by_role("radio", name="Normal").focus()
        await keyboard.press("ArrowRight")
        await expect(page.get_by_role("radio", name="Slow")).to_have_attribute("aria-checked", "true")
        await expect(page.get_by_role("radio", name="Slow")).to_be_focused()
        await page.get_by_role("button", name="Add person").focus()
        await keyboard.press("Enter")
        await expect(page.get_by_label("Name")).to_be_focused()
        await keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(page.get_by_role("button", name="Add person")).to_be_focused()


async def test_every_control_has_a_name_and_the_messages_are_a_live_log(show):
    async with show() as shown:
        shown.site.bot.menu(shown.anna)
        await shown.site.bot.buy(shown.anna, "wa", "GB")
        await expect(shown.page.locator(".chip").first).to_be_visible()
        nameless = await shown.page.evaluate(
            """() => [...document.querySelectorAll("button, input, textarea, select")].filter((node) =>
              !(node.getAttribute("aria-label") || node.textContent.trim() || node.labels?.length)).length"""
        )
        assert nameless == 0
        await expect(shown.page.get_by_role("log")).to_have_attribute("aria-live", "polite")


async def test_enter_sends_shift_enter_breaks_the_line_and_a_slash_offers_commands(show):
    async with show() as shown:
        commands = [{"command": "start", "description": "Begin"}, {"command": "stats", "description": "Usage"}]
        shown.site.telegram.profile.set_commands("default", "", commands)
        shown.site.telegram.events.emit({"type": "commands"})
        field = shown.page.get_by_label("Message", exact=True)
        await field.press_sequentially("one")
        await field.press("Shift+Enter")
        await field.press_sequentially("two")
        await field.press("Enter")
        await expect(shown.page.locator(".own .text")).to_have_text("one\ntwo")
        await expect(field).to_have_value("")
        await field.press_sequentially("/sta")
        await expect(shown.page.get_by_role("option")).to_have_count(2)
        await field.press("ArrowDown")
        await field.press("Tab")
        await expect(field).to_have_value("/stats ")
        await field.fill("")
        await field.press_sequentially("/")
        await field.press("Escape")
        await expect(shown.page.get_by_role("option")).to_have_count(0)


async def test_a_message_to_someone_else_is_counted_until_they_are_chosen(show):
    async with show() as shown:
        boris = shown.site.telegram.add_user("Boris Ivanov")
        await expect(shown.page.locator(".person")).to_have_count(2)
        shown.site.bot.send(boris, "one")
        shown.site.bot.send(boris, "two")
        badge = shown.page.locator(".person", has_text="Boris").locator(".badge")
        await expect(badge).to_have_text("2")
        await shown.page.locator(".person-main", has_text="Boris").click()
        await expect(badge).to_be_hidden()
        await expect(shown.page.locator(".message")).to_have_count(2)


async def test_blocking_the_bot_and_the_language_switch_reach_telegram(show):
    async with show() as shown:
        page = shown.page
        await page.get_by_role("switch", name="Block the bot").click()
        await expect(page.get_by_text("Anna Berg has blocked the bot.")).to_be_visible()
        assert shown.site.telegram.users()[0]["blocked"]
        await page.get_by_role("button", name="Unblock").click()
        await expect(page.get_by_label("Message", exact=True)).to_be_visible()
        await page.locator(".person .language").click()
        await expect(page.locator(".person .language")).to_have_text("RU")
        assert shown.site.telegram.users()[0]["language"] == "ru"


async def test_a_person_can_be_added(show):
    async with show() as shown:
        await shown.page.get_by_role("button", name="Add person").click()
        await shown.page.get_by_label("Name").fill("Robin Vale")
        await shown.page.get_by_label("Telegram language").select_option("ru")
        await shown.page.get_by_role("button", name="Add", exact=True).click()
        await expect(shown.page.locator(".person.active")).to_contain_text("Robin Vale")
        assert shown.site.telegram.users()[1]["language"] == "ru"


async def test_a_phone_screen_has_no_sideways_scroll_in_either_view(show):
    async with show(viewport=PHONE) as shown:
        page = shown.page
        for name in ("Boris Ivanov", "Mei Chen", "Tom", "Robin Vale", "Ida"):
            shown.site.telegram.add_user(name)
        shown.site.bot.menu(shown.anna)
        shown.site.bot.send(shown.anna, f"<pre>{'x' * 300}</pre> {'long' * 80}")
        await shown.site.bot.buy(shown.anna, "wa", "GB")
        await expect(page.locator(".message")).to_have_count(3)
        sideways = "document.scrollingElement.scrollWidth > innerWidth"
        outside = "(node) => node.getBoundingClientRect().right > innerWidth"
        astray = f"[...document.querySelectorAll('.log *')].filter({outside}).length"
        assert not await page.evaluate(sideways)
        assert await page.evaluate(astray) == 0
        await expect(page.locator(".phones")).to_be_hidden()
        await page.get_by_role("button", name="Phones").click()
        await expect(page.locator(".card")).to_be_visible()
        await expect(page.locator(".chat")).to_be_hidden()
        assert not await page.evaluate(sideways)
        shown.site.bot.send(shown.anna, "while you were away")
        await expect(page.get_by_role("button", name="Chat").locator(".badge")).to_have_text("1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_is_readable_in_both_themes(show, scheme):
    async with show(color_scheme=scheme) as shown:
        shown.site.telegram.add_user("Boris Ivanov")
        shown.site.telegram.say(shown.anna, "/start")
        await shown.site.bot.buy(shown.anna, "wa", "GB")
        shown.site.bot.code(shown.anna, "482-193", "Your code is 482-193")
        await shown.page.get_by_role("radio", name="Empty").click()
        await expect(shown.page.locator(".chip").first).to_be_visible()
        lowest = await shown.page.evaluate(LOWEST_CONTRAST)
        assert lowest[0][0] >= 4.5, lowest


async def test_the_theme_follows_the_system_until_one_is_chosen_and_is_then_kept(show):
    async with show(color_scheme="dark") as shown:
        background = "getComputedStyle(document.body).backgroundColor"
        dark = await shown.page.evaluate(background)
        await shown.page.get_by_role("button", name="Switch to the light theme").click()
        light = await shown.page.evaluate(background)
        assert light != dark
        await shown.page.reload()
        assert await shown.page.evaluate(background) == light


async def test_a_lost_connection_is_shown_and_made_good(show):
    keep = "window.RealEventSource = EventSource"
    broken = "void (window.EventSource = class { constructor() { setTimeout(() => this.onerror(), 20); } close() {} })"
    async with show(init=keep) as shown:
        page = shown.page
        await page.evaluate(broken)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator(".link")).to_have_text("Reconnecting")
        shown.site.bot.send(shown.anna, "said while away")
        await expect(page.locator(".message")).to_have_count(0)
        await page.evaluate("void (window.EventSource = RealEventSource)")
        await expect(page.locator(".link")).to_have_text("Live", timeout=10_000)
        await expect(page.locator(".message .text")).to_have_text("said while away")


async def test_a_resync_loads_the_state_again(show):
    async with show() as shown:
        shown.site.telegram.chat(shown.anna).messages.clear()
        shown.site.bot.send(shown.anna, "first")
        await expect(shown.page.locator(".message")).to_have_count(1)
        shown.site.telegram.chat(shown.anna).messages.clear()
        shown.site.telegram.events.emit({"type": "resync"})
        await expect(shown.page.locator(".message")).to_have_count(0)
