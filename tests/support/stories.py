"""A story: the real program between a Telegram and a provider on loopback, and people who press what they see."""

import asyncio
import contextlib
import logging
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.app import App, Rig
from bot.clients import ClientSettings, make_client
from bot.config import Config, load
from bot.demo import sandbox_server
from bot.demo.telegram import server as telegram_server
from bot.demo.telegram.world import TelegramWorld
from bot.domain.money import ONE
from bot.domain.time import Ms
from bot.providers.sandbox.notify import Retries, WebhookNotifier
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.services.clock import now_ms
from bot.services.rhythm import Sweep, Timing
from bot.web.server import HttpServer
from tests.support import says
from tests.support.botapi_schema import check
from tests.support.telegram import serving

TOKEN = "1000000001:" + "planted-Bot-Token-abcdefghijklmnop_"
HOOK_SECRET = "planted-hook-secret-0123456789"
SIGNING_SECRET = "whsec_cGxhbnRlZCBzaWduaW5nIHNlY3JldCwgMzIgYnl0/+8="
SHORT = Timing(
    answer_due=500,
    find_grace=300,
    retry=100,
    retry_longest=1_000,
    cancel_slack=50,
    poll_young=100,
    poll_middle=200,
    poll_old=200,
    resend=50,
)
INTERVALS_S = {
    **dict.fromkeys(set(Sweep) - {Sweep.CATALOGUE, Sweep.BACKUP}, 0.05),
    Sweep.PRUNE: 600.0,
    Sweep.PROVIDERS: 600.0,
}
"""Without the sweep that reads whole price lists: what it saves people the wait for, no story is about; and without
backups, but where a story asks for one."""
OWNER_ID = 777
PHONE = re.compile(r"\+\d{6,15}")


class Clock:
    """The system's clock, which a story can put forward."""

    def __init__(self) -> None:
        self._ahead: Ms = 0

    def __call__(self) -> Ms:
        return now_ms() + self._ahead

    def advance(self, ms: Ms) -> None:
        self._ahead += ms


