"""SIGKILL around webhooks and commits: every event reaches its receiver, in order, and twice only under the same id."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.webhooks import Topic
from bot.services.clock import now_ms
from storage import webhooks
from storage.db import Database
from tests.chaos.flows import FLOWS
from tests.chaos.lives import Kill, Lives
from tests.chaos.outside import PERSON, make_template, outside
from tests.chaos.person import Person
from tests.support.receiver import Receiver, receiving

SECRET = "whsec_d2ViaG9vay1zZWNyZXQtdGhhdC1ub2JvZHktZ3Vlc3Nlcw=="
FLOW = FLOWS[0]
TOLD = ["number.active", "sms.received", "sms.received", "number.completed"]
"""What happens to the one number of that flow."""

AT_THE_RECEIVER: tuple[Sequence[Kill], ...] = (
    [{"before webhook": 2}],
    *([{"after webhook": n}] for n in range(1, 5)),
    [{"after webhook": 1}, {"after webhook": 1}],
)
AT_COMMITS: tuple[Sequence[Kill], ...] = tuple([{f"{when} commit": n}] for when in ("before", "after") for n in (9, 17))


@dataclass(frozen=True)
class Told:
    """`ids` as the receiver took them; `owed` is what is left in the database."""

    receiver: Receiver
    deaths: int
    events: list[tuple[str, str]]
    owed: int


async def _live(folder: Path, kills: Sequence[Kill]) -> Told:
    template = folder / "template.db"
    await make_template(template)
    async with receiving(Receiver({"/hook": (SECRET,)})) as receiver:
        async with await Database.open(template, synchronous="OFF") as db, db.transaction() as tx:
            await webhooks.add(tx, PERSON, f"{receiver.url}/hook", SECRET, tuple(Topic), now_ms())
        async with outside(folder, template, FLOW.settings, webhooks=True, poll_ms=60_000) as world:
            environ = world.spec.environ | {"API": "on", "WEBHOOK_ALLOW": "127.0.0.1"}
            lives = Lives(replace(world.spec, environ=environ), kills)
            me = Person(world.telegram, PERSON, lives.check, lambda: None)
            with me.looking():
                async with lives:
                    await FLOW.play(me, world)
                    await me.close_the_rest(lambda: not world.sandbox.open_numbers())
                    await _until_nothing_is_owed(world.database)
                    lives.check()
            return Told(receiver, len(lives.deaths), _events(world.database), _owed(world.database))


async def _until_nothing_is_owed(database: Path) -> None:
    deadline = time.monotonic() + 10
    while _owed(database) and time.monotonic() < deadline:  # noqa: ASYNC110 - another process is looked at
        await asyncio.sleep(0.02)


def _owed(database: Path) -> int:
    return int(_rows(database, "SELECT count(*) FROM webhook_deliveries WHERE progress <> 'delivered'")[0][0])


def _events(database: Path) -> list[tuple[str, str]]:
    return [(f"e{id_}", kind) for id_, kind in _rows(database, "SELECT id, type FROM events ORDER BY id")]


def _rows(database: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        return list(db.execute(sql))


@pytest.mark.parametrize("kills", [*AT_THE_RECEIVER, *AT_COMMITS], ids=str)
async def test_a_kill_loses_no_event_and_doubles_none_but_under_its_id(
    tmp_path: Path, kills: Sequence[Kill], say: Callable[[str, str], None]
) -> None:
    told = await _live(tmp_path, kills)
    taken = [(call.id, call.type) for call in told.receiver.taken]
    first = list(dict.fromkeys(taken))
    doubled = len(taken) - len(first)
    say(
        "kills of the webhooks",
        f"webhooks, {list(kills)!s:<60}{told.deaths} kills, {len(first)} events, {doubled} twice",
    )
    assert told.owed == 0
    assert sorted(first) == sorted(told.events)
    by_number = {number: told.receiver.types(number) for number in {call.number for call in told.receiver.taken}}
    assert TOLD in by_number.values(), by_number
    for number in by_number:
        ids = [int(call.id[1:]) for call in told.receiver.taken if call.number == number]
        assert ids == sorted(ids)
    assert doubled <= told.deaths
    if all("after webhook" in kill for kill in kills):
        assert doubled == len(kills) == told.deaths
    assert len({(call.id, call.body) for call in told.receiver.taken}) == len(first)
