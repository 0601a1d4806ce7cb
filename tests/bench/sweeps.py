"""What one poll of many numbers takes, by pages and one by one."""

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.domain.time import MINUTE, SECOND, Ms
from bot.providers.breaker import Breaker
from bot.providers.handler_api.adapter import HandlerApi
from bot.providers.handler_api.dialects import DIALECTS
from bot.providers.http import ProviderHttp
from bot.providers.registry import Registry
from bot.services.clock import now_ms
from storage.db import Database
from tests.bench.rig import Rig, a_rig
from tests.simulators.sims import HandlerApiSim
from tests.support.stock import put, sell
from tests.support.suppliers import a_site

WITH_LIST = ("sms-activate", "hero", "tiger", "grizzly", "fivesim", "rest", "sandbox")
LISTS = {"list", "fetch"}
CODES = 10
FASTER = 10
YOUNG, OLD = 20, 180


async def by_pages(folder: Path, numbers: int) -> None:
    print(
        f"1. One poll of {numbers:,} live numbers, {CODES} of which have just got a code; simulator in this process\n"
    )
    print("| supplier | requests for lists | others | seconds | most requests a second by our pace |")
    print("|---|---|---|---|---|")
    for name in WITH_LIST:
        asked, took_s = await _poll_pages(folder / f"{name}.db", name, numbers)
        lists = sum(count for verb, count in asked.items() if verb in LISTS)
        pace = DIALECTS[name].min_interval_s if name in DIALECTS else 0.05 if name == "fivesim" else 0
        limit = f"{1 / pace:g}" if pace else "no limit"
        print(f"| {name} | {lists:,} | {asked.total() - lists} | {took_s:.1f} | {limit} |", flush=True)


async def _poll_pages(path: Path, name: str, numbers: int) -> tuple[Counter[str], float]:
    async with a_site() as site:
        sim = site.open(name, now_ms)
        stocked = await sell(sim, numbers)
        async with a_rig(path, site, {name: sim}, now_ms) as rig:
            await put(rig.db, name, stocked, now_ms())
            for place, one in enumerate(stocked[:: max(1, numbers // CODES)][:CODES]):
                sim.text(one.phone, "Sender", f"Your code is {100_000 + place}")
            del sim.asked[:]
            began = time.monotonic()
            await rig.poll()
            took_s = time.monotonic() - began
            found = await rig.db.read.one("SELECT count(*) AS codes FROM sms")
            assert found is not None
            assert found["codes"] == min(CODES, numbers)
            return Counter(sim.asked), took_s


@dataclass
class Fast:
    """Time that passes faster than it does."""

    began: float = field(default_factory=time.monotonic)
    began_at: Ms = field(default_factory=now_ms)

    def seconds(self) -> float:
        return (time.monotonic() - self.began) * FASTER

    def ms(self) -> Ms:
        return self.began_at + int(self.seconds() * SECOND)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / FASTER)


@dataclass
class Questions:
    """When each number was asked about, in front of a simulator of handler_api."""

    app: ASGIApp
    clock: Fast
    at: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = dict(parse_qsl(scope["query_string"].decode()))
        self.at[query.get("id", "")].append(self.clock.seconds())
        await self.app(scope, receive, send)

    def longest_wait_s(self, refs: set[str], since_s: float, until_s: float) -> float:
        return max(
            later - earlier
            for ref in refs
            for earlier, later in pairwise([since_s, *(at for at in self.at[ref] if at >= since_s), until_s])
        )


async def one_by_one(folder: Path, name: str = "smsbower", lasts_s: float = 110.0) -> None:
    """Until the young ones are young no more."""
    fast, interval_s = Fast(), DIALECTS[name].min_interval_s
    async with a_site() as site, await Database.open(folder / "single.db") as db:
        sim = site.open(name, fast.ms)
        assert isinstance(sim, HandlerApiSim)
        questions = Questions(sim.line, fast)
        sim.line = questions  # type: ignore[assignment]
        http = ProviderHttp(
            site.client,
            timeout_s=10.0,
            max_in_flight=8,
            min_interval_s=interval_s,
            clock=fast.seconds,
            sleep=fast.sleep,
        )
        api = HandlerApi(name, http, site=f"{site.url}/{name}", api_key=sim.key, dialect=name, clock=fast.ms)
        rig = Rig(db, Registry({name: Breaker(api, fast.ms)}), fast.ms)
        stocked = await sell(sim, YOUNG + OLD)
        refs = [one.provider_ref for one in stocked]
        await put(db, name, stocked[YOUNG:], fast.ms(), age=10 * MINUTE)
        await put(db, name, stocked[:YOUNG], fast.ms(), first_user=1_000)
        began_s = fast.seconds()
        while fast.seconds() < began_s + lasts_s:
            await rig.watch.poll()
            await fast.sleep(1.0)
        ended_s = fast.seconds()
        await rig.stop()
    _print_waits(name, questions, refs, began_s, ended_s)


def _print_waits(name: str, questions: Questions, refs: list[str], began_s: float, ended_s: float) -> None:
    asked = sum(began_s <= at <= ended_s for times in questions.at.values() for at in times)
    wanted = YOUNG / 2 + OLD / 10
    young, old = set(refs[:YOUNG]), set(refs[YOUNG:])
    limit = 1 / DIALECTS[name].min_interval_s
    print(f"\n2. {name}, no list: {YOUNG} young and {OLD} old numbers, {ended_s - began_s:.0f} s\n")
    print("| | |\n|---|---|")
    print(f"| requests a second that the paces ask for | {wanted:g} |")
    print(f"| requests a second that our pace at the supplier allows | {limit:g} |")
    print(f"| requests a second | {asked / (ended_s - began_s):.1f} |")
    print(f"| so everything takes so many times as long | {wanted / limit:.1f} |")
    print(f"| longest wait of a young number (pace 2 s) | {questions.longest_wait_s(young, began_s, ended_s):.0f} s |")
    print(f"| longest wait of an old number (pace 10 s) | {questions.longest_wait_s(old, began_s, ended_s):.0f} s |")
