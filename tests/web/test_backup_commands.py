"""`main.py backup` and `main.py restore` as their operator meets them, and what a restored bot does."""

import asyncio
import contextlib
import signal
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.demo.telegram.world import TelegramWorld
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from storage.db import Database
from tests.support import says
from tests.support.disks import small_disk
from tests.support.processes import Ran, Running, run, running
from tests.support.stories import Person, check_books, environ, two_worlds, until


@dataclass(frozen=True)
class Outside:
    telegram: TelegramWorld
    sandbox: SandboxWorld
    environ: dict[str, str]
    folder: Path
    """Where the program is started, with its database `data/bot.db`."""

    @property
    def database(self) -> Path:
        return self.folder / "data" / "bot.db"

    async def command(self, *arguments: str) -> Ran:
        return await run(self.folder, self.environ, *arguments)


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    async with two_worlds(SandboxSettings(cancel_from_ms=0)) as (telegram, api_url, sandbox, sandbox_url):
        settings = environ(tmp_path, api_url, sandbox_url, DATABASE_URL="sqlite:///data/bot.db")
        yield Outside(telegram, sandbox, settings, tmp_path)


@contextlib.asynccontextmanager
async def bot(outside: Outside) -> AsyncIterator[Running]:
    """A life of the bot, which ends as its operator ends it."""
    async with running(outside.folder, outside.environ, "run") as process:
        await process.printed("runs as @")
        yield process
        process.process.send_signal(signal.SIGTERM)
        ran = await process.ended()
        assert (ran.code, ran.err) == (0, "")


def backups(outside: Outside) -> list[Path]:
    return sorted((outside.database.parent / "backups").glob("*"))


async def test_a_restored_bot_serves_with_the_state_of_its_backup(outside: Outside) -> None:
    world = outside.telegram
    with world.subscribe() as events:
        ada = Person(world, world.add_user("Ada"), events)
        async with bot(outside):
            await ada.asks("/start", says.HELLO)
            assert (await outside.command("credit", str(ada.id), "25", "first")).code == 0
            kept = (await ada.buys()).phone
            balance = (await ada.asks("/balance", "Your balance")).text
            ran = await outside.command("backup", "mine.db")
            assert (ran.code, ran.err) == (0, "")
            assert "mine.db" in ran.out
            assert "kB" in ran.out
            lost = (await ada.buys("telegram germany")).phone
            refused = await outside.command("restore", "mine.db", "--force")
            assert refused.code == 2
            assert "Another codepigeon is running" in refused.complaint
        check_books(outside.database)
        restored = await outside.command("restore", "mine.db", "--force")
        assert (restored.code, restored.err) == (0, ""), restored.err
        assert "Restored mine.db" in restored.out
        (old,) = outside.database.parent.glob("bot.db.replaced-*")
        assert str(old) in restored.out
        check_books(old)

        async with bot(outside):
            assert (await ada.asks("/balance", "Your balance")).text == balance
            await ada.asks("/numbers", "1 open")
            outside.sandbox.receive(kept, "WhatsApp", "code 717171")
            await ada.sees("717171", kind="message")
            outside.sandbox.receive(lost, "Telegram", "code 818181")
            third = (await ada.buys("telegram germany")).phone
            outside.sandbox.receive(third, "Telegram", "code 919191")
            await ada.sees("919191", kind="message")
            assert not [one for one in ada.chat() if "818181" in one.text], "the backup knows of no such number"
        (orphan,) = [number for number in outside.sandbox.record() if number["phone"] == lost]
        assert orphan["state"] == "received", "it is open there, until the operator closes it on the provider's site"
    check_books(outside.database)


async def test_a_bot_backs_itself_up_and_check_names_the_newest(outside: Outside) -> None:
    none = await outside.command("check")
    assert "Backups: none in" in none.out
    async with bot(outside):
        await until(lambda: [path for path in backups(outside) if path.suffix == ".db"], 10)
        assert (await outside.command("backup")).code == 0
    assert 1 <= len(backups(outside)) <= 2, "two within a second have one name"
    for path in backups(outside):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    checked = await outside.command("check")
    assert f"Backups: the newest is {backups(outside)[-1].relative_to(outside.folder)}" in checked.out
    outside.environ["BACKUP_KEEP"] = "0"
    checked = await outside.command("check")
    assert "none are made by themselves" in checked.out
    count = len(backups(outside))
    async with bot(outside):
        await asyncio.sleep(0.5)
    assert len(backups(outside)) == count


async def test_what_cannot_be_backed_up_or_restored_is_one_line(outside: Outside) -> None:
    ran = await outside.command("backup")
    assert (ran.code, "no database" in ran.complaint) == (2, True)
    outside.database.parent.mkdir()
    async with await Database.open(outside.database):
        pass
    ran = await outside.command("backup", "mine.db")
    assert ran.code == 0
    ran = await outside.command("backup", "mine.db")
    assert (ran.code, "is there already" in ran.complaint) == (1, True)
    whole = Path(outside.folder / "mine.db").read_bytes()
    Path(outside.folder / "mine.db").write_bytes(whole[: len(whole) // 2])
    ran = await outside.command("restore", "mine.db", "--force")
    assert (ran.code, "damaged" in ran.complaint) == (2, True)
    with small_disk(outside.folder / "disk", 100_000) as disk:
        ran = await outside.command("backup", str(disk))
        assert (ran.code, "its disk is full" in ran.complaint) == (1, True)
        assert list(disk.iterdir()) == []


async def test_check_tells_of_a_database_whose_money_does_not_add_up(outside: Outside) -> None:
    outside.database.parent.mkdir()
    async with await Database.open(outside.database) as db, db.transaction() as tx:
        await tx.all("UPDATE accounts SET balance = 5 WHERE id = 'income'")
    ran = await outside.command("check")
    assert ran.code == 2
    assert "does not add up" in ran.out
