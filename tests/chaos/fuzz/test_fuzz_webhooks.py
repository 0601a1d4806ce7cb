"""Bodies at every provider's webhook, over HTTP: forged, broken, or signed by a provider that has gone mad.

Nothing is believed but what is signed, nothing breaks, and whatever is kept can be sent.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.numbers import Kind
from bot.domain.people import Seen
from bot.domain.time import SECOND
from bot.providers.signature import sign
from bot.services.clock import now_ms
from tests.chaos.fuzz.budget import tries
from tests.chaos.fuzz.strategies import bodies, texts
from tests.simulators import fivesim, handler_api, rest
from tests.support.stories import HOOK_SECRET, SIGNING_SECRET, Person, Story, playing, until
from tests.support.suppliers import Site, a_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMS = {"id": "s1", "sender": "Bank", "text": "Your code is 123456", "received_at": 1_795_000_000_000}
MESSAGE = {"id": "m1", "sender": "Bank", "text": "Your code is 123456", "received_at": "2026-11-20T10:00:00Z"}
EVENTS: dict[str, tuple[dict[str, Any], ...]] = {
    "sandbox": ({"id": "m", "type": "sms.received", "provider_ref": "sb-x", "sms": SMS},),
    "rest": (
        {"type": "sms.received", "data": {"number": {"id": "n1"}, "message": MESSAGE}},
        {"type": "number.expired", "data": {"number": {"id": "n1", "state": "expired"}}},
        {"type": "webhook.test", "data": {}},
    ),
    "hero": ({"activationId": 5, "service": "wa", "text": "x", "code": "1", "receivedAt": "2026-11-20 10:00:00"},),
    "smsbower": ({"activationId": "5", "code": "12", "text": "", "receivedAt": ""}, {"rentId": 7, "sms": "x"}),
    "fivesim": ({"id": 1, "sms": [SMS]},),
}
SIGNED = ("sandbox", "rest")
KEYS = {"rest": rest.API_KEY, "hero": handler_api.KEY, "smsbower": handler_api.KEY, "fivesim": fivesim.API_KEY}


@dataclass
class Stage:
    story: Story
    ada: Person
    http: httpx.AsyncClient
    provider_ref: str

    async def post(self, provider: str, body: bytes, *, signed: bool) -> int:
        headers = sign(SIGNING_SECRET, "m", now_ms() // SECOND, body) if signed else {}
        answer = await self.http.post(f"/hooks/{provider}/{HOOK_SECRET}", content=body, headers=headers)
        return answer.status_code

    def books(self) -> list[Any]:
        tables = ("SELECT * FROM numbers", "SELECT * FROM transfers", "SELECT * FROM accounts", "SELECT * FROM sms")
        return [self.story.rows(sql) for sql in tables]

    def breaks_nothing(self) -> None:
        errors = list(self.story.errors)
        self.story.errors.clear()
        assert errors == []


def settings(site: Site) -> dict[str, str]:
    found = {}
    for name in ("rest", "hero", "smsbower", "fivesim"):
        kind = {"KIND": "handler_api", "DIALECT": name} if name in ("hero", "smsbower") else {"KIND": name}
        options = {**kind, "URL": f"{site.url}/{name}", "API_KEY": KEYS[name], "WEBHOOK_SECRET": HOOK_SECRET}
        options |= {"WEBHOOK_SIGNING_SECRET": SIGNING_SECRET} if name in SIGNED else {}
        found |= {f"PROVIDERS__{name.upper()}__{option}": value for option, value in options.items()}
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with a_site() as site:
        for name in ("rest", "hero", "smsbower", "fivesim"):
            site.open(name, now_ms)
        async with playing(tmp_path_factory.mktemp("hooks"), hooks=False, settings=settings(site)) as story:
            ada = await story.comes()
            async with httpx.AsyncClient(base_url=story.url, trust_env=False, timeout=30) as http:
                user = await story.app.access.see(Seen(ada.id, "Ada", language="en"))
                offers = await story.app.offers._on_sale(Kind.ACTIVATION, "wa")
                offer = next(one for one in offers if one.provider == "sandbox")
                number = await story.app.purchases.allocate(user, (await story.app.purchases.promise(user, offer)).id)
                await story.settled()
                yield Stage(story, ada, http, str(number.provider_ref))


@tries(150)
@given(data=st.data(), provider=st.sampled_from(tuple(EVENTS)))
async def test_what_is_not_signed_changes_nothing(stage: Stage, data: st.DataObject, provider: str) -> None:
    body = data.draw(st.sampled_from(EVENTS[provider]).flatmap(bodies))
    before = stage.books()
    assert await stage.post(provider, body, signed=False) in (200, 401, 503)
    assert stage.books() == before
    stage.breaks_nothing()


@tries(150)
@given(data=st.data(), provider=st.sampled_from(SIGNED))
async def test_what_is_signed_is_taken_or_not_understood(stage: Stage, data: st.DataObject, provider: str) -> None:
    body = data.draw(st.sampled_from(EVENTS[provider]).flatmap(bodies))
    before = stage.story.rows("SELECT * FROM transfers")
    assert await stage.post(provider, body, signed=True) in (200, 503)
    assert stage.story.rows("SELECT * FROM transfers") == before, "it is about nobody's number"
    stage.breaks_nothing()


@tries(60)
@given(
    sms=st.fixed_dictionaries(
        {"id": st.text(st.characters(exclude_categories=()), min_size=1, max_size=40), "sender": texts, "text": texts},
    ),
    at=st.integers(-(10**14), 10**14) | st.sampled_from((0, 2**53, 2**63 - 1, -(2**63), 10**30)),
)
@example(sms={"id": "x", "sender": "S", "text": "T"}, at=10**18)
async def test_what_is_signed_about_a_number_is_shown_whatever_its_time(
    stage: Stage, sms: dict[str, str], at: int
) -> None:
    event = {**EVENTS["sandbox"][0], "provider_ref": stage.provider_ref, "sms": {**sms, "received_at": at}}
    assert await stage.post("sandbox", json.dumps(event).encode(), signed=True) == 200
    await until(lambda: not stage.story.rows("SELECT 1 FROM outbox WHERE kind = 'sms' AND state = 'pending'"), 10)
    assert not stage.story.rows("SELECT error FROM outbox WHERE state NOT IN ('sent', 'pending')")
    stage.ada.look_from_now()
    stage.ada.forge("+ms:1")
    await stage.ada.sees(kind="message", within_s=10)
    stage.breaks_nothing()
