"""Planted secrets of every kind: no log at DEBUG holds one; without redaction, each that libraries log is there."""

import contextlib
import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import logs
from tests.support import says
from tests.support.stories import HOOK_SECRET, OWNER_ID, TOKEN, playing

API_KEY = "planted-api-key-5f1c9e"
TEXT = "Planted words of an SMS: your code is"
CODE = "918273"
SENDER = "PlantedSender"


@contextlib.contextmanager
def logging_to(stream: io.StringIO, *, redact: bool) -> Iterator[None]:
    """As `main.py` sets it up at LOG_LEVEL=DEBUG; afterwards as it was."""
    names = [*logs.CHATTY, "", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"]
    levels = {name: logging.getLogger(name).level for name in names}
    handler = logs.install("DEBUG", "text", [TOKEN, HOOK_SECRET, API_KEY], redact=redact, stream=stream)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


async def _whole_story(tmp_path: Path, *, webhook: bool) -> str:
    """Everything that touches a secret; the invitation's token comes back."""
    settings = {"ACCESS": "private", "PROVIDERS__SANDBOX__API_KEY": API_KEY}
    async with playing(tmp_path, settings=settings, webhook=webhook) as story:
        owner = await story.comes("Olga", user_id=OWNER_ID)
        shown = await owner.asks("/invite", says.ONE_IN)
        found = re.search(r"start=([\w-]+)", shown.text)
        assert found
        ada = story.person("Ada")
        await ada.asks(f"/start {found[1]}", says.WELCOME)
        await owner.asks(f"/credit {ada.id} 20 x", says.CREDITED)
        card = await ada.buys()
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
    return found[1]


@pytest.mark.parametrize("webhook", [False, True], ids=["by long poll", "by webhook"])
async def test_no_secret_is_logged_and_without_redaction_each_would_be(tmp_path, webhook):
    quiet, loud = io.StringIO(), io.StringIO()
    with logging_to(quiet, redact=True):
        token = await _whole_story(tmp_path / "quiet", webhook=webhook)
    planted = (TOKEN, TOKEN.partition(":")[2], HOOK_SECRET, API_KEY, TEXT, CODE, SENDER, token)
    assert "poll of sandbox failed" in quiet.getvalue(), "something was logged at all"
    assert [secret for secret in planted if secret in quiet.getvalue()] == []

    with logging_to(loud, redact=False):
        token = await _whole_story(tmp_path / "loud", webhook=webhook)
    # The sandbox asks for no key, so nothing ever sends it.
    logged = (TOKEN, HOOK_SECRET, TEXT, CODE, SENDER, token)
    assert [secret for secret in logged if secret not in loud.getvalue()] == []
