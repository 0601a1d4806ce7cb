"""Updates as no Telegram has ever sent them: taken, or refused with 400, with no error; and the next one is heard.

They come from Telegram alone (the webhook asks for a secret, and a long poll asks Telegram), so that all they could
do is harm the one who sends them. But a single one that cannot be read must never stop those after it.
"""

import copy
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import example, given
from hypothesis import strategies as st

from bot.web.routes import TELEGRAM_PATH, TELEGRAM_SECRET_HEADER
from tests.chaos.fuzz.budget import tries
from tests.chaos.fuzz.strategies import bodies, names, numbers, spoilt, texts
from tests.support import says
from tests.support.stories import Person, Story, playing, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVE = {"id": 5001, "is_bot": False, "first_name": "Eve", "username": "eve", "language_code": "en"}
CHAT = {"id": 5001, "first_name": "Eve", "type": "private"}
BOT = {"id": 1000000001, "is_bot": True, "first_name": "Codepigeon", "username": "codepigeon_demo_bot"}
MESSAGE: dict[str, Any] = {
    "message_id": 3,
    "from": EVE,
    "chat": CHAT,
    "date": 1_790_000_000,
    "text": "/buy whatsapp germany",
    "entities": [{"type": "bot_command", "offset": 0, "length": 4}],
}
GONE = {"chat": CHAT, "message_id": 3, "date": 0}
UPDATES: tuple[dict[str, Any], ...] = (
    {"update_id": 9, "message": MESSAGE},
    {"update_id": 9, "message": {**MESSAGE, "text": "whatsapp germany", "reply_to_message": MESSAGE}},
    {"update_id": 9, "message": {**MESSAGE, "chat": {"id": -100, "title": "G", "type": "supergroup"}}},
    {"update_id": 9, "edited_message": {**MESSAGE, "edit_date": 1_790_000_001}},
    {"update_id": 9, "channel_post": {**MESSAGE, "chat": {"id": -5, "title": "C", "type": "channel"}}},
    {"update_id": 9, "message": {**MESSAGE, "photo": [{"file_id": "x", "file_unique_id": "y", "width": 1}]}},
    {
        "update_id": 9,
        "callback_query": {"id": "7", "from": EVE, "message": MESSAGE, "chat_instance": "1", "data": "nu:1"},
    },
    {
        "update_id": 9,
        "callback_query": {"id": "7", "from": EVE, "message": {**GONE}, "chat_instance": "1"},
    },
    {
        "update_id": 9,
        "my_chat_member": {
            "chat": CHAT,
            "from": EVE,
            "date": 1_790_000_000,
            "old_chat_member": {"user": BOT, "status": "kicked", "until_date": 0},
            "new_chat_member": {"user": BOT, "status": "member"},
        },
    },
    {"update_id": 9, "inline_query": {"id": "1", "from": EVE, "query": "x", "offset": ""}},
    {"update_id": 9, "message_reaction": {"chat": CHAT, "message_id": 1, "date": 1, "old_reaction": []}},
    {"update_id": 9, "something_new": {"of": "next year"}},
)  # fmt: skip
POISON: tuple[dict[str, Any], ...] = (
    {"message": {"of": "a kind that nobody knows"}},
    {"message": {**MESSAGE, "date": 10**30}},
    {"callback_query": {"id": "1"}},
    {"message": {**MESSAGE, "from": "nobody"}},
    {"message": 5},
    {"my_chat_member": {"chat": CHAT, "from": EVE, "date": -(10**20)}},
)


@dataclass
class Stage:
    story: Story
    ada: Person
    http: httpx.AsyncClient
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(500_000_000))

    async def post(self, body: bytes) -> int:
        secret = self.story.app._line.webhook_secret
        answer = await self.http.post(TELEGRAM_PATH, content=body, headers={TELEGRAM_SECRET_HEADER: secret})
        return answer.status_code

    def breaks_nothing(self) -> None:
        errors = list(self.story.errors)
        self.story.errors.clear()
        assert errors == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with playing(tmp_path_factory.mktemp("updates"), webhook=True) as story:
        story.telegram.add_user("Eve", user_id=5001)
        ada = await story.comes()
        async with httpx.AsyncClient(base_url=story.url, trust_env=False, timeout=20) as http:
            yield Stage(story, ada, http)


@tries(200)
@given(body=st.sampled_from(UPDATES).flatmap(bodies))
@example(body=json.dumps({**UPDATES[0], "message": {**MESSAGE, "date": 10**30}}).encode())
@example(body=json.dumps({**UPDATES[0], "message": {**MESSAGE, "from": {**EVE, "id": 10**30}}}).encode())
@example(body=json.dumps({**UPDATES[0], "message": {**MESSAGE, "chat": {**CHAT, "id": 2**63}}}).encode())
async def test_any_body_is_taken_or_refused(stage: Stage, body: bytes) -> None:
    assert await stage.post(body) in (200, 400, 413)
    stage.breaks_nothing()


@tries(100)
@given(
    user=st.fixed_dictionaries({"id": numbers | st.integers(1, 2**52), "first_name": names, "username": names}),
    text=texts,
    update_id=numbers,
)
async def test_any_sender_of_any_text_is_answered_or_passed_by(
    stage: Stage, user: dict[str, Any], text: str, update_id: Any
) -> None:
    message = {**MESSAGE, "from": {**EVE, **user}, "chat": {**CHAT, "id": user["id"]}, "text": text}
    assert await stage.post(json.dumps({"update_id": update_id, "message": message}).encode()) in (200, 400)
    stage.breaks_nothing()


@tries(20)
@given(poison=st.lists(st.sampled_from(UPDATES).flatmap(lambda whole: spoilt(whole, 1)), min_size=1, max_size=3))
async def test_whoever_writes_after_what_cannot_be_read_is_heard_by_webhook(stage: Stage, poison: list[Any]) -> None:
    for update in poison:
        await stage.post(json.dumps(update).encode())
    await stage.ada.asks("/help", "How it works")
    stage.breaks_nothing()


@pytest.mark.parametrize("webhook", [False, True], ids=["long poll", "webhook"])
async def test_no_update_stops_those_after_it(tmp_path: Path, webhook: bool) -> None:
    """Neither by being asked for again and again, nor by being sent so, before all others of its chat."""
    async with playing(tmp_path, webhook=webhook) as story:
        ada = await story.comes()
        for update in POISON:
            [(kind, payload)] = copy.deepcopy(update).items()
            story.telegram.updates.put(kind, payload, ada.id)
            await ada.asks("/help", "How it works")
        await until(lambda: not story.telegram.updates.pending())
        assert len(story.sent("getUpdates")) < 100, "nothing is asked for over and over"
        assert says.HELLO in (await ada.asks("/start", says.HELLO)).text
