"""How messages look and behave: entities, keyboards, answers, scrolling."""

import asyncio
import time

import pytest
from playwright.async_api import expect

from tests.browser.scripted import key

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


async def test_every_entity_is_rendered_as_what_it_says(show):
    async with show() as shown:
        until = int(time.time()) + 14 * 60 + 5
        html = (
            "😀 <b>bold</b> <i>italic</i> <u>under</u> <s>struck</s> <b><i>both</i></b>\n"
            '<a href="https://example.org/a">named</a> https://example.org/b\n'
            f'ends <tg-time unix="{until}" format="r">soon</tg-time>\n'
            '<pre><code class="language-python">x = 1</code></pre>'
        )
        shown.site.bot.send(shown.anna, html)
        bubble = shown.page.locator(".bubble")
        for tag, text in [("strong", "bold"), ("em", "italic"), ("u", "under"), ("s", "struck")]:
            await expect(bubble.locator(tag).first).to_have_text(text)
        await expect(bubble.locator("strong em")).to_have_text("both")
        named = bubble.locator("a").first
        await expect(named).to_have_attribute("href", "https://example.org/a")
        assert "noopener" in (await named.get_attribute("rel") or "")
        await expect(bubble.locator("a").nth(1)).to_have_text("https://example.org/b")
        await expect(bubble.locator("time.date-time")).to_have_text("in 14 min")
        await expect(bubble.locator("pre")).to_have_text("x = 1")


async def test_what_a_message_says_never_becomes_markup_or_script(show):
    async with show() as shown:
        hostile = "<img src=x onerror=alert(1)>"
        chat = shown.site.telegram.chat(shown.anna)
        entities = [{"type": "text_link", "offset": 0, "length": 4, "url": "javascript:alert(1)"}]
        content = {"text": hostile, "entities": entities}
        shown.site.telegram.publish(chat, shown.site.telegram.bot, content)
        await expect(shown.page.locator(".bubble .text")).to_have_text(hostile)
        assert await shown.page.locator(".bubble img, .bubble a").count() == 0


async def test_entities_that_overlap_or_reach_too_far_lose_no_text(show):
    async with show() as shown:
        chat = shown.site.telegram.chat(shown.anna)
        entities = [
            {"type": "bold", "offset": 0, "length": 6},
            {"type": "italic", "offset": 3, "length": 6},
            {"type": "underline", "offset": 8, "length": 99},
        ]
        content = {"text": "abcdefghijkl", "entities": entities}
        shown.site.telegram.publish(chat, shown.site.telegram.bot, content)
        await expect(shown.page.locator(".bubble .text")).to_have_text("abcdefghijkl")
        await expect(shown.page.locator(".bubble strong")).to_have_text("abcdef")
        assert await shown.page.locator(".bubble em").all_text_contents() == ["def", "ghi"]


async def test_a_spoiler_hides_its_text_until_it_is_pressed(show):
    async with show() as shown:
        shown.site.bot.send(shown.anna, "The code is <tg-spoiler>482193</tg-spoiler>")
        hidden = shown.page.locator(".spoiler-text")
        await expect(hidden).to_have_css("opacity", "0")
        await shown.page.get_by_role("button", name="Hidden text").click()
        await expect(hidden).to_have_css("opacity", "1")


async def test_a_long_expandable_quote_opens_and_a_short_one_has_no_toggle(show):
    async with show() as shown:
        shown.site.bot.send(shown.anna, "<blockquote expandable>one line</blockquote>")
        shown.site.bot.send(shown.anna, f"<blockquote expandable>{'long ' * 200}</blockquote>")
        toggles = shown.page.locator(".quote-toggle")
        await expect(toggles.first).to_be_hidden()
        quote = shown.page.locator("blockquote").nth(1)
        closed = (await quote.bounding_box())["height"]
        await toggles.nth(1).click()
        assert (await quote.bounding_box())["height"] > closed * 2
        await expect(toggles.nth(1)).to_have_attribute("aria-expanded", "true")


async def test_a_command_in_a_text_is_sent_when_it_is_pressed(show):
    async with show() as shown:
        shown.site.bot.send(shown.anna, "Say /start to begin")
        await shown.page.get_by_role("button", name="/start", exact=True).click()
        await expect(shown.page.locator(".own .text")).to_have_text("/start")
        await expect(shown.page.get_by_role("button", name="WhatsApp", exact=False).last).to_be_visible()


