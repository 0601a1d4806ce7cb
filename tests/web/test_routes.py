"""The HTTP face of the running program, over real HTTP."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from bot.app import App
from bot.domain.time import MINUTE
from bot.providers.signature import sign
from tests.support import says
from tests.support.services import eventually
from tests.support.stories import HOOK_SECRET, SIGNING_SECRET, TOKEN, Story, playing, until

HOOK = f"/hooks/sandbox/{HOOK_SECRET}"


@contextlib.asynccontextmanager
async def client(story: Story) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=story.url, trust_env=False, timeout=10) as http:
        yield http


def event(provider_ref: str, sms_id: str = "s1", text: str = "code 445566") -> bytes:
    sms = {"id": sms_id, "sender": "Bank", "text": text, "received_at": 1_795_000_000_000}
    return json.dumps({"id": "m", "type": "sms.received", "provider_ref": provider_ref, "sms": sms}).encode()


def signed(story: Story, body: bytes, secret: str = SIGNING_SECRET, ago_s: int = 0) -> dict[str, str]:
    return sign(secret, "m", story.clock() // 1000 - ago_s, body)


async def test_health_is_told_while_all_is_well(tmp_path):
    async with playing(tmp_path) as story, client(story) as http:
        alive = await http.get("/healthz")
        assert (alive.status_code, alive.json()["status"]) == (200, "ok")
        await story.comes()
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        assert ready.json()["database"]["ok"] is True


async def test_readiness_tells_when_a_provider_last_answered(tmp_path):
    async with playing(tmp_path) as story, client(story) as http:
        ada = await story.comes()

        async def contact() -> Any:
            return (await http.get("/readyz")).json()["providers"]["sandbox"]["last_contact"]

        await eventually(contact)
        story.clock.advance(MINUTE)
        asked = story.clock()
        await ada.asks("whatsapp germany", says.PRICE)
        assert asked <= await contact() <= story.clock(), "a price list is an answer too"
        story.sandbox.mode = "down"
        told = await contact()
        story.clock.advance(MINUTE)
        await ada.asks("telegram germany")
        assert await contact() == told


async def test_readiness_names_telegram_when_it_has_been_silent(tmp_path):
    async with playing(tmp_path) as story, client(story) as http:
        ada = await story.comes()
        story.clock.advance(3 * MINUTE)
        ready = await http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["telegram"]["ok"] is False
        assert ready.json()["database"]["ok"] is True
        assert (await http.get("/healthz")).status_code == 200
        await ada.asks("/start", says.HELLO)
        assert (await http.get("/readyz")).status_code == 200


async def test_while_telegram_cannot_be_reached_the_program_is_alive_and_takes_webhooks(tmp_path):
    async with playing(tmp_path, start=False) as story, client(story) as http:
        story.telegram.faults.add("getMe", "500", times=None)
        starting = asyncio.create_task(story.app.start())
        try:
            await until(lambda: story.telegram.requests)
            assert (await http.get("/healthz")).status_code == 200
            ready = await http.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["telegram"]["ok"] is False
            body = event("sb-nobody")
            assert (await http.post(HOOK, content=body, headers=signed(story, body))).status_code == 200
            assert len(story.rows("SELECT id FROM sms")) == 1
        finally:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting


ELSEWHERE = (
    "/hooks/sandbox/wrong-secret-000000",
    f"/hooks/other/{HOOK_SECRET}",
    "/hooks/sandbox/",
    f"/hooks/sandbox/{HOOK_SECRET}x",
    f"/hooks/sandbox/{HOOK_SECRET[:-1]}",
    f"/hooks/sandbox/{HOOK_SECRET.upper()}",
    "/hooks/sandbox/%F0%9F%A6%84",
    "/hooks/%00/x",
)
NO_EVENTS = (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"type": "other"}', b"[" * 100_000, b'{"a": 1e999}')


async def test_a_webhook_that_is_not_to_be_believed_changes_nothing(tmp_path):
    async with playing(tmp_path) as story, client(story) as http:
        body = event("sb-x")
        for path in ELSEWHERE:
            answer = await http.post(path, content=body, headers=signed(story, body))
            assert answer.status_code == 404, path
        for garbage in NO_EVENTS:
            answer = await http.post(HOOK, content=garbage, headers=signed(story, garbage))
            assert answer.status_code == 200, (garbage[:20], "so that its sender stops")
        forged: list[dict[str, str]] = [
            {},
            signed(story, body, secret="another-secret-0123456789"),
            signed(story, body, ago_s=3600),
            signed(story, body, ago_s=-3600),
            signed(story, body + b" "),
            {**signed(story, body), "webhook-signature": "v1,"},
            {**signed(story, body), "webhook-timestamp": "9" * 400},
        ]
        for headers in forged:
            assert (await http.post(HOOK, content=body, headers=headers)).status_code == 401, headers
        assert (await http.post(HOOK, content=b" " * 1_000_001)).status_code == 413
        assert (await http.get(HOOK)).status_code == 405
        assert story.rows("SELECT id FROM sms") == []


async def test_a_replayed_webhook_changes_nothing(tmp_path):
    async with playing(tmp_path, hooks=False) as story, client(story) as http:
        ada = await story.comes()
        await ada.buys()
        body = event(story.sold()[0]["provider_ref"])
        headers = signed(story, body)
        ada.look_from_now()
        first = await http.post(HOOK, content=body, headers=headers)
        assert (first.status_code, first.json()["new"]) == (200, 1)
        assert story.rows("SELECT text FROM sms") == [{"text": "code 445566"}], "answered after the commit"
        await ada.sees("445566", kind="message")
        again = await http.post(HOOK, content=body, headers=headers)
        assert (again.status_code, again.json()["new"]) == (200, 0)
        await story.settled()
        assert len([one for one in ada.chat() if "#1-1" in one.text]) == 1
        assert len(story.rows("SELECT id FROM transfers WHERE kind = 'capture'")) == 1


async def test_what_is_not_set_up_is_not_there(tmp_path):
    async with playing(tmp_path) as story, client(story) as http:
        for path in ("/demo", "/demo/", "/demo/state", "/demo/events", "/", "/docs", "/openapi.json"):
            assert (await http.get(path)).status_code == 404, path
            assert (await http.post(path)).status_code == 404, path
        polled = await http.post("/telegram/webhook", json={"update_id": 1}, headers=_telegram_headers(story.app))
        assert polled.status_code == 404


def _telegram_headers(app: App) -> dict[str, str]:
    return {"X-Telegram-Bot-Api-Secret-Token": app._line.webhook_secret}


async def test_telegrams_webhook_believes_only_its_secret_and_refuses_garbage(tmp_path):
    async with playing(tmp_path, webhook=True) as story, client(story) as http:
        good = _telegram_headers(story.app)
        update = {"update_id": 5}
        for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "wrong"}, {"X-Telegram-Bot-Api-Secret-Token": TOKEN}):
            assert (await http.post("/telegram/webhook", json=update, headers=headers)).status_code == 404
        bodies: list[bytes] = [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"{}", b'{"update_id": "x"}', b"[" * 99_999]
        for body in bodies:
            answer = await http.post("/telegram/webhook", content=body, headers=good)
            assert answer.status_code == 400, body[:20]
        answer = await http.post("/telegram/webhook", content=b" " * 1_000_001, headers=good)
        assert answer.status_code == 413
        strange: list[dict[str, Any]] = [{"update_id": 7}, {"update_id": 8, "unheard_of": {"a": 1}}]
        strange += [{"update_id": 9, "message": {}}, {"update_id": 10, "message": 5}]  # refused, they would come again
        for body in strange:
            assert (await http.post("/telegram/webhook", json=body, headers=good)).status_code == 200
        ada = await story.comes()
        await ada.sees(says.HELLO)


async def test_an_update_that_comes_while_the_bot_ends_is_left_to_telegram(tmp_path):
    async with playing(tmp_path, webhook=True) as story, client(story) as http:
        await story.comes()
        story.app._line._updates.cut_off()
        answer = await http.post("/telegram/webhook", json={"update_id": 9}, headers=_telegram_headers(story.app))
        assert answer.status_code == 503, "so that it is posted again"


async def test_telegrams_webhook_is_answered_after_the_effect_is_safe(tmp_path):
    async with playing(tmp_path, webhook=True) as story:
        ada = await story.comes()
        offer = await ada.asks("whatsapp germany", says.PRICE)
        post, found = story.telegram.webhook.post, []

        async def looked(url: str, headers: dict[str, str], body: bytes) -> int:
            status = await post(url, headers, body)
            found.append(story.rows("SELECT id FROM transfers WHERE kind = 'hold'"))
            return status

        story.telegram.webhook.post = looked
        story.telegram.press(ada.id, ada.id, offer.message_id, offer.button(says.CONFIRM)["callback_data"])
        await until(lambda: found)
        assert found == [[{"id": "n1:hold"}]]
