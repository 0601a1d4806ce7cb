"""One bot sells its numbers through its API, another one buys them there and delivers the code to its own chat."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.keys import Scope
from bot.domain.people import Seen, User
from bot.domain.time import HOUR
from bot.domain.webhooks import Topic
from bot.services.rhythm import Timing
from tests.support import says
from tests.support.stories import HOOK_SECRET, SHORT, Person, Story, playing, until

LOW = "5"


async def user_of(story: Story, person: Person) -> User:
    return await story.app.access.see(Seen(person.id, "Operator", language="en"))


@contextlib.asynccontextmanager
async def two_bots(
    path: Path, kind: str, *, timing: Timing = SHORT, **options: str
) -> AsyncIterator[tuple[Story, Person, Story]]:
    """The seller, its customer (who is the operator of the other bot), and the bot that buys."""
    (path / "a").mkdir()
    (path / "b").mkdir()
    selling = {"API": "on", "API_RATE": "1000", "WEBHOOK_ALLOW": "127.0.0.1"}
    async with playing(path / "a", settings=selling) as seller:
        operator = await seller.comes("Operator", money=100)
        user = await user_of(seller, operator)
        assert seller.app.programs is not None
        _, key = await seller.app.programs.keys.make(user, "the other bot", Scope.FULL)
        no_sandbox = dict.fromkeys(("KIND", "URL", "WEBHOOK_SECRET", "WEBHOOK_SIGNING_SECRET"), "")
        settings = {f"PROVIDERS__SANDBOX__{name}": value for name, value in no_sandbox.items()}
        upstream = {"KIND": kind, "URL": seller.url, "API_KEY": key, "LOW_BALANCE": LOW, **options}
        settings |= {f"PROVIDERS__UPSTREAM__{name}": value for name, value in upstream.items()}
        async with playing(path / "b", settings={**settings, "MARKUP_PERCENT": "50"}, timing=timing) as buyer:
            yield seller, operator, buyer


KINDS = pytest.mark.parametrize(
    ("kind", "options"), [("rest", {}), ("handler_api", {"DIALECT": "sms-activate"})], ids=["rest", "handler_api"]
)


@KINDS
async def test_a_number_bought_at_another_bot_brings_its_code_into_this_bots_chat(
    tmp_path: Path, kind: str, options: dict[str, str]
):
    async with two_bots(tmp_path, kind, **options) as (seller, operator, buyer):
        ada = await buyer.comes()
        card = await ada.buys()
        [sold] = seller.rows("SELECT id, phone, price, user_id, state FROM numbers")
        assert (sold["phone"], sold["user_id"], sold["state"]) == (card.phone.replace(" ", ""), operator.id, "active")
        seller.sms(sold["phone"], "Your WhatsApp code is 123-456")
        delivered = await ada.sees("123456", kind="message")
        assert "123456" in delivered.text
        await operator.sees("123456", kind="message")
        [bought] = buyer.rows("SELECT price, cost, phone FROM numbers")
        assert (bought["phone"], bought["cost"]) == (sold["phone"], sold["price"])
        assert bought["price"] == -(-bought["cost"] * 3 // 2)
        assert seller.balance(operator) == 100 - sold["price"] / 10_000
        assert buyer.balance(ada) == 25 - bought["price"] / 10_000
        await ada.press(says.FINISH)
        await until(lambda: (buyer.state(), seller.state()) == ("completed", "completed"))


@KINDS
async def test_a_number_given_back_at_one_bot_is_given_back_at_both_and_nobody_pays(
    tmp_path: Path, kind: str, options: dict[str, str]
):
    async with two_bots(tmp_path, kind, **options) as (seller, operator, buyer):
        ada = await buyer.comes()
        await ada.buys()
        buyer.clock.advance(
            121_000
        )  # handler_api names no time from which it takes one back: the family's is two minutes
        await ada.press(says.CANCEL)
        await until(lambda: (buyer.state(), seller.state()) == ("cancelled", "cancelled"))
        assert (seller.balance(operator), buyer.balance(ada)) == (100, 25)


@KINDS
async def test_what_the_selling_bot_has_not_got_is_sold_out_at_the_other_one(
    tmp_path: Path, kind: str, options: dict[str, str]
):
    async with two_bots(tmp_path, kind, **options) as (seller, operator, buyer):
        ada = await buyer.comes()
        await ada.asks("whatsapp germany", says.PRICE)
        seller.sandbox.mode = "empty"
        await ada.press(says.CONFIRM)
        await until(lambda: [row["state"] for row in buyer.rows("SELECT state FROM numbers")] == ["failed"])
        assert (seller.balance(operator), buyer.balance(ada)) == (100, 25)


async def test_the_selling_bot_tells_the_other_one_of_an_sms_which_need_not_ask(tmp_path: Path):
    seldom = replace(SHORT, poll_young=HOUR, poll_middle=HOUR, poll_old=HOUR)
    async with two_bots(tmp_path, "rest", timing=seldom, WEBHOOK_SECRET=HOOK_SECRET) as (seller, operator, buyer):
        assert seller.app.programs is not None
        url = f"{buyer.url}/hooks/upstream/{HOOK_SECRET}"
        await seller.app.programs.webhooks.register(await user_of(seller, operator), url, (Topic.SMS_RECEIVED,))
        ada = await buyer.comes()
        card = await ada.buys()
        await asyncio.sleep(0.3)  # the poll that every number gets at first is over
        seller.sms(card.phone, "Your WhatsApp code is 123-456")
        await ada.sees("123456", kind="message")
