"""Planted secrets of every kind: no log at DEBUG holds one; without redaction, each that libraries log is there."""

import contextlib
import io
import logging
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot import logs
from bot.services.clock import now_ms
from tests.simulators.engine import Supplier
from tests.simulators.handler_api import Hero
from tests.support import says
from tests.support.receiver import Receiver, receiving
from tests.support.stories import HOOK_SECRET, OWNER_ID, SIGNING_SECRET, TOKEN, Person, Story, playing, until
from tests.support.telegram import serving

API_KEY = "planted-api-key-5f1c9e"
QUERY_KEY = "planted-query-key-77ab31"
QUERY_HOOK_SECRET = "planted-query-hook-42e0d9"
TEXT = "Planted words of an SMS: your code is"
CODE = "918273"
SENDER = "PlantedSender"
QUERY_TEXT = "Other planted words, code"
QUERY_CODE = "564738"
WEBHOOK_PATH = "/planted-webhook-path-90aa17"
WEBHOOK_QUERY = "planted-webhook-query-3cd2b8"

LOGGERS = (
    *logs.CHATTY,
    "",
    "telegram.request.BaseRequest",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
)


@contextlib.contextmanager
def logging_to(stream: io.StringIO, *, redact: bool) -> Iterator[None]:
    """As `main.py` sets it up at LOG_LEVEL=DEBUG; afterwards as it was."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    secrets = [TOKEN, HOOK_SECRET, SIGNING_SECRET, API_KEY, QUERY_KEY, QUERY_HOOK_SECRET]
    handler = logs.install("DEBUG", "text", secrets, redact=redact, stream=stream)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@dataclass(frozen=True)
class Site:
    """A member of the handler_api family, whose key travels in the query of every request."""

    supplier: Supplier
    simulator: Hero
    settings: dict[str, str]


@contextlib.asynccontextmanager
async def a_site() -> AsyncIterator[Site]:
    supplier = Supplier(now_ms)
    simulator = Hero(supplier, key=QUERY_KEY)
    async with serving(simulator) as url:
        settings = {
            "KIND": "handler_api",
            "DIALECT": "hero",
            "URL": url,
            "API_KEY": QUERY_KEY,
            "WEBHOOK_SECRET": QUERY_HOOK_SECRET,
            "CURRENCY": "EUR",
            "RATE": "0.0001",  # cheaper than the sandbox, so that it is the one that sells
        }
        yield Site(supplier, simulator, {f"PROVIDERS__HERO__{name}": value for name, value in settings.items()})


async def _whole_story(tmp_path: Path, *, webhook: bool) -> list[str]:
    """Everything that touches a secret; those that are made on the way come back."""
    async with a_site() as site:
        settings = {"ACCESS": "private", "API": "on", "WEBHOOK_ALLOW": "127.0.0.1", **site.settings}
        settings["PROVIDERS__SANDBOX__API_KEY"] = API_KEY
        async with receiving() as receiver, playing(tmp_path, settings=settings, webhook=webhook) as story:
            owner = await story.comes("Olga", user_id=OWNER_ID)
            shown = await owner.asks("/invite", says.ONE_IN)
            found = re.search(r"start=([\w-]+)", shown.text)
            assert found
            ada = story.person("Ada")
            await ada.asks(f"/start {found[1]}", says.WELCOME)
            await owner.asks(f"/credit {ada.id} 20 x", says.CREDITED)
            secret = await _a_webhook(ada, receiver)
            await _by_the_sandbox(story, ada)
            await _by_the_site(story, site, ada)
            made = await _by_a_program(story, ada)
            await until(lambda: "sms.received" in receiver.types() and len(receiver.calls) > len(receiver.taken))
    return [found[1], secret, *made]


async def _a_webhook(ada: Person, receiver: Receiver) -> str:
    """Its secret. It takes the events of the first number, and refuses the others."""
    shown = await ada.asks(f"/webhooks {receiver.url}{WEBHOOK_PATH}?token={WEBHOOK_QUERY}", "whsec_")
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", shown.text)
    assert found
    receiver.status = lambda call: 200 if call.number == "n1" else 500
    return found[0]


async def _by_a_program(story: Story, ada: Person) -> list[str]:
    """A key and a token, in each place where they may stand, in good calls and in bad ones."""
    shown = await ada.asks("/apikey full script", says.KEY_ONCE)
    key = str(shown.button(says.COPY_KEY)["copy_text"]["text"])
    async with httpx.AsyncClient(base_url=f"{story.url}/api", trust_env=False) as client:
        token = (await client.post("/auth", json={"apiKey": key})).json()["access_token"]
        for secret in (key, token):
            for path in (
                "/numbers?messages=1",
                "/fetch_messages?id=n1",
                "/nowhere?x=1",
                "/numbers?limit=x",
                "/balance",
            ):
                await client.get(path, params={"apiKey": secret})
                await client.get(path, headers={"Authorization": f"Bearer {secret}"})
                await client.post(path, json={"apiKey": secret, "country": secret})
    return [key, token]


async def _by_the_sandbox(story: Story, ada: Person) -> None:
    card = await ada.buys("google germany")
    story.telegram.faults.add("sendMessage", "500", times=1)
    story.sandbox.faults.add("fetch", "garbage", times=1)
    story.sms(card.phone, f"{TEXT} {CODE}", SENDER)
    await ada.sees(CODE, kind="message")
    await ada.pushes(says.ANOTHER, says.ASKED_AGAIN)
    await ada.asks("/numbers", "1 open")
    ada.forge("ms:1")
    await ada.sees(TEXT)
    ada.forge("x" * 80)
    await ada.sees(says.OLD_BUTTON)


async def _by_the_site(story: Story, site: Site, ada: Person) -> None:
    await ada.buys("whatsapp germany")
    [line] = site.supplier.lines.values()
    for action in ("getActiveActivations", "getStatus", "getStatusV2", "getAllSms"):
        site.supplier.faults[action].extend(("reset", "garbage"))
    story.expected_errors += ("uvicorn.error: ASGI callable returned without starting response.",)  # the resets
    sms = site.supplier.receive(line.phone, SENDER, f"{QUERY_TEXT} {QUERY_CODE}")
    async with httpx.AsyncClient(trust_env=False) as client:
        event = site.simulator.event(line, sms)
        await client.post(f"{story.url}/hooks/hero/{QUERY_HOOK_SECRET}", json=event)
    await ada.sees(QUERY_CODE, kind="message", within_s=30)


def _by_access_log(written: str) -> str:
    """What uvicorn noted of requests to the program itself and to the servers around it."""
    return "\n".join(line for line in written.splitlines() if " uvicorn.access: " in line)


@pytest.mark.parametrize("webhook", [False, True], ids=["by long poll", "by webhook"])
async def test_no_secret_is_logged_and_without_redaction_each_would_be(tmp_path, webhook):
    quiet, loud = io.StringIO(), io.StringIO()
    with logging_to(quiet, redact=True):
        made = await _whole_story(tmp_path / "quiet", webhook=webhook)
    keys = (API_KEY, QUERY_KEY, HOOK_SECRET, SIGNING_SECRET, QUERY_HOOK_SECRET)
    said = (TEXT, CODE, SENDER, QUERY_TEXT, QUERY_CODE)
    addressed = (WEBHOOK_PATH, WEBHOOK_QUERY)
    planted = (TOKEN, TOKEN.partition(":")[2], *keys, *said, *addressed)
    assert "poll of sandbox failed" in quiet.getvalue(), "something was logged at all"
    assert "poll of hero failed" in quiet.getvalue()
    assert [secret for secret in (*planted, *made) if secret in quiet.getvalue()] == []

    with logging_to(loud, redact=False):
        made = await _whole_story(tmp_path / "loud", webhook=webhook)
    # The sandbox asks for no key, and what signs is no part of what is signed, so nothing ever sends the two.
    logged = [secret for secret in (*planted, *made) if secret not in (API_KEY, SIGNING_SECRET)]
    assert [secret for secret in logged if secret not in loud.getvalue()] == []
    noted = _by_access_log(loud.getvalue())
    paths = (f"POST /hooks/sandbox/{HOOK_SECRET} ", f"POST /hooks/hero/{QUERY_HOOK_SECRET} ", f"?api_key={QUERY_KEY}&")
    assert [path for path in paths if path not in noted] == []