@dataclass(frozen=True)
class Seen:
    """Something that appeared in a chat: a message, an edit, or the answer to a press."""

    kind: str
    text: str
    at: float
    message: dict[str, Any] = field(default_factory=dict)

    @property
    def message_id(self) -> int:
        found: int = self.message["message_id"]
        return found

    @property
    def phone(self) -> str:
        found = PHONE.search(self.text)
        assert found, self.text
        return found[0]

    @property
    def buttons(self) -> list[dict[str, Any]]:
        rows = self.message.get("reply_markup", {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]

    def button(self, label: str) -> dict[str, Any]:
        found = next((button for button in self.buttons if label in button["text"]), None)
        assert found, f"no button {label!r} among {[button['text'] for button in self.buttons]}"
        return found

    def copied(self, label: str) -> str:
        """What the button with that label puts on the clipboard."""
        found: str = self.button(label)["copy_text"]["text"]
        return found

    def marked(self, kind: str) -> list[str]:
        """The parts of the text that carry that formatting."""
        units = self.text.encode("utf-16-le")
        spans = [(e["offset"], e["length"]) for e in self.message.get("entities", []) if e["type"] == kind]
        return [units[2 * start : 2 * (start + length)].decode("utf-16-le") for start, length in spans]


class Person:
    """Somebody with a Telegram client: says things, presses what is there, and looks at the chat with the bot."""

    def __init__(self, world: TelegramWorld, user_id: int, events: asyncio.Queue[dict[str, Any]]) -> None:
        self.world = world
        self.id = user_id
        self._events = events
        self._log: list[Seen] = []
        self._mark = 0
        self.pressed_at = 0.0

    def say(self, text: str, chat_id: int | None = None) -> None:
        self._look_from_now()
        self.world.say(self.id, text, chat_id)

    async def press(self, label: str, within_s: float = 5.0) -> None:
        """Press the button, on the message that changed last among those that have it; wait for it to be there."""
        message_id, data = await until(lambda: self._find(label), within_s, lambda: self._missing(label))
        self._look_from_now()
        self.world.press(self.id, self.id, message_id, data)

    def forge(self, data: str, message_id: int | None = None, chat_id: int | None = None) -> None:
        """Press what no message shows."""
        chat = self.id if chat_id is None else chat_id
        last = message_id or self.world.chat(chat).last_id
        self._look_from_now()
        self.world.press_stale(self.id, chat, last, data)

    async def sees(self, *words: str, within_s: float = 5.0, kind: str = "") -> Seen:
        """The first message, edit or answer with all of `words` since this person last did something."""

        def found() -> Seen | None:
            return next((one for one in self.since() if _fits(one, words, kind)), None)

        return await until(found, within_s, lambda: f"{words} not among {[one.text for one in self.since()]}")

    async def sees_any(self, sentences: tuple[str, ...], within_s: float = 5.0) -> Seen:
        """Something with one of these in it; also what stands there already, since an equal edit is no event."""

        def found() -> Seen | None:
            shown = [*self.since(), *self.chat()[-1:]]
            return next((one for one in shown if any(sentence in one.text for sentence in sentences)), None)

        return await until(found, within_s, lambda: f"{sentences} not among {[one.text for one in self.since()]}")

    async def asks(self, text: str, *words: str, within_s: float = 5.0) -> Seen:
        self.say(text)
        kind = "" if words else "message"  # without words, an earlier press's answer would do as well
        return await self.sees(*words, kind=kind, within_s=within_s)

    async def pushes(self, label: str, *words: str, within_s: float = 5.0) -> Seen:
        await self.press(label)
        return await self.sees(*words, within_s=within_s)

    async def buys(self, words: str = "whatsapp germany") -> Seen:
        """A number, by typed words and Confirm; its card."""
        await self.asks(words, says.PRICE)
        return await self.pushes(says.CONFIRM, says.WAITING)

    def since(self) -> list[Seen]:
        """What appeared since this person last did something."""
        self._read()
        return self._log[self._mark :]

    def look_from_now(self) -> None:
        """Forget, for `sees`, what has appeared so far."""
        self._look_from_now()

    def log(self) -> list[Seen]:
        """All that ever appeared."""
        self._read()
        return list(self._log)

    def chat(self) -> list[Seen]:
        """The bot's messages as they stand."""
        mine = [message for message in self.world.messages(self.id) if message["from"]["is_bot"]]
        return [Seen("message", message.get("text", ""), 0.0, message) for message in mine]

    def _look_from_now(self) -> None:
        self._read()
        self._mark = len(self._log)
        self.pressed_at = time.monotonic()

    def _read(self) -> None:
        while not self._events.empty():
            event = self._events.get_nowait()
            assert event["type"] != "resync", "the story has outrun its reader"
            if event["type"] in ("message", "edit") and event["chat_id"] == self.id:
                message = event["message"]
                if message["from"]["is_bot"]:
                    self._log.append(Seen(event["type"], message.get("text", ""), time.monotonic(), message))
            elif event["type"] == "callback_answer" and event["user_id"] == self.id:
                self._log.append(Seen("answer", event["text"] or "", time.monotonic()))

    def _find(self, label: str) -> tuple[int, str] | None:
        self._read()
        now = {seen.message_id: seen for seen in self.chat()}
        for message_id in dict.fromkeys(one.message_id for one in reversed(self._log) if one.message):
            buttons = now[message_id].buttons if message_id in now else []
            for button in buttons:
                if label in button["text"] and "callback_data" in button:
                    return message_id, button["callback_data"]
        return None

    def _missing(self, label: str) -> str:
        return f"no button {label!r} among {[b['text'] for seen in self.chat() for b in seen.buttons]}"


def _fits(seen: Seen, words: tuple[str, ...], kind: str) -> bool:
    return kind in ("", seen.kind) and all(word in seen.text for word in words)


async def until(condition: Callable[[], Any], within_s: float = 5.0, why: Callable[[], str] = str) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        await asyncio.sleep(0.01)
    if found := condition():
        return found
    raise AssertionError(f"it did not come true in {within_s} s: {why()}")


class _Errors(logging.Handler):
    """What the program logged as an error: a story in which nothing breaks has none."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(f"{record.name}: {record.getMessage()}")


class Story:
    def __init__(
        self, config: Config, telegram: TelegramWorld, sandbox: SandboxWorld, clock: Clock, http: HttpServer
    ) -> None:
        self.config = config
        self.telegram = telegram
        self.sandbox = sandbox
        self.clock = clock
        self.http = http
        self.app: App
        self.errors: list[str] = []
        self.expected_errors: tuple[str, ...] = (
            "telegram.request.BaseRequest: Can not load invalid JSON data",
            "uvicorn.error: ASGI callable returned without completing response.",
        )
        """Beginnings of the errors that a story may provoke: an HTML page for JSON, an answer cut off."""
        self._stack = contextlib.ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.port}"

    def person(self, name: str = "Ada", language: str = "en", user_id: int | None = None) -> Person:
        made = self.telegram.add_user(name, language=language, user_id=user_id)
        return Person(self.telegram, made, self._stack.enter_context(self.telegram.subscribe()))

    async def comes(
        self, name: str = "Ada", language: str = "en", *, money: float = 25, user_id: int | None = None
    ) -> Person:
        """A person who has pressed Start, with a balance where balances count."""
        person = self.person(name, language, user_id)
        person.say("/start")
        await until(lambda: person.since())
        if self.config.billing == "prepaid" and money:
            await self.app.wallet.credit_as(None, person.id, str(money), "welcome", key=f"story:{person.id}")
        return person

    def sms(self, phone: str, text: str, sender: str = "WhatsApp") -> str:
        sms_id = self.sandbox.receive(phone, sender, text)
        assert sms_id is not None
        return sms_id

    def sold(self) -> list[dict[str, Any]]:
        """The provider's own record."""
        return self.sandbox.record()

    def rows(self, sql: str, *args: object) -> list[dict[str, Any]]:
        """Plain SQL on the database, beside the program."""
        with contextlib.closing(sqlite3.connect(f"file:{self.config.database_path}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, args)]

    def balance(self, person: Person) -> float:
        return float(self.rows("SELECT balance FROM accounts WHERE user_id = ?", person.id)[0]["balance"] / ONE)

    def state(self, number_id: int = 1) -> str:
        return str(self.rows("SELECT state FROM numbers WHERE id = ?", number_id)[0]["state"])

    def sent(self, method: str = "sendMessage") -> list[dict[str, Any]]:
        """The parameters of all requests of that method."""
        return [one.params for one in self.telegram.requests if one.method == method]

    async def settled(self) -> None:
        """Nothing is owed to anybody who can be reached."""
        owed = """SELECT o.key FROM outbox o JOIN chats c ON c.id = o.chat_id
                  WHERE o.state = 'pending' AND c.parked_at IS NULL"""
        await until(lambda: not self.rows(owed))

    def close(self) -> None:
        self._stack.close()


def check_requests(telegram: TelegramWorld) -> None:
    """Every request of the bot keeps to the Bot API."""
    assert telegram.requests, "the bot said nothing"
    problems = {problem for one in telegram.requests for problem in check(one.method, one.params)}
    assert not problems, problems


def check_books(path: Path) -> None:
    """The books by plain SQL: they balance, no hold is left without something live, nobody owes."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        assert db.execute("SELECT sum(balance) FROM accounts").fetchone() == (0,)
        recomputed = """SELECT a.id, a.balance,
              (SELECT coalesce(sum(amount), 0) FROM transfers WHERE to_account = a.id)
            - (SELECT coalesce(sum(amount), 0) FROM transfers WHERE from_account = a.id) FROM accounts a"""
        assert all(balance == true for _, balance, true in db.execute(recomputed))
        assert not db.execute("SELECT id FROM accounts WHERE balance < 0 AND id <> 'operator'").fetchall()
        idle_holds = """SELECT h.id FROM transfers h LEFT JOIN numbers n ON n.id = h.number_id
            WHERE h.kind = 'hold' AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id)
              AND n.state NOT IN ('buying', 'active', 'cancelling')
              AND NOT EXISTS (SELECT 1 FROM renewals w WHERE w.state = 'pending' AND h.id = 'r' || w.id || ':hold')"""
        assert not db.execute(idle_holds).fetchall()
        assert not db.execute("PRAGMA foreign_key_check").fetchall()
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def environ(tmp_path: Path, api_url: str, sandbox_url: str, **settings: str) -> dict[str, str]:
    """A whole configuration; an empty setting takes the default's place away."""
    given = {
        "BOT_TOKEN": TOKEN,
        "TELEGRAM_API_URL": api_url,
        "TELEGRAM_RATE": "1000",
        "HTTP_PORT": "0",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}",
        "ADMIN_IDS": str(OWNER_ID),
        "ACCESS": "open",
        "BILLING": "prepaid",
        "TOPUP_TEXT": "Send money to the <owner>",
        "PROVIDERS__SANDBOX__KIND": "sandbox",
        "PROVIDERS__SANDBOX__URL": f"{sandbox_url}/sandbox",
        "PROVIDERS__SANDBOX__WEBHOOK_SECRET": HOOK_SECRET,
        "PROVIDERS__SANDBOX__WEBHOOK_SIGNING_SECRET": SIGNING_SECRET,
    } | settings
    return {name: value for name, value in given.items() if value}


@contextlib.asynccontextmanager
async def two_worlds(
    sandbox_settings: SandboxSettings | None = None, clock: Callable[[], Ms] = now_ms
) -> AsyncIterator[tuple[TelegramWorld, str, SandboxWorld, str]]:
    """A Telegram and a provider, served on loopback, with their addresses."""
    telegram = TelegramWorld(TOKEN)
    sandbox = SandboxWorld(seed=7, clock=clock, settings=sandbox_settings or SandboxSettings(cancel_from_ms=0))
    servers = serving(telegram_server.create_app(telegram)), serving(sandbox_server.create_app(sandbox))
    api_url, sandbox_url = await asyncio.gather(*(server.__aenter__() for server in servers))
    try:
        yield telegram, api_url, sandbox, sandbox_url
    finally:
        await sandbox.aclose()
        await asyncio.gather(*(server.__aexit__(None, None, None) for server in servers))


@contextlib.asynccontextmanager
async def playing(
    tmp_path: Path,
    *,
    webhook: bool = False,
    hooks: bool = True,
    start: bool = True,
    sandbox: SandboxSettings | None = None,
    timing: Timing = SHORT,
    settings: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    lock_wait_s: float = 5.0,
    own_clock: Callable[[], Ms] | None = None,
) -> AsyncIterator[Story]:
    """The program, started. At its end it is stopped, and its requests, its books and its log are checked.

    `webhook`: Telegram posts its updates; `hooks`: the provider posts its SMS; either way it can be polled.
    `own_clock`: the program's, where it is not that of the others.
    """
    clock = clock or Clock()
    async with (
        two_worlds(sandbox, clock) as (telegram, api_url, world, sandbox_url),
        make_client(ClientSettings()) as client,
    ):
        http = HttpServer.bind("127.0.0.1", 0)
        given = dict(settings or {})
        if webhook:
            given |= {"TELEGRAM_MODE": "webhook", "PUBLIC_URL": "https://bot.example"}
            telegram.webhook.post = _poster(client, http.port)
            telegram.webhook.set_interval_s, telegram.webhook.first_retry_s = 0.0, 0.05
        config = load(environ(tmp_path, api_url, sandbox_url, **given), None)
        notifier = WebhookNotifier(
            f"http://127.0.0.1:{http.port}/hooks/sandbox/{HOOK_SECRET}",
            SIGNING_SECRET,
            client,
            retries=Retries(first_s=0.05),
            clock=clock,
        )
        world._notify = notifier if hooks else None
        story = Story(config, telegram, world, clock, http)
        own_clock = own_clock or clock
        rig = Rig(timing=timing, intervals_s=INTERVALS_S, clock=own_clock, synchronous="OFF", lock_wait_s=lock_wait_s)
        with _watched_errors(story):
            try:
                story.app = await App.open(config, http, rig=rig)
                try:
                    if start:
                        await story.app.start()
                    yield story
                finally:
                    story.close()
                    await story.app.stop()
            finally:
                await notifier.aclose()
    check_requests(telegram)
    check_books(config.database_path)
    unexpected = [error for error in story.errors if not error.startswith(story.expected_errors)]
    assert not unexpected, unexpected


@contextlib.contextmanager
def _watched_errors(story: Story) -> Iterator[None]:
    handler = _Errors()
    story.errors = handler.seen
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def _poster(client: httpx.AsyncClient, port: int) -> Any:
    async def post(url: str, headers: dict[str, str], body: bytes) -> int:
        answer = await client.post(f"http://127.0.0.1:{port}{urlsplit(url).path}", headers=headers, content=body)
        return answer.status_code

    return post
