"""`main.py` as its operator meets it: starting, refusing to start, checking, crediting, stopping."""

import asyncio
import hashlib
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.demo.telegram.world import TelegramWorld
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from storage.db import Database
from storage.lock import FileLock
from tests.config.loopback import serve
from tests.support import says
from tests.support.processes import Ran, run, running
from tests.support.stories import (
    HOOK_SECRET,
    SIGNING_SECRET,
    TOKEN,
    Person,
    check_books,
    check_requests,
    environ,
    playing,
    two_worlds,
    until,
)

API_KEY = "planted-api-key-5f1c9e"


@dataclass(frozen=True)
class Outside:
    telegram: TelegramWorld
    sandbox: SandboxWorld
    environ: dict[str, str]
    database: Path


@pytest.fixture
async def outside(tmp_path) -> AsyncIterator[Outside]:
    async with two_worlds() as (telegram, api_url, sandbox, sandbox_url):
        settings = {"LOG_LEVEL": "DEBUG", "PROVIDERS__SANDBOX__API_KEY": API_KEY}
        yield Outside(telegram, sandbox, environ(tmp_path, api_url, sandbox_url, **settings), tmp_path / "bot.db")


def _no_secret(ran: Ran) -> None:
    printed = ran.out + ran.err
    for secret in (TOKEN, TOKEN.partition(":")[2], HOOK_SECRET, SIGNING_SECRET, API_KEY):
        assert secret not in printed


# refusing to start


