"""The disk, the file or another program keeps the database from working: it is said, nothing is sold, nothing is
lost, and all goes on when the cause is gone."""

import asyncio
import contextlib
import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.providers.signature import sign
from tests.support import says
from tests.support.disks import fill, small_disk
from tests.support.stories import HOOK_SECRET, SIGNING_SECRET, Story, playing, until

SAID = "storage.condition: "


@contextlib.asynccontextmanager
async def client(story: Story) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=story.url, trust_env=False, timeout=10) as http:
        yield http


async def webhook(story: Story, http: httpx.AsyncClient, provider_ref: str, sms_id: str) -> int:
    """The answer to a webhook about a new SMS."""
    sms = {"id": sms_id, "sender": "Bank", "text": "code 909090", "received_at": story.clock()}
    body = json.dumps({"id": "m", "type": "sms.received", "provider_ref": provider_ref, "sms": sms}).encode()
    headers = sign(SIGNING_SECRET, "m", story.clock() // 1000, body)
    return (await http.post(f"/hooks/sandbox/{HOOK_SECRET}", content=body, headers=headers)).status_code


async def database(http: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    ready = await http.get("/readyz")
    return ready.status_code, ready.json()["database"]


async def works(http: httpx.AsyncClient, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while (await http.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.05)


def said(story: Story) -> list[str]:
    return [line for line in story.errors if line.startswith(SAID)]


# The faults: each begins with its block and is over at its end


@contextlib.asynccontextmanager
async def full(story: Story) -> AsyncIterator[None]:
    """The disk has no room left."""
    filler = fill(story.config.database_path.parent)
    try:
        yield
    finally:
        filler.unlink()


@contextlib.asynccontextmanager
async def may_not_grow(story: Story) -> AsyncIterator[None]:
    """As a quota or a broken disk has it: what is written behind the end of the -wal is an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = Path(f"{story.config.database_path}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.asynccontextmanager
async def locked(story: Story) -> AsyncIterator[None]:
    """Another program writes, and does not come to an end."""
    program = (
        "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)\n"
        "db.execute('BEGIN IMMEDIATE')\nprint('locked', flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(story.config.database_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        # Not in this loop, in which the program may be in the middle of a transaction.
        assert await asyncio.to_thread(other.stdout.readline) == b"locked\n"
        try:
            yield
        finally:
            other.stdin.close()


FAULTS = {"full": (full, "full"), "failing": (may_not_grow, "failing"), "locked": (locked, "locked")}


@contextlib.asynccontextmanager
async def on_a_disk(tmp_path: Path, fault: str) -> AsyncIterator[Story]:
    """A story whose database lies where that fault can happen."""
    with contextlib.ExitStack() as stack:
        settings = {}
        if fault == "full":
            disk = stack.enter_context(small_disk(tmp_path / "disk", 4_000_000))
            settings["DATABASE_URL"] = f"sqlite:///{disk / 'bot.db'}"
        async with playing(tmp_path, settings=settings, lock_wait_s=0.3) as story:
            story.expected_errors += (SAID,)
            yield story


@pytest.mark.parametrize(("begin", "name"), FAULTS.values(), ids=FAULTS)
async def test_while_nothing_can_be_written_nothing_is_sold_and_afterwards_all_goes_on(
    tmp_path: Path, begin: Callable[[Story], AbstractAsyncContextManager[None]], name: str
):
    async with on_a_disk(tmp_path, name) as story, client(story) as http:
        ada, bob = await story.comes("Ada"), await story.comes("Bob")
        phone = (await ada.buys()).phone
        ref = story.sold()[0]["provider_ref"]
        await bob.asks("whatsapp germany", says.PRICE)
        await story.settled()
        paid = story.rows("SELECT id, amount FROM transfers")
        async with begin(story):
            await bob.pushes(says.CONFIRM, says.CANNOT_SAVE)
            status, part = await database(http)
            assert (status, part["ok"], part["error"]) == (503, False, name)
            story.sms(phone, "code 515151")
            assert await webhook(story, http, ref, "told-now") == 503
            await bob.asks("telegram germany", says.CANNOT_SAVE)
            await story.person("Eve").asks("/start", says.CANNOT_SAVE)
            await bob.asks("/balance", "$25")
            await ada.asks("/numbers", "1 open")
            await bob.asks("/buy", says.WHICH_SERVICE)
            await asyncio.sleep(0.5)
            assert len(said(story)) == 1, "once, and not at every attempt"
            assert str(story.config.database_path) in said(story)[0]
            assert story.rows("SELECT id, amount FROM transfers") == paid
            assert len(story.sold()) == 1
        ada.look_from_now()
        await works(http)
        await ada.sees("515151", kind="message", within_s=10)
        assert await webhook(story, http, ref, "told-now") == 200
        await ada.sees("909090", kind="message")
        await bob.press(says.CONFIRM)
        await bob.sees(says.WAITING)
        await story.settled()
        assert len(said(story)) == 1


@pytest.mark.parametrize(("begin", "name"), FAULTS.values(), ids=FAULTS)
async def test_a_number_that_is_sold_while_nothing_can_be_written_is_its_persons_afterwards(
    tmp_path: Path, begin: Callable[[Story], AbstractAsyncContextManager[None]], name: str
):
    """Also at a provider that cannot be asked what it sold: the answer is kept until it can be written down."""
    async with on_a_disk(tmp_path, name) as story, client(story) as http:
        provider = story.app._registry.get("sandbox")
        provider.capabilities = replace(provider.capabilities, find=False)
        ada = await story.comes()
        await ada.asks("whatsapp germany", says.PRICE)
        story.sandbox.faults.add("allocate", "delay:0.4")
        await ada.pushes(says.CONFIRM, says.GETTING)
        async with begin(story):
            await until(lambda: story.sold())
            await asyncio.sleep(0.8)
            assert story.state() == "buying"
        await works(http)
        card = await ada.sees(says.WAITING, within_s=10)
        assert card.phone == story.sold()[0]["phone"]
        assert len(story.rows("SELECT id FROM transfers WHERE kind = 'hold'")) == 1


async def test_a_bot_to_which_nothing_happens_notices_by_itself_that_it_works_again(tmp_path: Path):
    async with on_a_disk(tmp_path, "locked") as story, client(story) as http:
        ada = await story.comes()
        await story.settled()
        async with locked(story):
            await ada.asks("whatsapp germany", says.CANNOT_SAVE)
            assert (await database(http))[0] == 503
        await works(http)


async def test_a_lock_keeps_nobody_waiting_for_longer_than_one_attempt(tmp_path: Path):
    """Ten webhooks at once while another program has the file: they queue for one wait, and not for ten."""
    async with playing(tmp_path, lock_wait_s=1.0) as story, client(story) as http:
        story.expected_errors += (SAID,)
        ada = await story.comes()
        await ada.buys()
        await story.settled()
        ref = story.sold()[0]["provider_ref"]
        async with locked(story):
            async with asyncio.timeout(7):
                answers = await asyncio.gather(*(webhook(story, http, ref, f"s{place}") for place in range(10)))
            assert answers == [503] * 10
        await works(http)


# A page that is damaged


def a_long_past(path: Path, user_id: int) -> None:
    """Many numbers that somebody had, written beside the program."""
    with closing(sqlite3.connect(path, timeout=10)) as db:
        db.execute(
            """WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
               INSERT INTO numbers (id, user_id, quote_id, provider, ref, provider_ref, phone, service, country,
                   operator, kind, state, price, cost, hours, test, created_at, changed_at, expires_at, closed_at)
               SELECT i, ?, 'q' || i, 'sandbox', 'r' || i, 'p' || i, '+49' || i, 'wa', 'DE', '', 'activation',
                   'cancelled', 1, 1, 0, 1, 1, 1, 1, 1 FROM n""",
            (user_id,),
        )
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def page_with(path: Path, text: bytes) -> int:
    """Where in the file the page of the table's rows with that text begins."""
    whole = path.read_bytes()
    return next(at for at in range(0, len(whole), 4096) if whole[at] == 13 and text in whole[at : at + 4096])


def overwrite(path: Path, at: int, content: bytes) -> bytes:
    """What stood there before."""
    with path.open("r+b") as file:
        file.seek(at)
        before = file.read(len(content))
        file.seek(at)
        file.write(content)
    return before


async def test_a_damaged_page_ends_sales_and_writes_but_not_what_can_be_read(tmp_path: Path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.buys()
        await story.settled()
        a_long_past(story.config.database_path, ada.id)
    path = story.config.database_path
    async with playing(tmp_path) as story, client(story) as http:
        story.expected_errors += (SAID,)
        bob = await story.comes("Bob", user_id=9_000)
        ada = story.person("Ada", user_id=ada.id)
        await story.settled()
        page = page_with(path, b"r1495")
        before = overwrite(path, page, b"\xa5" * 4096)
        written = story.rows("SELECT count(*) AS n FROM users")
        await bob.asks("whatsapp germany", says.PRICE)
        try:
            await ada.asks("/history", says.CANNOT_SAVE)
            status, part = await database(http)
            assert (status, part["ok"], part["error"]) == (503, False, "damaged")
            assert "restore a backup" in said(story)[0]
            assert await webhook(story, http, "unheard-of", "s1") == 503, "its provider tells it again after the repair"
            await bob.pushes(says.CONFIRM, says.CANNOT_SAVE)
            await bob.asks("/balance", "$25")
            await ada.asks("/numbers", "1 open")
            await asyncio.sleep(1.5)
            assert (await database(http))[0] == 503, "damage does not heal"
            assert len(said(story)) == 1
            assert story.rows("SELECT count(*) AS n FROM users") == written
        finally:
            overwrite(path, page, before)
