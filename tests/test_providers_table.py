"""`main.py providers`: the table of the providers, beside a running bot and without one."""

import re
from collections.abc import Mapping
from pathlib import Path

from bot import roster
from bot.config import load
from bot.domain.money import ONE
from bot.domain.people import Role, Seen
from bot.services.clock import now_ms
from storage import numbers, provider_states, users
from storage.db import Database
from storage.provider_states import ProviderState
from tests.config.loopback import serve
from tests.storage.rows import buying
from tests.support.processes import run, running
from tests.support.services import eventually
from tests.support.stories import HOOK_SECRET, TOKEN, environ, two_worlds

KEY = "planted-api-key-5f1c9e"
HERO = {
    "PROVIDERS__HERO__KIND": "handler_api",
    "PROVIDERS__HERO__DIALECT": "hero",
    "PROVIDERS__HERO__URL": "http://127.0.0.1:9",
    "PROVIDERS__HERO__API_KEY": KEY,
    "PROVIDERS__HERO__CURRENCY": "RUB",
    "PROVIDERS__HERO__RATE": "0.01",
}


def settings(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {"DATABASE_URL": f"sqlite:///{folder / 'bot.db'}", "PROVIDERS__TRY__KIND": "sandbox", **(more or {})}


async def shown(environ: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    await roster.show(load(environ, None), lines.append)
    return lines


def cells(line: str) -> list[str]:
    return re.split(r"  +", line)


async def test_beside_a_running_bot_it_asks_for_balances_and_tells_what_the_bot_has_seen(tmp_path):
    async with two_worlds() as (_, api_url, sandbox, sandbox_url), serve(delay_s=30) as silent:
        sandbox.balance = 34 * ONE // 10
        given = environ(tmp_path, api_url, sandbox_url, **HERO) | {
            "PROVIDERS__HERO__URL": silent.url,
            "PROVIDERS__HERO__TIMEOUT_S": "1",
        }
        async with running(tmp_path, given, "run") as bot:
            await bot.printed("runs as @")
            async with await Database.open(tmp_path / "bot.db", exclusive=False) as db:
                await eventually(lambda: _both_looked_at(db))
            ran = await run(tmp_path, given, "providers")
        assert (ran.code, ran.err) == (0, "")
        heading, first, second, empty, remark = ran.out.splitlines()
        assert cells(heading) == ["NAME", "KIND", "BALANCE", "LAST CONTACT", "SUCCESS", "CIRCUIT"]
        assert cells(first)[:3] == ["sandbox", "sandbox", "3.40 USD, low"]
        assert re.fullmatch(r"\d+ s ago", cells(first)[3])
        assert cells(first)[4:] == ["–", "closed"]
        assert cells(second) == ["hero", "handler_api hero", "–", "–", "–", "closed"]
        assert first.index("3.40") == second.index("–") == heading.index("BALANCE")
        assert empty == ""
        assert remark.startswith("hero does not answer")
        assert not [secret for secret in (KEY, HOOK_SECRET, TOKEN) if secret in ran.out]


async def _both_looked_at(db: Database) -> bool:
    return len(await provider_states.all_by_name(db.read)) == 2


async def test_without_a_bot_it_falls_back_to_the_last_known_balance_with_its_age(tmp_path):
    async with await Database.open(tmp_path / "bot.db") as db, db.transaction() as tx:
        now = now_ms()
        state = ProviderState("hero", now - 7_200_000, 125_000, now - 7_200_000, now - 3_600_000, "open", now)
        await provider_states.put(tx, state)
    lines = await shown(settings(tmp_path, HERO))
    assert cells(lines[1]) == ["try", "sandbox", "1000000.00 USD", "–", "–", "–"]
    assert cells(lines[2]) == ["hero", "handler_api hero", "12.50 RUB (2 h ago)", "60 min ago", "–", "–"]
    assert lines[-2].startswith("hero does not answer properly: check its address, PROVIDERS__HERO__URL")
    assert lines[-1] == "The bot does not run: it looked at them 2 h ago."


async def test_success_is_a_rate_once_twenty_numbers_tell(tmp_path):
    async with await Database.open(tmp_path / "bot.db") as db:
        async with db.transaction() as tx:
            await users.upsert(tx, Seen(1, "Ada"), Role.MEMBER, 0)
        for count, expected in ((19, "–"), (20, "0% of 20")):
            async with db.transaction() as tx:
                while await _ended(tx) < count:
                    await _an_expired_number(tx)
            assert cells((await shown(settings(tmp_path)))[1])[4] == expected


async def _ended(tx) -> int:
    row = await tx.one("SELECT count(*) AS n FROM numbers")
    return int(row["n"])


async def _an_expired_number(tx) -> None:
    number = await buying(tx, f"q{await _ended(tx)}")
    at = now_ms() - 3_600_000
    await tx.all("UPDATE numbers SET provider = 'try' WHERE id = $1", number.id)
    await numbers.activate(
        tx, number.id, provider_ref=f"p{number.id}", phone="+4412", expires_at=at, cancel_from=None, refund_until=None,
        now=at - 1_200_000,
    )  # fmt: skip
    await numbers.move(tx, number.id, numbers.State.ACTIVE, numbers.State.EXPIRED, "expired_no_code", at)


async def test_it_makes_no_database_and_needs_none(tmp_path):
    lines = await shown(settings(tmp_path))
    assert cells(lines[1])[:3] == ["try", "sandbox", "1000000.00 USD"]
    assert lines[-1].startswith("The bot does not run")
    assert list(tmp_path.iterdir()) == []


async def test_without_providers_it_says_so(tmp_path):
    ran = await run(tmp_path, {"DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}"}, "providers")
    assert (ran.code, ran.err) == (0, "")
    assert "No provider is set up" in ran.out


async def test_where_it_cannot_run_it_says_why_in_one_line(tmp_path):
    (tmp_path / "bot.db").write_bytes(b"these are my notes, not a database\n" * 200)
    ran = await run(tmp_path, settings(tmp_path), "providers")
    assert (ran.code, ran.out) == (2, "")
    assert "not a SQLite database" in ran.complaint
    ran = await run(tmp_path, settings(tmp_path, {"PROVIDERS__TRY__LOW_BALANCE": "little"}), "providers")
    assert ran.code == 2
    assert "PROVIDERS__TRY__LOW_BALANCE must be an amount" in ran.err


def test_the_low_mark_can_be_set_and_switched_off():
    one = {"PROVIDERS__TRY__KIND": "sandbox"}
    assert load(one, None).providers["try"].low_balance == 5 * ONE
    assert load(one | {"PROVIDERS__TRY__LOW_BALANCE": "12.5"}, None).providers["try"].low_balance == 125_000
    assert load(one | {"PROVIDERS__TRY__LOW_BALANCE": "0"}, None).providers["try"].low_balance == 0


def test_spans_are_told_in_the_unit_that_says_most():
    now = 10**12
    spans = {0: "0 s ago", 119_000: "119 s ago", 120_000: "2 min ago", 7_200_000: "2 h ago", 172_800_000: "2 d ago"}
    assert {span: roster._ago(now - span, now) for span in spans} == spans
    assert roster._ago(now + 5_000, now) == "0 s ago"
