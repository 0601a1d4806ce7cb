"""Callers of the API: people of a story who have made keys, and a client with one of them."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bot.domain.keys import Scope
from bot.domain.people import Seen
from tests.support.stories import Person, Story, playing

ON = {
    "API": "on",
    "API_RATE": "1000",
    "LIMIT_ACTIVE_NUMBERS": "1000",
    "LIMIT_PURCHASES_PER_MINUTE": "1000",
    "LIMIT_PURCHASES_PER_DAY": "10000",
}
WHATSAPP = {"country": "US", "service": "WhatsApp"}


@dataclass
class Api:
    """A client whose calls carry a key; paths are below /api."""

    story: Story
    client: httpx.AsyncClient
    person: Person
    key: str
    key_id: int

    async def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return await self.client.request(method, f"{self.story.url}/api/{path}", headers=headers, **options)

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        """A successful answer."""
        return _good(await self("GET", path, params=params))

    async def post(self, path: str, key: str = "", **body: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        return _good(await self("POST", path, json=body, headers=headers))

    async def buys(self, key: str = "", **wish: Any) -> dict[str, Any]:
        return await self.post("allocate_number", key, **(WHATSAPP | wish))

    async def made(self, scope: Scope) -> tuple[int, str]:
        """Another key of the same person."""
        user = await self.story.app.access.see(Seen(self.person.id, "Ada", language="en"))
        key, text = await self.story.app.programs.keys.make(user, "", scope)
        return key.id, text


def _good(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 202), answer.text
    body: dict[str, Any] = answer.json()
    assert body["status"] == ("success" if answer.status_code == 200 else "pending")
    return body


@contextlib.asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=35) as made:
        yield made


async def caller(story: Story, client: httpx.AsyncClient, name: str = "Ada", *, money: float = 100) -> Api:
    """A person of the story with a key of full scope."""
    person = await story.comes(name, money=money)
    user = await story.app.access.see(Seen(person.id, name, language="en"))
    assert story.app.programs is not None
    key, text = await story.app.programs.keys.make(user, "", Scope.FULL)
    return Api(story, client, person, text, key.id)


@contextlib.asynccontextmanager
async def calling(tmp_path: Path, settings: Mapping[str, str] | None = None, **options: Any) -> AsyncIterator[Api]:
    """A story with the API on, and its first caller."""
    async with client() as http, playing(tmp_path, settings={**ON, **(settings or {})}, **options) as story:
        yield await caller(story, http)
