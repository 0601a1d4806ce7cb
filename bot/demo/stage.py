"""The demo's outside world: a Telegram and a supplier of its own, both on loopback, with an unchanged bot between."""

import secrets
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from fastapi import FastAPI
from pydantic import SecretStr

from bot.clients import ClientSettings, make_client
from bot.config import Config, ProviderConfig
from bot.demo import site
from bot.demo.events import Streams
from bot.demo.telegram.server import create_app
from bot.demo.telegram.world import TelegramWorld
from bot.domain.people import Seen
from bot.domain.time import MINUTE, SECOND
from bot.providers.sandbox.notify import WebhookNotifier
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.services.clock import now_ms
from bot.web.server import HttpServer

LOOPBACK = "127.0.0.1"
DEMO_SANDBOX = SandboxSettings(
    cancel_from_ms=5 * SECOND,
    rental_refund_ms=20 * MINUTE,
    latency_s=(0.15, 0.5),
    keep_closed=200,
)
PEOPLE = (("Mira", "en"), ("Антон", "ru"))
"""The first one is an admin of the bot."""


class Stage:
    """`config` is the operator's own, with what the demo must differ in."""

    def __init__(self, config: Config, telegram: TelegramWorld, sandbox: SandboxWorld, stack: AsyncExitStack) -> None:
        self.config = config
        self.telegram = telegram
        self.sandbox = sandbox
        self._stack = stack
        self._streams: Streams | None = None

    @classmethod
    async def open(cls, config: Config, port: int) -> Self:
        """Start both worlds; `port` is where the program itself will listen."""
        async with AsyncExitStack() as stack:
            return cls(*await cls._build(config, port, stack), stack.pop_all())

    @staticmethod
    async def _build(config: Config, port: int, stack: AsyncExitStack) -> tuple[Config, TelegramWorld, SandboxWorld]:
        token = f"{secrets.randbelow(10**9) + 10**9}:{secrets.token_urlsafe(26)[:35]}"
        telegram = TelegramWorld(token)
        people = [telegram.add_user(name, language=language) for name, language in PEOPLE]
        bot_api = HttpServer.bind(LOOPBACK, 0)
        api = create_app(telegram)
        await bot_api.start(api)
        stack.push_async_callback(bot_api.stop)
        stack.push_async_callback(api.before_stop)
        secret, signing_secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        client = make_client(ClientSettings(max_connections=8))
        stack.push_async_callback(client.aclose)
        notifier = WebhookNotifier(f"http://{LOOPBACK}:{port}/hooks/sandbox/{secret}", signing_secret, client)
        stack.push_async_callback(notifier.aclose)
        sandbox = SandboxWorld(seed=7, clock=now_ms, settings=DEMO_SANDBOX, notify=notifier)
        stack.push_async_callback(sandbox.aclose)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="codepigeon-demo-")))
        differing = {
            "bot_token": SecretStr(token),
            "telegram_api_url": f"http://{LOOPBACK}:{bot_api.port}",
            "telegram_mode": "polling",
            "database_url": f"sqlite:///{folder / 'demo.db'}",
            "admin_ids": frozenset(people[:1]),
            "backup_keep": 0,
            "access": "open",
            "billing": "prepaid",
            "api": "on",
            "providers": config.providers or {"sandbox": _sandbox(secret, signing_secret)},
        }
        return config.model_copy(update=differing), telegram, sandbox

    def first_person(self) -> Seen:
        """As their first message will tell of them."""
        user = self.telegram.users()[0]
        return Seen(user["id"], user["name"], user["username"], user["language"])

    def mount(self, app: FastAPI, port: int) -> None:
        """Put the page and the control API into the program's own server."""
        self._streams = site.mount(app, self.telegram, self.sandbox, port)

    def end_streams(self) -> None:
        """Before the HTTP server stops, which open event streams would hold."""
        if self._streams is not None:
            self._streams.close()

    async def aclose(self) -> None:
        """Last of all: the bot has said goodbye to its Telegram by now."""
        await self._stack.aclose()


def _sandbox(secret: str, signing_secret: str) -> ProviderConfig:
    return ProviderConfig(
        kind="sandbox", webhook_secret=SecretStr(secret), webhook_signing_secret=SecretStr(signing_secret)
    )
