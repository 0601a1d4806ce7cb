"""What the tests of the Bot API server share: a world, its server, and a bot that talks to it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from telegram.ext import Application

from bot.demo.telegram.server import create_app
from bot.demo.telegram.world import TelegramWorld
from tests.support.telegram import serving

TOKEN = "4242:AAF-demo_token"


@dataclass
class Api:
    """The wire, without a bot library between."""

    http: httpx.AsyncClient
    base_url: str

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole JSON answer to a JSON request."""
        answer = await self.http.post(f"/bot{TOKEN}/{method}", json=params)
        found: dict[str, Any] = answer.json()
        assert answer.status_code == (200 if found["ok"] else found["error_code"])
        return found

    async def result(self, method: str, **params: Any) -> Any:
        answer = await self.call(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def refusal(self, method: str, **params: Any) -> str:
        answer = await self.call(method, **params)
        assert not answer["ok"], answer
        return str(answer["description"])


@contextlib.asynccontextmanager
async def served(world: TelegramWorld) -> AsyncIterator[Api]:
    async with (
        serving(create_app(world)) as base_url,
        httpx.AsyncClient(base_url=base_url, timeout=15) as http,
    ):
        yield Api(http, base_url)


def application(base_url: str) -> Any:
    """An ordinary bot, told nothing but where its Bot API is."""
    builder = Application.builder().token(TOKEN).base_url(f"{base_url}/bot").base_file_url(f"{base_url}/file/bot")
    return builder.build()


@contextlib.asynccontextmanager
async def polling(app: Any) -> AsyncIterator[Any]:
    async with app:
        await app.start()
        await app.updater.start_polling(timeout=10, allowed_updates=None)
        try:
            yield app
        finally:
            await app.updater.stop()
            await app.stop()


async def until(condition: Callable[[], Any], within_s: float = 5.0) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come true in time")


def world_with(name: str = "Ada", *, started: bool = True) -> tuple[TelegramWorld, int]:
    """A world and one person; their first /start is not left in the bot's queue."""
    world = TelegramWorld(TOKEN)
    user_id = world.add_user(name)
    if started:
        world.say(user_id, "/start")
        world.updates.clear()
    return world, user_id
