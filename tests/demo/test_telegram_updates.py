"""How updates reach the bot: the long poll and the webhook."""

import asyncio
import json
import time

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Update
from telegram.ext import Application, MessageHandler, filters

from tests.demo.telegram_kit import TOKEN, served, until, world_with
from tests.support.telegram import serving


def texts(updates):
    return [update["message"]["text"] for update in updates]


async def test_a_long_poll_waits_for_the_next_update_and_keeps_it_until_it_is_confirmed():
    world, ada = world_with()
    async with served(world) as api:
        poll = asyncio.create_task(api.result("getUpdates", timeout=10))
        await asyncio.sleep(0.1)
        assert not poll.done()
        world.say(ada, "one")
        [one] = await poll
        world.say(ada, "two")
        assert texts(await api.result("getUpdates")) == ["one", "two"]
        assert texts(await api.result("getUpdates", offset=one["update_id"], limit=1)) == ["one"]
        assert texts(await api.result("getUpdates", offset=one["update_id"] + 1)) == ["two"]
        assert await api.result("getUpdates", offset=one["update_id"] + 2) == []
        for word in ("three", "four", "five"):
            world.say(ada, word)
        assert texts(await api.result("getUpdates", offset=-2)) == ["four", "five"]


async def test_an_empty_long_poll_ends_after_its_timeout():
    world, _ = world_with()
    async with served(world) as api:
        started = time.monotonic()
        assert await api.result("getUpdates", timeout=1) == []
        assert 0.9 < time.monotonic() - started < 3


async def test_only_the_kinds_asked_for_are_queued():
    world, ada = world_with()
    async with served(world) as api:
        assert await api.result("getUpdates", allowed_updates=["message"]) == []
        world.block(ada)
        world.unblock(ada)
        world.say(ada, "hi")
        assert texts(await api.result("getUpdates")) == ["hi"]
        await api.result("getUpdates", allowed_updates=[])
        world.block(ada)
        assert len(await api.result("getUpdates")) == 2


async def test_a_poller_that_hangs_up_leaves_the_updates_for_the_next():
    world, ada = world_with()
    async with served(world) as api:
        poll = asyncio.create_task(api.result("getUpdates", timeout=30))
        await asyncio.sleep(0.1)
        poll.cancel()
        await asyncio.sleep(0.1)
        world.say(ada, "hi")
        assert texts(await api.result("getUpdates", timeout=5)) == ["hi"]


async def test_a_client_that_repeats_itself_is_slowed_down_when_that_is_switched_on():
    world, ada = world_with()
    world.updates.repeat_wait_s = 0.4
    async with served(world) as api:
        world.say(ada, "one")
        world.say(ada, "two")
        assert len(await api.result("getUpdates", offset=0)) == 2
        assert len(await api.result("getUpdates", offset=0)) == 1
        world.updates.clear()
        started = time.monotonic()
        await api.result("getUpdates", offset=0)
        assert time.monotonic() - started > 0.3


async def test_forgotten_after_a_day():
    now = [1_000_000.0]
    world, ada = world_with()
    world.updates._clock = lambda: now[0]
    world.say(ada, "old")
    now[0] += 86_401
    world.say(ada, "new")
    assert texts(await world.updates.fetch(0, 100, 0)) == ["new"]


class Endpoint:
    """A bot's webhook endpoint that answers as it is told."""

    def __init__(self):
        self.statuses = []
        self.seen = []
        self.running = {}
        self.overlap = False
        self.hold_s = 0.0

    async def post(self, url, headers, body):
        update = json.loads(body)
        chat = update["message"]["chat"]["id"]
        self.overlap |= self.running.get(chat, False)
        self.running[chat] = True
        await asyncio.sleep(self.hold_s)
        self.running[chat] = False
        status = self.statuses.pop(0) if self.statuses else 200
        if isinstance(status, Exception):
            raise status
        self.seen.append((url, headers, update["message"]["text"], status))
        return status


