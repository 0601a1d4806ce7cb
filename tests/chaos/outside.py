"""The outside world: Telegram, the supplier and the phones. It lives in the test's process and survives every kill."""

import contextlib
import itertools
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.clients import ClientSettings, make_client
from bot.demo import sandbox_server
from bot.demo.telegram import server as telegram_server
from bot.demo.telegram.world import TelegramWorld
from bot.domain.people import Role, Seen
from bot.providers.sandbox.notify import Retries, WebhookNotifier
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.services.clock import now_ms
from bot.services.wallet import Wallet
from storage import users
from storage.db import Database
from tests.chaos.program import HOST, Spec
from tests.support.telegram import serving

TOKEN = "4242424242:AAFchaosAAFchaosAAFchaosAAFchaosAAF"
SECRET = "a-path-that-nobody-guesses"
SIGNING_SECRET = "a-key-that-nobody-guesses"
OPENING = 1_000 * 10_000
"""What everybody has at the start, in units."""
PERSON, BYSTANDER = 1001, 1002
"""One acts; the other has money too, and nothing may happen to it."""


@dataclass
class Outside:
    telegram: TelegramWorld
    sandbox: SandboxWorld
    spec: Spec
    database: Path
    sent: list[str] = field(default_factory=list)
    """The code of each SMS that was sent to a number that was open."""
    _codes: "itertools.count[int]" = field(default_factory=lambda: itertools.count(482_917, 7_919))

    def text_to(self, phone: str) -> str:
        """Somebody's service texts that phone; the code."""
        code = str(next(self._codes))
        assert self.sandbox.receive(phone, "WhatsApp", f"{code} is your WhatsApp code") is not None
        self.sent.append(code)
        return code


async def make_template(path: Path) -> None:
    """A database in which both people have their opening credit."""
    async with await Database.open(path, synchronous="OFF") as db:
        for user_id, name in ((PERSON, "Ada"), (BYSTANDER, "Bob")):
            async with db.transaction() as tx:
                await users.upsert(tx, Seen(user_id, name, "", "en"), Role.MEMBER, now_ms())
            await Wallet(db, now_ms).credit_as(None, user_id, str(OPENING // 10_000), "opening", key=f"open:{user_id}")


@contextlib.asynccontextmanager
async def outside(
    folder: Path, template: Path, settings: SandboxSettings, *, webhooks: bool, poll_ms: int
) -> AsyncIterator[Outside]:
    """A world of its own, on ports of its own, with a database in `folder`."""
    database = folder / "program.db"
    shutil.copy(template, database)
    telegram = TelegramWorld(TOKEN)
    for name in ("Ada", "Bob"):
        telegram.add_user(name)
    async with contextlib.AsyncExitStack() as stack:
        # Bound and never listening, it keeps the program's port for it between two lives.
        reserved = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP))
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind((HOST, 0))
        port = reserved.getsockname()[1]
        sandbox = SandboxWorld(clock=now_ms, settings=settings, notify=_notifier(stack, port, webhooks))
        stack.push_async_callback(sandbox.aclose)
        telegram_url = await stack.enter_async_context(serving(telegram_server.create_app(telegram)))
        sandbox_url = await stack.enter_async_context(serving(sandbox_server.create_app(sandbox)))
        spec = Spec(_environ(telegram_url, sandbox_url, database), port, str(folder / "program.log"), poll_ms=poll_ms)
        yield Outside(telegram, sandbox, spec, database)


def _notifier(stack: contextlib.AsyncExitStack, port: int, webhooks: bool) -> WebhookNotifier | None:
    if not webhooks:
        return None
    client = make_client(ClientSettings(max_connections=4))
    stack.push_async_callback(client.aclose)
    retries = Retries(attempts=200, first_s=0.05, longest_s=0.2)
    notifier = WebhookNotifier(f"http://{HOST}:{port}/hooks/sandbox/{SECRET}", SIGNING_SECRET, client, retries=retries)
    stack.push_async_callback(notifier.aclose)
    return notifier


def _environ(telegram_url: str, sandbox_url: str, database: Path) -> dict[str, str]:
    return {
        "BOT_TOKEN": TOKEN,
        "TELEGRAM_API_URL": telegram_url,
        "TELEGRAM_RATE": "3000",
        "DATABASE_URL": f"sqlite:///{database}",
        "ACCESS": "open",
        "BILLING": "prepaid",
        "LIMIT_PURCHASES_PER_MINUTE": "1000",
        "PROVIDERS__SANDBOX__KIND": "sandbox",
        "PROVIDERS__SANDBOX__URL": f"{sandbox_url}/sandbox",
        "PROVIDERS__SANDBOX__WEBHOOK_SECRET": SECRET,
        "PROVIDERS__SANDBOX__WEBHOOK_SIGNING_SECRET": SIGNING_SECRET,
        "PROVIDERS__SANDBOX__TIMEOUT_S": "5",
    }
