"""The demo's site over real HTTP, with both worlds behind it."""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from bot.demo.events import Streams
from bot.demo.site import mount
from bot.demo.telegram.world import TelegramWorld
from bot.providers.sandbox.world import SandboxWorld
from tests.browser.scripted import ScriptedBot
from tests.support.telegram import serving


@dataclass(frozen=True)
class Site:
    url: str
    telegram: TelegramWorld
    sandbox: SandboxWorld
    streams: Streams
    bot: ScriptedBot
    http: httpx.AsyncClient

    async def get(self, path: str) -> Any:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object = None, status: int = 200) -> Any:
        answer = await self.http.post(path, json={} if body is None else body)
        assert answer.status_code == status, answer.text
        return answer.json()

    @contextlib.asynccontextmanager
    async def events(self) -> AsyncIterator["EventReader"]:
        async with self.http.stream("GET", "/demo/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            reader = EventReader(answer.aiter_lines())
            assert await reader.line() == "retry: 1000"
            yield reader


class EventReader:
    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def line(self) -> str:
        """The next line that is not empty."""
        async for line in self._lines:
            if line:
                return line
        raise EOFError("the stream has ended")

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of that type."""
        while True:
            line = await self.line()
            if line.startswith("data: "):
                event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                if event["type"] == kind:
                    return event


@contextlib.asynccontextmanager
async def demo_site() -> AsyncIterator[Site]:
    telegram = TelegramWorld("1:sandbox")
    sandbox = SandboxWorld(clock=lambda: int(time.time() * 1000))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    streams = mount(app, telegram, sandbox, port=0)
    bot = ScriptedBot(telegram, sandbox)

    async def before_stop() -> None:
        streams.close()

    app.before_stop = before_stop  # type: ignore[attr-defined]
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False, timeout=5) as http:
        yield Site(url, telegram, sandbox, streams, bot, http)
        await bot.aclose()