def _fingerprint(folder: Path) -> dict[str, str]:
    """Every file's bytes, but for the claims, which are empty."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


async def _a_database(path: Path) -> None:
    async with await Database.open(path):
        pass


def _sql(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


async def _newer(path: Path) -> None:
    await _a_database(path)
    _sql(path, "INSERT INTO migrations (version, name, applied_at) VALUES (9999, 'future', 0)")


async def _not_a_database(path: Path) -> None:
    path.write_bytes(b"these are my notes, not a database\n" * 200)


async def _another_programs(path: Path) -> None:
    _sql(path, "CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('mine')")


async def _corrupt(path: Path) -> None:
    await _a_database(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))


async def _cut_off(path: Path) -> None:
    await _a_database(path)
    path.write_bytes(path.read_bytes()[:5000])


async def _a_folder(path: Path) -> None:
    path.mkdir()
    (path / "kept.txt").write_text("kept")


@pytest.mark.parametrize("make", [_newer, _not_a_database, _another_programs, _corrupt, _cut_off, _a_folder])
async def test_a_database_that_cannot_be_used_is_named_in_one_line_and_left_as_it_is(outside, make):
    await make(outside.database)
    before = _fingerprint(outside.database.parent)
    ran = await run(outside.database.parent, outside.environ, "run")
    assert ran.code == 2
    assert str(outside.database) in ran.complaint
    assert ran.complaint.endswith(".")
    after = _fingerprint(outside.database.parent)
    assert {name: after.get(name) for name in before} == before, "what was there is as it was"
    assert not outside.telegram.requests, "nothing was said to Telegram"


async def test_a_database_in_a_place_that_cannot_be_written_is_named(outside):
    (outside.database.parent / "file").write_text("x")
    place = {"DATABASE_URL": f"sqlite:///{outside.database.parent / 'file' / 'bot.db'}"}
    ran = await run(outside.database.parent, outside.environ | place, "run")
    assert ran.code == 2
    assert "DATABASE_URL" in ran.complaint


async def test_a_database_that_another_bot_uses_is_refused(outside):
    await _a_database(outside.database)
    claim = FileLock.claim(outside.database)
    try:
        ran = await run(outside.database.parent, outside.environ, "run")
    finally:
        claim.release()
    assert ran.code == 2
    assert "Another codepigeon" in ran.complaint


async def test_a_port_in_use_is_named(outside):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = await run(outside.database.parent, outside.environ | {"HTTP_PORT": port}, "run")
    assert ran.code == 2
    assert port in ran.complaint
    assert "HTTP_PORT" in ran.complaint
    assert not outside.database.exists()


async def test_an_address_that_is_not_this_machines_is_named(outside):
    ran = await run(outside.database.parent, outside.environ | {"HTTP_HOST": "192.0.2.1"}, "run")
    assert ran.code == 2
    assert "Set HTTP_HOST to" in ran.complaint


async def test_a_proxy_of_an_unknown_kind_is_named(outside):
    proxied = outside.environ | {"ALL_PROXY": "socks5://me:planted@127.0.0.1:1", "TELEGRAM_API_URL": "http://a.invalid"}
    ran = await run(outside.database.parent, proxied, "run")
    assert ran.code == 2
    assert "ALL_PROXY" in ran.complaint
    assert "planted" not in ran.complaint
    ran = await run(outside.database.parent, proxied, "check")
    assert ran.code == 2
    assert "Telegram: ALL_PROXY" in ran.out
    assert "Provider sandbox (sandbox): answers" in ran.out
    assert ran.err == ""


async def test_a_port_beyond_the_last_is_refused(outside):
    ran = await run(outside.database.parent, {}, "sandbox", "--port", "65536")
    assert ran.code == 2
    assert "must be a number from 0 to 65535" in ran.err


async def test_the_bot_waits_for_a_telegram_that_answers_nonsense(outside):
    async with serve(body=b"<html>Please sign in to this network</html>") as portal:
        waiting = outside.environ | {"TELEGRAM_API_URL": portal.url, "LOG_LEVEL": "INFO"}
        async with running(outside.database.parent, waiting, "run") as bot:
            await until(lambda: any("cannot be reached yet" in line for line in bot.err), 15)
            bot.process.send_signal(signal.SIGTERM)
            ran = await bot.ended()
    assert (ran.code, ran.out) == (0, "")
    assert len(ran.err.splitlines()) == 1, ran.err


async def test_a_token_that_telegram_refuses_is_named(outside):
    wrong = TOKEN.replace("planted", "strange")
    ran = await run(outside.database.parent, outside.environ | {"BOT_TOKEN": wrong, "LOG_LEVEL": "INFO"}, "run")
    assert ran.code == 2
    assert "BOT_TOKEN" in ran.complaint
    assert "BotFather" in ran.complaint
    assert wrong not in ran.err


async def test_a_wrong_configuration_is_told_whole_without_its_secrets(outside):
    wrong = {
        "BOT_TOKEN": "planted-no-token",
        "HTTP_PORT": "x",
        "BILLING": "maybe",
        "PROVIDERS__SANDBOX__KIND": "carrier",
    }
    ran = await run(outside.database.parent, outside.environ | wrong, "run")
    assert ran.code == 2
    assert all(name in ran.err for name in wrong)
    assert "planted" not in ran.err


# check and credit


async def test_check_tells_that_all_is_well_and_prints_no_secret(outside):
    ran = await run(outside.database.parent, outside.environ, "check")
    assert ran.code == 0, ran.err
    assert "answers as @codepigeon_demo_bot" in ran.out
    assert "sandbox" in ran.out
    assert "SQLite" in ran.out
    assert "BOT_TOKEN = ****set****" in ran.out
    _no_secret(ran)
    assert not outside.database.exists(), "looking makes nothing"


async def test_check_says_where_the_api_is_and_where_webhooks_may_go(outside):
    folder, on = outside.database.parent, {"API": "on", "HTTP_HOST": "::1", "HTTP_PORT": "8081"}
    off = await run(folder, outside.environ, "check")
    assert "\nAPI: off" in off.out
    assert "People's webhooks" not in off.out
    closed = await run(folder, outside.environ | on, "check")
    assert "\nAPI: on, at http://[::1]:8081, described at /docs; 10 calls a second for each key\n" in closed.out
    assert "  People's webhooks: to public addresses over https, and to no other\n" in closed.out
    allowed = {"PUBLIC_URL": "https://bot.example.org", "API_RATE": "0.5", "WEBHOOK_ALLOW": "192.168.1.7,fd00::/8"}
    opened = await run(folder, outside.environ | on | allowed, "check")
    assert "\nAPI: on, at https://bot.example.org, described at /docs; 0.5 calls a second" in opened.out
    assert "https and, by WEBHOOK_ALLOW, to 192.168.1.7, fd00::/8\n" in opened.out


async def test_check_prints_the_secret_of_a_webhooks_path_in_the_address_to_paste_and_nowhere_else(outside):
    public = {"PUBLIC_URL": "https://bot.example.org", "LOG_LEVEL": "DEBUG"}
    outside.sandbox.mode = "down"
    for complete in (False, True):
        ran = await run(outside.database.parent, outside.environ | (public if complete else {}), "check")
        listing, _, rest = ran.out.partition("Provider sandbox")
        assert "PROVIDERS__SANDBOX__WEBHOOK_SECRET = ****set****" in listing
        assert "PROVIDERS__SANDBOX__WEBHOOK_SIGNING_SECRET = ****set****" in listing
        pasted = [line.strip() for line in ran.out.splitlines() if HOOK_SECRET in line]
        assert pasted == ([f"https://bot.example.org/hooks/sandbox/{HOOK_SECRET}"] if complete else [])
        assert ("believed when signed" in rest) is complete
        assert HOOK_SECRET not in ran.err
        _no_secret(Ran(ran.code, ran.out.replace(HOOK_SECRET, "", 1), ran.err))


async def test_check_names_what_does_not_answer(outside):
    outside.sandbox.mode = "down"
    await _not_a_database(outside.database)
    wrong = outside.environ | {"BOT_TOKEN": TOKEN.replace("planted", "strange")}
    ran = await run(outside.database.parent, wrong, "check")
    assert ran.code == 2
    assert "not a SQLite database" in ran.out
    assert "refuses BOT_TOKEN" in ran.out
    assert "provider_fault" in ran.out
    assert ran.err == ""
    _no_secret(ran)


async def test_credit_from_the_terminal_beside_a_running_bot(outside):
    folder = outside.database.parent
    refused = await run(folder, outside.environ, "credit", "1001", "5", "gift")
    assert refused.code == 2
    assert "Start the bot once" in refused.err
    async with running(folder, outside.environ, "run") as bot:
        await bot.printed("runs as @")
        with outside.telegram.subscribe() as events:
            ada = Person(outside.telegram, outside.telegram.add_user("Ada"), events)
            await ada.asks("/start", says.HELLO)
            done = await run(folder, outside.environ, "credit", str(ada.id), "5.25", "for", "you")
            assert (done.code, done.err) == (0, "")
            assert "5.25" in done.out
            await ada.asks("/balance", "$5.25", "for you")
            for arguments, why in (
                (("99999999999999999999", "5", "x"), "Nobody"),
                ((str(ada.id), "much", "x"), "amount"),
            ):
                ran = await run(folder, outside.environ, "credit", *arguments)
                assert ran.code == 2, arguments
                assert why in ran.complaint
            await ada.asks("/balance", "$5.25")
        bot.process.send_signal(signal.SIGTERM)
        assert (await bot.ended()).code == 0
    check_books(outside.database)


# running and stopping


async def test_a_private_bot_without_admins_prints_its_owners_link(outside):
    private = outside.environ | {"ACCESS": "private"}
    del private["ADMIN_IDS"]
    async with running(outside.database.parent, private, "run") as bot:
        line = await bot.printed("Nobody owns this bot yet")
        link = line.split()[-1]
        with outside.telegram.subscribe() as events:
            olga = Person(outside.telegram, outside.telegram.add_user("Olga"), events)
            await olga.asks("/start " + link.partition("start=")[2], says.OWNED)
        bot.process.send_signal(signal.SIGINT)
        ran = await bot.ended()
    assert ran.code == 0
    assert ran.err == ""


async def _keep_busy(outside: Outside, people: list[Person], phones: list[str]) -> None:
    """SMS and questions without a pause."""
    sent = 0
    while True:
        for person, phone in zip(people, phones, strict=True):
            sent += 1
            outside.sandbox.receive(phone, "Bank", f"message number {sent:06d} end")
            person.say("/numbers")
            await asyncio.sleep(0.02)


async def test_a_stop_under_load_takes_less_than_ten_seconds_and_loses_nothing(outside):
    folder, world = outside.database.parent, outside.telegram
    settings = outside.environ | {"BILLING": "off", "LOG_LEVEL": "DEBUG"}
    with world.subscribe() as first, world.subscribe() as second:
        people = [Person(world, world.add_user(name), events) for name, events in (("Ada", first), ("Bob", second))]
        async with running(folder, settings, "run") as bot:
            await bot.printed("runs as @")
            for person in people:
                await person.asks("/start", says.HELLO)
            phones = [(await person.buys()).phone for person in people]
            load = asyncio.create_task(_keep_busy(outside, people, phones))
            await asyncio.sleep(1.0)
            outside.sandbox.faults.add("stock", "delay:30")
            outside.sandbox.faults.add("fetch", "delay:30")
            people[0].say("telegram germany")
            await asyncio.sleep(0.2)  # the question is with the provider, who takes its time
            started = time.monotonic()
            bot.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
            load.cancel()
            ran = await bot.ended()
            took_s = time.monotonic() - started
        assert ran.code == 0, ran.err
        assert took_s < 10
        assert "Traceback" not in ran.err, ran.err
        assert "message number" not in ran.err
        _no_secret(ran)
        outside.sandbox.faults.clear()
        texts = outside.sandbox.record()
        async with running(folder, settings, "run") as bot:
            await bot.printed("runs as @")
            total = sum(record["sms"] for record in texts)
            await until(lambda: len(_received(world)) == total, 20, lambda: f"{len(_received(world))} of {total}")
            bot.process.send_signal(signal.SIGTERM)
            assert (await bot.ended()).code == 0
    check_books(outside.database)
    check_requests(world)


async def test_a_stop_while_telegram_does_not_answer_takes_less_than_ten_seconds(outside):
    async with running(outside.database.parent, outside.environ, "run") as bot:
        await bot.printed("runs as @")
        outside.telegram.faults.add("*", "timeout_after", times=None)
        started = time.monotonic()
        bot.process.send_signal(signal.SIGTERM)
        ran = await bot.ended(30)
    assert time.monotonic() - started < 9
    assert (ran.code, ran.err) == (0, "")


async def test_a_press_that_waits_at_the_stop_buys_its_number_all_the_same(tmp_path):
    """Its purchase is started after the work under way has been waited for, and before the providers' clients end."""
    slow = SandboxSettings(cancel_from_ms=0, latency_s=(0.3, 0.3))
    async with playing(tmp_path, sandbox=slow) as story:
        ada = await story.comes()
        offer = await ada.asks("whatsapp germany", says.PRICE)
        async with story.app._db.transaction():  # the press waits for the writer
            story.telegram.press(ada.id, ada.id, offer.message_id, offer.button(says.CONFIRM)["callback_data"])
            await asyncio.sleep(0.3)
            stopping = asyncio.create_task(story.app.stop())
            await asyncio.sleep(0.5)
        await stopping
        assert story.state() == "active"


def _received(world: TelegramWorld) -> set[str]:
    """The SMS that were sent to the chats, each counted once."""
    texts = [str(one.params.get("text", "")) for one in world.requests if one.method == "sendMessage"]
    return {text.partition("message number ")[2][:6] for text in texts if "message number" in text}
