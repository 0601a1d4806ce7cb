"""A disk that answers with errors, under the real program: the errors are put in place of its system calls."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.audit import wrongs
from tests.chaos.flows import BRISK, buying
from tests.chaos.outside import PERSON, Outside, make_template, outside
from tests.chaos.person import Person
from tests.chaos.test_durability import post_sms
from tests.chaos.tracing import injected, running
from tests.support import says

FAULTS = {
    "it cannot be written (EIO)": ("EIO", "pwrite64", "failing"),
    "it was mounted for reading only (EROFS)": ("EROFS", "pwrite64", "failing"),
    "it is full (ENOSPC)": ("ENOSPC", "pwrite64", "full"),
    "what was written does not stay (EIO)": ("EIO", "fdatasync,fsync", "failing"),
}


async def ready(world: Outside) -> tuple[int, Any]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.get(f"http://127.0.0.1:{world.spec.port}/readyz")
    return answer.status_code, answer.json()["database"].get("error")


async def becomes(world: Outside, status: int, error: str | None) -> None:
    async with asyncio.timeout(30):
        while await ready(world) != (status, error):  # noqa: ASYNC110 - another process is looked at
            await asyncio.sleep(0.05)


def transfers(database: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as db:
        return db.execute("SELECT id FROM transfers").fetchall()


@pytest.mark.parametrize(("error", "calls", "name"), FAULTS.values(), ids=FAULTS)
async def test_a_disk_with_errors_stops_sales_and_costs_nothing(
    tmp_path: Path, error: str, calls: str, name: str
) -> None:
    await make_template(tmp_path / "template.db")
    async with outside(tmp_path, tmp_path / "template.db", BRISK, webhooks=True, poll_ms=60_000) as world:
        me = Person(world.telegram, PERSON, lambda: None, lambda: None)
        with me.looking():
            async with running(world.spec) as process_id:
                phone = await me.reach("a number", me.phone, *buying(me))
                await me.reach("an offer", me.press("ok:"), me.say("telegram germany"))
                paid = transfers(world.database)
                async with injected(process_id, error, calls, Path(f"{world.database}-wal")):
                    await me.reach("a refusal", lambda: me.says(says.CANNOT_SAVE), me.press("ok:"), within_s=30)
                    await becomes(world, 503, name)
                    code = world.text_to(phone)
                    assert await post_sms(world.spec.port, "any") == 503
                    assert transfers(world.database) == paid
                    assert not me.copies(code)
                await becomes(world, 200, None)
                await me.reach("the code", lambda: me.copies(code), within_s=30)
                await me.close_the_rest(lambda: not world.sandbox.open_numbers())
                async with asyncio.timeout(20):
                    while found := wrongs(world, me, deaths=0):  # noqa: ASYNC110 - another process is looked at
                        await asyncio.sleep(0.1)
                assert found == []
    said = [line for line in Path(world.spec.log).read_text().splitlines() if " ERROR " in line]
    assert len(said) == 1, said
    assert re.search(r"storage\.condition: The disk .*nothing is sold", said[0])
