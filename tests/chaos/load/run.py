"""One load: SMS and presses for a while, then quiet until nothing is owed any more."""

import asyncio
import contextlib
import re
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.clients import ClientSettings, make_client
from bot.demo import sandbox_server
from bot.demo.telegram import server as telegram_server
from bot.domain.time import DAY
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.services.clock import now_ms
from tests.chaos.load.chats import Chats
from tests.chaos.load.crowd import Crowd
from tests.chaos.load.limits import OVERALL
from tests.chaos.load.probe import Probe
from tests.chaos.load.program import started
from tests.chaos.load.supplier import Webhooks, rain
from tests.chaos.load.town import PROVIDER, Resident, settle_in
from tests.support.telegram import serving

TOKEN = "4242424242:AAFloadAAFloadAAFloadAAFloadAAFloadA"
PATH, SIGNING = "a-path-that-nobody-guesses", "a-key-that-nobody-guesses"
UP_WITHIN_S = 30.0
SAY_EVERY_S = 10.0
QUIET_S = 3.0
COMPLAINT = re.compile(r" (WARNING|ERROR|CRITICAL) |^Traceback")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate` SMS, and `presses` of buttons or commands, a second, for `seconds`."""

    rate: float = 100.0
    seconds: float = 60.0
    people: int = 600
    presses: float = 3.0
    seed: int = 1
    told: float = float(OVERALL)
    """TELEGRAM_RATE. What Telegram takes is OVERALL."""
    profile: Path | None = None

    @property
    def codes(self) -> int:
        return int(self.rate * self.seconds)

    @property
    def bound_s(self) -> float:
        """Telegram cannot have taken all codes sooner."""
        return max(self.seconds, self.codes / OVERALL)

    @property
    def patience_s(self) -> float:
        """All is over by then, whatever happens."""
        others = self.people + 4 * self.presses * self.seconds
        return 60.0 + 3.0 * (self.codes + others) / OVERALL


@dataclass
class Load:
    """What happened. Times are seconds from the first SMS."""

    plan: Plan
    chats: Chats
    residents: list[Resident]
    crowd: Crowd
    webhooks: Webhooks
    probe: Probe
    codes_s: float | None = None
    """When the last code was in its chat."""
    all_s: float | None = None
    """When nothing was owed any more."""
    cpu_s: float = 0.0
    peak_mib: float = 0.0
    stop_s: float = 0.0
    exit_code: int | None = None
    outbox: dict[str, int] = field(default_factory=dict)
    """Messages by their state in the end."""
    complaints: list[str] = field(default_factory=list)
    """What the program logged as a warning or an error."""


async def run(plan: Plan, folder: Path, say: Say = lambda _line: None) -> Load:
    """`folder` keeps the database and the log."""
    chats, database = Chats(TOKEN), folder / "load.db"
    async with contextlib.AsyncExitStack() as stack:
        client = make_client(ClientSettings(max_connections=64))
        stack.push_async_callback(client.aclose)
        webhooks = Webhooks(client, SIGNING, chats.codes)
        supplier = SandboxWorld(clock=now_ms, settings=SandboxSettings(rental_refund_ms=DAY), notify=webhooks)
        stack.push_async_callback(supplier.aclose)
        residents = await settle_in(plan.people, chats, supplier, database)
        telegram_url = await stack.enter_async_context(serving(telegram_server.create_app(chats)))
        supplier_url = await stack.enter_async_context(serving(sandbox_server.create_app(supplier)))
        environ = _environ(plan, database, telegram_url, supplier_url)
        program = await stack.enter_async_context(started(folder, environ, plan.profile))
        webhooks.url = f"{program.base}/hooks/{PROVIDER}/{PATH}"
        probe = Probe(client, program.base, program.pid, lambda: chats.codes.owed)
        load = Load(plan, chats, residents, Crowd(chats, residents, plan.seed), webhooks, probe)
        assert await _is_up(probe), program.tail()
        await _burden(load, supplier, say)
        load.peak_mib, load.cpu_s = probe.peak_mib(), probe.cpu_s()
        load.exit_code, load.stop_s = await program.stop()
        load.outbox = _outbox(database)
        load.complaints = [line for line in program.log.read_text().splitlines() if COMPLAINT.search(line)]
        return load


def _environ(plan: Plan, database: Path, telegram_url: str, supplier_url: str) -> dict[str, str]:
    return {
        "BOT_TOKEN": TOKEN,
        "TELEGRAM_API_URL": telegram_url,
        "TELEGRAM_RATE": str(plan.told),
        "DATABASE_URL": f"sqlite:///{database}",
        "ACCESS": "open",
        "BILLING": "prepaid",
        "PROVIDERS__SANDBOX__KIND": "sandbox",
        "PROVIDERS__SANDBOX__URL": f"{supplier_url}/sandbox",
        "PROVIDERS__SANDBOX__WEBHOOK_SECRET": PATH,
        "PROVIDERS__SANDBOX__WEBHOOK_SIGNING_SECRET": SIGNING,
    }


async def _is_up(probe: Probe) -> bool:
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline:
        sample = await probe.look()
        if sample is not None and sample.ready:
            probe.unanswered = 0
            return True
        await asyncio.sleep(0.1)
    return False


async def _burden(load: Load, supplier: SandboxWorld, say: Say) -> None:
    """The load itself, and the time until nothing is owed after it."""
    plan, codes = load.plan, load.chats.codes
    began = time.monotonic()
    watching = [asyncio.create_task(load.probe.watch()), asyncio.create_task(_tell(load, began, say))]
    try:
        await asyncio.gather(
            rain(supplier, load.residents, codes, rate=plan.rate, seconds=plan.seconds, seed=plan.seed),
            load.crowd.act(plan.presses, plan.seconds),
        )
        await load.webhooks.done(plan.patience_s)
        load.all_s = await _quiet_at(load, began)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    await load.probe.look()


async def _quiet_at(load: Load, began: float) -> float | None:
    """When nothing was owed any more and nothing more came; None where that did not happen in time."""
    codes, shown, seen, since = load.chats.codes, load.chats.shown, -1, time.monotonic()
    while time.monotonic() < began + load.plan.patience_s:
        await asyncio.sleep(0.1)
        if load.codes_s is None and len(codes.shown) == load.plan.codes:
            load.codes_s = max(shown[-1][1] for shown in codes.shown.values()) - began
        if load.probe.samples[-1].pending or shown.total() != seen:
            seen, since = shown.total(), time.monotonic()
        elif time.monotonic() - since > QUIET_S:
            return since - began
    return None


async def _tell(load: Load, began: float, say: Say) -> None:
    while True:
        await asyncio.sleep(SAY_EVERY_S)
        owed, codes, shown = load.probe.samples[-1], load.chats.codes, load.chats.shown
        say(
            f"{time.monotonic() - began:4.0f} s: {len(codes.taken_at)} SMS taken, {len(codes.shown)} codes shown;"
            f" owed {owed.pending}, codes {owed.codes}, the oldest for {owed.oldest_code_ms / 1000:.1f} s;"
            f" {shown['card']} cards, {shown['answer'] + shown['menu']} menus,"
            f" {load.chats.limits.refused.total()} refused"
        )


def _outbox(database: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        return dict(db.execute("SELECT state, count(*) FROM outbox GROUP BY state"))
