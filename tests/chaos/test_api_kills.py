"""SIGKILL between a purchase of a program and its answer: the same Idempotency-Key leads to one number, paid once."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.domain.keys import Scope
from bot.services.background import Background
from bot.services.clock import now_ms
from bot.services.keys import Keys
from storage import users
from storage.db import Database
from tests.chaos.flows import BRISK
from tests.chaos.lives import Kill, Lives
from tests.chaos.outside import BYSTANDER, OPENING, PERSON, Outside, make_template, outside

WITHIN_S = 15.0
KILLS: tuple[Sequence[Kill], ...] = (
    [],
    *([{f"{when} /sandbox/allocate": 1}] for when in ("before", "after")),
    *([{f"{when} commit": n}] for when in ("before", "after") for n in (1, 2, 3)),
    [{"after /sandbox/allocate": 1}, {"after commit": 3}],
)
RENEWALS: tuple[Sequence[Kill], ...] = (
    *([{f"{when} /sandbox/renew": 1}] for when in ("before", "after")),
    *([{"before commit": n}] for n in (5, 6)),
)


class Program:
    """A caller who asks the same thing under the same key until it is answered; under the next where that failed."""

    def __init__(self, url: str, key: str, client: httpx.AsyncClient) -> None:
        self._url, self._key, self._client = url, key, client
        self.failed: set[str] = set()

    async def insists(self, idempotency_key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": idempotency_key}
        if idempotency_key in self.failed:
            headers["Idempotency-Key"] += " again"
        deadline = time.monotonic() + WITHIN_S
        while True:
            try:
                answer = await self._client.post(f"{self._url}/api/{path}", json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                found: dict[str, Any] = answer.json()
                return found
            if answer is not None and answer.status_code == 502:
                self.failed.add(idempotency_key)
                return await self.insists(idempotency_key, path, body)
            assert answer is None or answer.status_code == 202, answer.text
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def _key(template: Path) -> str:
    async with await Database.open(template, synchronous="OFF") as db:
        user = await users.get(db.read, PERSON)
        assert user is not None
        return (await Keys(db, now_ms, Background()).make(user, "script", Scope.FULL))[1]


def _rows(database: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        return list(db.execute(sql))


async def _lived(folder: Path, kills: Sequence[Kill], play: Any) -> tuple[int, Outside, Any]:
    template = folder / "template.db"
    await make_template(template)
    key = await _key(template)
    async with outside(folder, template, BRISK, webhooks=True, poll_ms=60_000) as world:
        spec = replace(world.spec, environ=world.spec.environ | {"API": "on", "API_RATE": "1000"})
        lives = Lives(spec, kills)
        async with lives, httpx.AsyncClient(trust_env=False, timeout=20) as client:
            result = await play(Program(f"http://127.0.0.1:{spec.port}", key, client))
            lives.check()
        return len(lives.deaths), world, result


async def _buys(program: Program) -> list[Any]:
    wish = {"country": "DE", "service": "WhatsApp"}
    answers = [await program.insists("order-4711", "allocate_number", wish) for _ in range(2)]
    return [*answers, program.failed]


@pytest.mark.parametrize("kills", KILLS, ids=str)
async def test_a_purchase_is_made_once_whenever_the_program_dies(
    tmp_path: Path, kills: Sequence[Kill], say: Callable[[str, str], None]
) -> None:
    deaths, world, (first, again, failed) = await _lived(tmp_path, kills, _buys)
    say("kills of the API", f"a purchase by the API, {list(kills)!s:<60}{deaths} kills")
    assert (first["id"], first["number"]) == (again["id"], again["number"])
    assert first["state"] == "waiting"
    numbers = _rows(world.database, "SELECT state, price FROM numbers")
    assert [state for state, _ in numbers if state != "failed"] == ["active"]
    assert len(numbers) == 1 + len(failed)
    assert world.sandbox.open_numbers() == 1
    balances = dict(_rows(world.database, "SELECT user_id, balance FROM accounts WHERE user_id IS NOT NULL"))
    assert balances == {PERSON: OPENING - numbers[-1][1], BYSTANDER: OPENING}


async def _rents_and_renews(program: Program) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    wish = {"country": "DE", "service": "WhatsApp", "kind": "rental", "hours": 4}
    rental = await program.insists("rent", "allocate_number", wish)
    more = {"action": "renew", "id": rental["id"], "hours": 4}
    return rental, *[await program.insists("more", "manage_number", more) for _ in range(2)]


@pytest.mark.parametrize("kills", RENEWALS, ids=str)
async def test_a_renewal_is_made_once_whenever_the_program_dies(
    tmp_path: Path, kills: Sequence[Kill], say: Callable[[str, str], None]
) -> None:
    deaths, world, (rental, first, again) = await _lived(tmp_path, kills, _rents_and_renews)
    say("kills of the API", f"a renewal by the API, {list(kills)!s:<61}{deaths} kills")
    assert rental["expires_at"] < first["expires_at"] == again["expires_at"]
    renewals = _rows(world.database, "SELECT state, hours FROM renewals ORDER BY id")
    assert [hours for state, hours in renewals if state != "failed"] == [4]
    assert len([one for one in world.sandbox.record() if one["kind"] == "rental"]) == 1