@pytest.mark.parametrize("init", ["", NO_CLIPBOARD], ids=["clipboard API", "fallback"])
async def test_a_copy_button_and_a_code_copy_their_text_and_say_so(show, init):
    async with show(init=init) as shown:
        shown.site.bot.code(shown.anna, "482-193", "Your code is 482-193")
        await shown.page.locator(".key", has_text="Copy 482-193").click()
        await expect(shown.page.locator(".toast").last).to_have_text("Copied 482-193")
        field = shown.page.get_by_label("Message", exact=True)
        await field.press("Control+v")
        await expect(field).to_have_value("482-193")
        await shown.page.locator("button.code").click()
        await field.press("Control+v")
        await expect(field).to_have_value("482-193482-193")


async def test_a_pressed_button_shows_progress_until_the_bot_answers(show):
    async with show() as shown:
        shown.site.bot.answer_after_s = 0.4
        shown.site.bot.send(shown.anna, "Pick", [[key("Find", "find"), key("Rent", "rent")]])
        find = shown.page.get_by_role("button", name="Find")
        await find.click()
        await expect(find).to_have_attribute("aria-busy", "true")
        await find.click()
        await expect(shown.page.locator(".toast")).to_have_text("Type a name, such as Uber.")
        await expect(find).not_to_have_attribute("aria-busy", "true")
        assert shown.site.bot.pressed == ["find"]


async def test_an_alert_is_a_dialog_that_escape_closes(show):
    async with show() as shown:
        shown.site.bot.send(shown.anna, "Pick", [[key("Rent", "rent")]])
        await shown.page.get_by_role("button", name="Rent").click()
        dialog = shown.page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Rentals last from four hours")
        await shown.page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(shown.page.get_by_role("button", name="Rent")).to_be_focused()


async def test_a_disabled_button_does_nothing(show):
    async with show() as shown:
        shown.site.bot.send(shown.anna, "Wait", [[key("Soon", "soon", disabled={})]])
        button = shown.page.get_by_role("button", name="Soon")
        await expect(button).to_have_attribute("aria-disabled", "true")
        await button.click(force=True)
        await asyncio.sleep(0.1)
        assert shown.site.bot.pressed == []


async def test_an_edit_changes_the_message_in_place_and_keeps_the_focus(show):
    async with show() as shown:
        message = shown.site.bot.menu(shown.anna)
        first = shown.page.locator(".key").first
        await first.focus()
        await first.press("Enter")
        await expect(shown.page.locator(".bubble .text")).to_contain_text("pick a country")
        await expect(shown.page.locator(".key").first).to_be_focused()
        await expect(shown.page.locator(".meta")).to_contain_text("edited")
        await expect(shown.page.locator(f".message[data-id='{message}']")).to_have_count(1)


async def test_a_deleted_message_goes_and_order_follows_the_ids(show):
    async with show() as shown:
        ids = [shown.site.bot.send(shown.anna, f"number {n}") for n in range(3)]
        await expect(shown.page.locator(".message")).to_have_count(3)
        shown.site.telegram.remove(shown.site.telegram.chat(shown.anna), [ids[1]])
        await expect(shown.page.locator(".message .text")).to_have_text(["number 0", "number 2"])


async def test_a_reader_who_scrolled_up_keeps_their_place_and_is_told_of_news(show):
    async with show() as shown:
        for n in range(60):
            shown.site.bot.send(shown.anna, f"line {n}")
        view = shown.page.locator(".log-view")
        await expect(shown.page.locator(".message").last).to_be_in_viewport()
        await view.evaluate("view => view.scrollTo(0, 100)")
        pill = shown.page.locator(".pill")
        await expect(pill).to_be_visible()
        shown.site.bot.send(shown.anna, "news")
        await expect(pill).to_have_text("1 new message")
        assert await view.evaluate("view => view.scrollTop") == 100
        await pill.click()
        await expect(shown.page.get_by_text("news", exact=True).last).to_be_in_viewport()
        await expect(pill).to_be_hidden()


async def test_typing_is_shown_until_the_message_comes(show):
    async with show() as shown:
        event = {"type": "chat_action", "chat_id": shown.anna, "action": "typing"}
        shown.site.telegram.events.emit(event)
        subtitle = shown.page.locator(".chat-subtitle")
        await expect(subtitle).to_have_text("typing…")
        shown.site.bot.send(shown.anna, "here")
        await expect(subtitle).to_have_text("@codepigeon_demo_bot · bot")