async def test_a_webhook_gets_the_secret_and_is_tried_again_until_it_answers():
    world, ada = world_with()
    endpoint = Endpoint()
    world.webhook.post = endpoint.post
    world.webhook.first_retry_s = 0.01
    async with served(world) as api:
        world.say(ada, "before")
        answer = await api.call("setWebhook", url="https://bot.example/hook", secret_token="s3cret")
        assert answer["description"] == "Webhook was set"
        await until(lambda: len(endpoint.seen) == 1)
        endpoint.statuses = [ConnectionRefusedError(), 500, 200]
        world.say(ada, "after")
        await until(lambda: len(endpoint.seen) == 3)
        assert [(text, status) for _, _, text, status in endpoint.seen] == [
            ("before", 200),
            ("after", 500),
            ("after", 200),
        ]
        url, headers, *_ = endpoint.seen[0]
        assert url == "https://bot.example/hook"
        assert headers["X-Telegram-Bot-Api-Secret-Token"] == "s3cret"
        info = await api.result("getWebhookInfo")
        assert info["pending_update_count"] == 0
        assert info["last_error_message"] == "Wrong response from the webhook: 500"


async def test_a_chats_updates_are_posted_one_after_the_other_while_chats_do_not_wait_for_each_other():
    world, ada = world_with()
    bob = world.add_user("Bob")
    endpoint = Endpoint()
    endpoint.hold_s = 0.02
    world.webhook.post = endpoint.post
    async with served(world) as api:
        await api.result("setWebhook", url="https://bot.example/hook")
        started = time.monotonic()
        for number in range(5):
            world.say(ada, f"a{number}")
            world.say(bob, f"b{number}")
        await until(lambda: len(endpoint.seen) == 10)
        assert time.monotonic() - started < 10 * endpoint.hold_s
        assert not endpoint.overlap
        order = [text for _, _, text, _ in endpoint.seen]
        assert [text for text in order if text[0] == "a"] == ["a0", "a1", "a2", "a3", "a4"]


async def test_webhook_and_long_poll_exclude_each_other():
    world, ada = world_with()
    endpoint = Endpoint()
    endpoint.statuses = [500] * 100
    world.webhook.post = endpoint.post
    async with served(world) as api:
        poll = asyncio.create_task(api.refusal("getUpdates", timeout=10))
        await asyncio.sleep(0.1)
        await api.result("setWebhook", url="https://bot.example/hook")
        assert await poll == "Conflict: terminated by setWebhook request"
        assert await api.refusal("getUpdates") == (
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first"
        )
        world.say(ada, "undelivered")
        await until(lambda: endpoint.seen)
        assert (await api.call("deleteWebhook"))["description"] == "Webhook was deleted"
        assert texts(await api.result("getUpdates")) == ["undelivered"]
        too_soon = await api.call("setWebhook", url="https://bot.example/other")
        assert too_soon["parameters"] == {"retry_after": 1}


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"url": "ftp://bot.example"}, "invalid webhook URL specified"),
        ({"url": "https://bot.example", "secret_token": "a b"}, "secret token contains unallowed characters"),
        ({"url": "https://bot.example", "secret_token": "a" * 257}, "secret token is too long"),
        ({"url": "https://bot.example"}, "bad webhook: this server has no way to post"),
    ],
)
async def test_a_webhook_that_cannot_work_is_refused(params, why):
    world, _ = world_with()
    async with served(world) as api:
        assert await api.refusal("setWebhook", **params) == f"Bad Request: {why}"
        assert (await api.result("getWebhookInfo"))["url"] == ""


async def test_an_application_without_an_updater_is_served_by_webhook():
    world, ada = world_with()
    async with served(world) as api:
        app = Application.builder().token(TOKEN).base_url(f"{api.base_url}/bot").updater(None).build()

        async def echo(update: Update, _):
            await update.effective_message.reply_text(update.effective_message.text)

        app.add_handler(MessageHandler(filters.TEXT, echo))

        async def hook(request: Request) -> Response:
            if request.headers.get("X-Telegram-Bot-Api-Secret-Token") != "s3cret":
                return Response(status_code=403)
            await app.update_queue.put(Update.de_json(await request.json(), app.bot))
            return Response()

        async def post(url, headers, body):
            return (await api.http.post(url, headers=headers, content=body)).status_code

        world.webhook.post = post
        endpoint = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
        async with serving(endpoint) as bot_url, app:
            await app.start()
            await app.bot.set_webhook(f"{bot_url}/hook", secret_token="s3cret", allowed_updates=["message"])
            world.say(ada, "hello")
            await until(lambda: world.messages(ada)[-1]["from"]["is_bot"])
            assert world.messages(ada)[-1]["text"] == "hello"
            await app.bot.delete_webhook()
            await app.stop()
