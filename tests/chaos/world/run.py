"""One run: people buy while all fails and the program is killed; then it is quiet, and the books are compared."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from bot.clients import ClientSettings, make_client
from bot.demo import sandbox_server
from bot.demo.telegram import server as telegram_server
from bot.domain.people import Role, Seen
from bot.services.clock import now_ms
from bot.services.wallet import Wallet
from storage import users
from storage.db import Database
from tests.chaos.world.bot import ROOT, Bot
from tests.chaos.world.chats import Chats, Moody
from tests.chaos.world.people import Buyer
from tests.chaos.world.plan import Plan, Tally
from tests.chaos.world.suppliers import PATHS, SIGNING, Market
from tests.chaos.world.verdict import Verdict, judge
from tests.simulators.handler_api import KEY
from tests.simulators.rest import API_KEY, WEBHOOK_SECRET
from tests.support.telegram import serving

TOKEN = "4242424242:AAFchaosAAFchaosAAFchaosAAFchaosAAF"
OPENING = 100_000 * 10_000
"""What everybody has at the start, in units."""
FIRST_ID = 2001

Say = Callable[[str], None]


class World:
    def __init__(self, plan: Plan, folder: Path, source: Path = ROOT) -> None:
        self.plan = plan
        self.tally = Tally()
        self.folder = folder
        self.source = source
        self.database = folder / "program.db"
        self.chats = Chats(TOKEN)
        self.moods = Moody(plan, self.tally)
        self.chats.faults = self.moods
        self.people = [self.chats.add_user(f"P{n}", user_id=FIRST_ID + n) for n in range(plan.people)]
        self.buyers = [Buyer(self.chats, one, plan, self.tally, self.more) for one in self.people]
        self._kills_at = sorted(plan.chance("kills").sample(range(plan.purchases), plan.kills))

    def more(self) -> bool:
        return self.tally.confirmed < self.plan.purchases

    async def run(self, say: Say = lambda _line: None) -> Verdict:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # connections are broken off on purpose
        await self._open_accounts()
        async with contextlib.AsyncExitStack() as stack:
            telegram = await stack.enter_async_context(serving(telegram_server.create_app(self.chats)))
            client = make_client(ClientSettings(max_connections=64))
            stack.push_async_callback(client.aclose)
            bot = Bot({}, self.folder, self.plan, self.tally, self.source)
            market = Market.open(self.plan, self.tally, client, bot.base)
            stack.push_async_callback(market.aclose)
            environ = await self._environ(stack, telegram, market)
            bot._environ.update(environ)  # its port was needed for the webhooks' addresses
            stack.push_async_callback(bot.stop)
            await bot.start()
            began = time.monotonic()
            await self._trade(bot, say)
            say(f"{self.tally.confirmed} purchases in {time.monotonic() - began:.0f} s; settling")
            self.moods.quiet()
            market.quiet()
            await self._settle(market, say)
            took = time.monotonic() - began
            code = await bot.stop()

            verdict = judge(self.chats, market, self.tally, self.moods.unanswered, self.database, OPENING, self.people)
            verdict.figures["seconds"] = round(took)
            if code != 0:
                verdict.wrongs.append(f"a stop at the end had the exit code {code}")
            return verdict

    async def _open_accounts(self) -> None:
        async with await Database.open(self.database, synchronous="OFF") as db:
            for person in self.people:
                async with db.transaction() as tx:
                    await users.upsert(tx, Seen(person, f"P{person}", "", "en"), Role.MEMBER, now_ms())
                await Wallet(db, now_ms).credit_as(None, person, str(OPENING // 10_000), "opening", key=f"o:{person}")

    async def _environ(self, stack: contextlib.AsyncExitStack, telegram: str, market: Market) -> dict[str, str]:
        alpha = await stack.enter_async_context(serving(sandbox_server.create_app(market.alpha)))
        beta = await stack.enter_async_context(serving(market.rest.app))
        gamma = await stack.enter_async_context(serving(market.gamma))
        environ = {
            "BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram,
            "TELEGRAM_RATE": "3000",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "ACCESS": "open",
            "BILLING": "prepaid",
            "LIMIT_PURCHASES_PER_MINUTE": "100000",
            "LIMIT_PURCHASES_PER_DAY": "1000000",
            "LIMIT_ACTIVE_NUMBERS": "100000",
            "LOG_LEVEL": "WARNING",
        }
        options = {
            "alpha": {"KIND": "sandbox", "URL": f"{alpha}/sandbox", "WEBHOOK_SIGNING_SECRET": SIGNING},
            "beta": {"KIND": "rest", "URL": beta, "API_KEY": API_KEY, "WEBHOOK_SIGNING_SECRET": WEBHOOK_SECRET},
            "gamma": {"KIND": "handler_api", "DIALECT": "sms-activate", "URL": gamma, "API_KEY": KEY},
        }
        for name, given in options.items():
            given |= {"WEBHOOK_SECRET": PATHS[name], "TIMEOUT_S": "8"}
            environ |= {f"PROVIDERS__{name.upper()}__{option}": value for option, value in given.items()}
        return environ

    async def _trade(self, bot: Bot, say: Say) -> None:
        buyers = [asyncio.create_task(buyer.shop()) for buyer in self.buyers]
        executioner = asyncio.create_task(self._execute(bot, say))
        try:
            await asyncio.gather(*buyers)
        finally:
            for task in (*buyers, executioner):
                task.cancel()
            results = await asyncio.gather(*buyers, executioner, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _execute(self, bot: Bot, say: Say) -> None:
        """Each kill comes when so many purchases were confirmed, and a moment later."""
        chance = self.plan.chance("moments")
        for at in self._kills_at:
            while self.tally.confirmed < at:  # noqa: ASYNC110 - what it waits for is a count in another task
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.uniform(0, 0.5))
            await bot.kill()
            if len(self.tally.killed_at) % 10 == 0:
                say(f"{self.tally.confirmed} purchases, {len(self.tally.killed_at)} kills")

    async def _settle(self, market: Market, say: Say) -> None:
        """Until nothing is open anywhere and nothing more comes; or until the time for it is over."""
        deadline = time.monotonic() + self.plan.settle_within_s
        quiet_since, before, told = time.monotonic(), -1, ""
        while time.monotonic() < deadline:
            open_there, owed = market.open_numbers(), self._owed()
            if (state := f"still open at the suppliers: {open_there}; in the database: {owed or 'nothing'}") != told:
                say(told := state)
            if open_there:
                await asyncio.gather(*(buyer.tidy_up() for buyer in self.buyers))
            now_there = sum(len(copies) for copies in self.chats.copies.values())
            if open_there or owed or now_there != before:
                quiet_since, before = time.monotonic(), now_there
            elif time.monotonic() - quiet_since > 3:
                return
            await asyncio.sleep(0.5)

    def _owed(self) -> str:
        """A look into the file, to know when to stop waiting and to say for what; the verdict does not rest on it."""
        with contextlib.closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            numbers = db.execute(
                """SELECT provider || ' ' || kind || ' ' || state || ' ' || sms_count || ' SMS', count(*) FROM numbers
                   WHERE state IN ('buying', 'active', 'cancelling') GROUP BY 1"""
            ).fetchall()
            messages = db.execute(
                "SELECT kind || ' ' || state, count(*) FROM outbox WHERE state IN ('pending', 'parked') GROUP BY 1"
            ).fetchall()
        return ", ".join(f"{many} {what}" for what, many in (*numbers, *messages))
