"""Webhooks as their owner meets them: in the chat, in both languages; the receiver verifies all."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.time import SECOND
from tests.support.receiver import Call, Receiver, receiving, telling
from tests.support.stories import Person, Story, playing, until

ON = {"API": "on", "API_RATE": "1000", "WEBHOOK_ALLOW": "127.0.0.1"}
WORDS = {
    "en": {
        "secret": "signed with this secret",
        "test": "Send a test",
        "taken": "Taken, with HTTP 200",
        "not_taken": "Not taken: it answered HTTP 500",
        "sms": "SMS received",
        "remove": "Remove",
        "back": "Back",
        "off": "Switch off",
        "is_off": "Switched off",
        "on": "Switch on",
        "is_on": "🟢 On",
        "deliveries": "Deliveries",
        "missed": "has taken nothing for a day",
        "show": "Show webhook",
        "again": "Send what was given up",
        "on_its_way": "on their way again",
        "none": "To add one",
        "new_secret": "New secret",
    },
    "ru": {
        "secret": "события подписаны этим секретом",
        "test": "Проверить",
        "taken": "Доставлено, ответ HTTP 200",
        "not_taken": "Не доставлено: в ответ пришёл HTTP 500",
        "sms": "Пришла SMS",
        "remove": "Удалить",
        "back": "Назад",
        "off": "Выключить",
        "is_off": "Выключен",
        "on": "Включить",
        "is_on": "🟢 Включён",
        "deliveries": "Доставки",
        "missed": "сутки ничего не принимал",
        "show": "Показать вебхук",
        "again": "Отправить недоставленное",
        "on_its_way": "отправляются снова",
        "none": "Чтобы добавить",
        "new_secret": "Новый секрет",
    },
}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@contextlib.asynccontextmanager
async def a_story(tmp_path: Path, **settings: str) -> AsyncIterator[tuple[Story, Receiver]]:
    async with receiving() as receiver, playing(tmp_path, settings={**ON, **settings}) as story:
        with telling(story.clock):
            yield story, receiver


async def registered(person: Person, receiver: Receiver, path: str, secret_words: str) -> None:
    """By /webhooks; the receiver then knows the secret that the chat has shown."""
    shown = await person.asks(f"/webhooks {receiver.url}{path}", secret_words)
    [secret] = SECRET.findall(shown.text)
    receiver.secrets[path] = (secret,)


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_webhook_s_life_in_the_chat(tmp_path: Path, language: str) -> None:
    words = WORDS[language]
    async with a_story(tmp_path) as (story, receiver):
        ada = await story.comes(language=language)
        await registered(ada, receiver, "/hook", words["secret"])
        await ada.press(words["test"])
        await ada.sees(words["taken"])
        assert [call.type for call in receiver.taken] == ["webhook.test"]

        card = await ada.buys() if language == "en" else await _buys_in_russian(ada)
        story.sms(card.phone, "Your code is 515253")
        await until(lambda: receiver.types() == ["webhook.test", "number.active", "sms.received"])
        assert receiver.taken[-1].event["data"]["message"]["code"] == "515253"
        assert receiver.taken[-1].event["data"]["number"]["number"] == card.phone

        host = receiver.url.removeprefix("http://")
        await ada.asks("/webhooks", words["is_on"], host)
        await ada.pushes(host, f"{receiver.url}/hook")
        await ada.pushes(f"✅ {words['sms']}", f"{receiver.url}/hook")
        await until(lambda: story.rows("SELECT topics FROM webhooks")[0]["topics"].count("sms.received") == 0)
        receiver.status = lambda _call: 500
        await ada.press(words["test"])
        await ada.sees(words["not_taken"])
        await ada.pushes(words["deliveries"], "webhook.test", "sms.received", "number.active")
        await ada.pushes(words["back"], words["is_on"])
        await ada.pushes(words["off"], words["is_off"])
        await ada.pushes(words["on"], words["is_on"])
        await ada.pushes(words["new_secret"], host)
        changed = await ada.pushes(words["new_secret"], words["secret"])
        assert SECRET.findall(changed.text)[0] not in receiver.secrets["/hook"]
        await ada.press(words["remove"])
        await ada.sees(host)
        await ada.pushes(words["remove"], words["none"])
        assert story.rows("SELECT id FROM webhooks") == []


async def _buys_in_russian(person: Person) -> Any:
    await person.asks("whatsapp германия", "$")
    return await person.pushes("Подтвердить", "🟢")


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_after_a_day_of_failures_the_owner_is_told_and_gets_what_was_missed(
    tmp_path: Path, language: str
) -> None:
    words = WORDS[language]
    async with a_story(tmp_path) as (story, receiver):
        ada = await story.comes(language=language)
        await registered(ada, receiver, "/hook", words["secret"])
        receiver.status = lambda _call: 503
        card = await ada.buys() if language == "en" else await _buys_in_russian(ada)
        story.sms(card.phone, "Your code is 616263")
        await until(lambda: len(receiver.calls) >= 1)
        ada.look_from_now()
        while pending := _pending(story):
            tried = _attempts(story)
            story.clock.advance(max(0, min(row["at"] for row in pending) - story.clock()) + 1)
            await until(lambda tried=tried: _attempts(story) > tried)
        notice = await ada.sees(words["missed"], receiver.url.removeprefix("http://"))
        assert notice.button(words["show"])
        await ada.pushes(words["show"], words["is_off"])
        receiver.status = lambda _call: 200
        await ada.pushes(words["on"], words["is_on"])
        await ada.press(words["again"])
        await ada.sees(words["on_its_way"])
        await until(lambda: receiver.types()[:2] == ["number.active", "sms.received"])


def _pending(story: Story) -> list[dict[str, Any]]:
    return story.rows("SELECT next_attempt_at AS at FROM webhook_deliveries WHERE progress = 'pending'")


def _attempts(story: Story) -> int:
    return int(story.rows("SELECT sum(attempts) AS n FROM webhook_deliveries")[0]["n"])


async def test_addresses_that_are_refused_and_one_too_many(tmp_path: Path) -> None:
    async with a_story(tmp_path) as (story, receiver):
        ada = await story.comes()
        for address in ("example", "ftp://example.org/", "https://a@127.0.0.1/", "http://2130706433/"):
            await ada.asks(f"/webhooks {address}", "no address I can send to")
        for address in ("https://10.0.0.7/", "https://[::1]/", "http://169.254.169.254/"):
            await ada.asks(f"/webhooks {address}", "has to be a public one")
        await ada.asks("/webhooks http://93.184.215.14/", "over https:// only")
        for n in range(5):
            await ada.asks(f"/webhooks {receiver.url}/{n}", "signed with this secret")
        await ada.asks(f"/webhooks {receiver.url}/6", "5 webhooks already")
        assert len(story.rows("SELECT id FROM webhooks")) == 5
        bob = await story.comes("Bob")
        await bob.asks(f"/webhooks {receiver.url}/0", "signed with this secret")
        bob.forge("wr:1:1")
        await bob.sees("can't find that")
        await bob.asks("/webhooks", receiver.url.removeprefix("http://"))
        bob.forge("ws:2")
        await bob.sees("can't find that")
        assert len(story.rows("SELECT id FROM webhooks")) == 6
    assert receiver.calls == []


async def test_without_the_api_there_are_no_webhooks(tmp_path: Path) -> None:
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("/webhooks https://example.org/", "don't know that command")
        ada.forge("wh")
        await ada.sees("out of date")


async def test_a_webhook_is_told_within_a_second_of_the_sms(tmp_path: Path) -> None:
    async with a_story(tmp_path) as (story, receiver):
        ada = await story.comes()
        await registered(ada, receiver, "/hook", WORDS["en"]["secret"])
        card = await ada.buys()
        began = story.clock()
        story.sms(card.phone, "Your code is 818283")
        await until(lambda: "sms.received" in receiver.types())
        assert story.clock() - began < SECOND
        await ada.sees("818283")


async def test_a_receiver_that_hangs_does_not_hold_up_the_end_of_the_program(tmp_path: Path) -> None:
    hangs = asyncio.Event()

    async def hang(_call: Call) -> None:
        hangs.set()
        await asyncio.Event().wait()

    async with receiving() as receiver:
        receiver.before = hang
        async with playing(tmp_path, settings=ON) as story:
            ada = await story.comes()
            await registered(ada, receiver, "/hook", WORDS["en"]["secret"])
            await ada.buys()
            await hangs.wait()
            began = time.monotonic()
        assert time.monotonic() - began < 5
    assert story.rows("SELECT progress FROM webhook_deliveries") == [{"progress": "pending"}]
