"""Money: whatever is asked in whatever order and however often, the books are right."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.people import Role, Seen
from storage import ledger, users
from storage.db import Database, Tx
from tests.storage.rows import active
from tests.support.services import check_money, resolutions

AMOUNTS = st.integers(min_value=-300, max_value=300).filter(bool)
SUBJECTS = st.sampled_from(["n1", "n2", "n3"])
PEOPLE = st.sampled_from([1, 2])
STEPS = st.one_of(
    st.tuples(st.just("credit"), st.sampled_from("abcdef"), PEOPLE, AMOUNTS),
    st.tuples(st.just("hold"), SUBJECTS, PEOPLE, st.integers(min_value=0, max_value=200)),
    st.tuples(st.sampled_from(["capture", "release", "refund"]), SUBJECTS, PEOPLE, st.just(0)),
)


async def _apply(db: Database, verb: str, name: str, user_id: int, amount: int) -> bool | None:
    """None where the schema refused."""
    verbs: dict[str, Callable[[Tx], Awaitable[bool]]] = {
        "credit": lambda tx: ledger.credit(tx, name, user_id, amount, actor_id=None, reason="r", now=0),
        "hold": lambda tx: ledger.hold(tx, name, user_id, amount, number_id=int(name[1:]), reason="r", now=0),
        "capture": lambda tx: ledger.capture(tx, name, 0),
        "release": lambda tx: ledger.release(tx, name, 0),
        "refund": lambda tx: ledger.refund(tx, name, 0),
    }
    try:
        async with db.transaction() as tx:
            return await verbs[verb](tx)
    except sqlite3.IntegrityError:
        return None


class Model:
    """What the books should say, worked out the plain way."""

    def __init__(self) -> None:
        self.balance = {1: 0, 2: 0}
        self.keys: set[str] = set()
        self.holds: dict[str, tuple[int, int, str]] = {}

    def apply(self, verb: str, name: str, user_id: int, amount: int) -> bool | None:
        if verb == "credit":
            return self._credit(name, user_id, amount)
        if verb == "hold":
            return self._hold(name, user_id, amount)
        if name not in self.holds:
            return False
        owner, held, state = self.holds[name]
        needed = "captured" if verb == "refund" else "held"
        if state != needed:
            return False
        self.holds[name] = owner, held, {"capture": "captured", "release": "released", "refund": "refunded"}[verb]
        self.balance[owner] += held if verb in ("release", "refund") else 0
        return True

    def _credit(self, name: str, user_id: int, amount: int) -> bool | None:
        if name in self.keys:
            return False
        if self.balance[user_id] + amount < 0:
            return None
        self.keys.add(name)
        self.balance[user_id] += amount
        return True

    def _hold(self, name: str, user_id: int, amount: int) -> bool | None:
        if amount == 0 or name in self.holds:
            return False
        if self.balance[user_id] < amount:
            return None
        self.balance[user_id] -= amount
        self.holds[name] = user_id, amount, "held"
        return True


async def _run(path: Path, steps: list[tuple[str, str, int, int]]) -> None:
    model = Model()
    async with await Database.open(path, synchronous="OFF") as db:
        async with db.transaction() as tx:
            for user_id in (1, 2):
                await users.upsert(tx, Seen(user_id, "P"), Role.MEMBER, 0)
            for name in ("a", "b", "c"):
                await active(tx, name)
        for step in steps:
            # A credit that exists and would overdraw is a no-op in the model, and must be one here.
            assert await _apply(db, *step) == model.apply(*step), step
            for user_id, balance in model.balance.items():
                assert await ledger.balance(db.read, user_id) == balance
                held = sum(
                    amount for owner, amount, state in model.holds.values() if (owner, state) == (user_id, "held")
                )
                assert await ledger.held(db.read, user_id) == held
        await check_money(db.read)
        for resolved in (await resolutions(db.read)).values():
            assert resolved in ([], ["capture"], ["release"], ["capture", "refund"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=25))
def test_any_sequence_of_transfers_agrees_with_the_plain_model(steps: list[tuple[str, str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(Path(folder) / "a.db", steps))


@pytest.fixture
async def held(db: Database) -> Database:
    """Person 1 has 100, of which 40 are held for number 1 and 30 were captured for number 2."""
    async with db.transaction() as tx:
        await active(tx, "a")
        await active(tx, "b")
        await ledger.credit(tx, "top-up", 1, 100, actor_id=None, reason="r", now=0)
        await ledger.hold(tx, "n1", 1, 40, number_id=1, reason="wa", now=1)
        await ledger.hold(tx, "n2", 1, 30, number_id=2, reason="wa", now=2)
        await ledger.capture(tx, "n2", 3)
    return db


_INSERT = (
    "INSERT INTO transfers (id, kind, from_account, to_account, amount, hold_id, number_id, reason, created_at) VALUES "
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount = 1",
        "UPDATE transfers SET reason = reason",
        "DELETE FROM transfers",
        f"{_INSERT}('x', 'credit', 'operator', 'person:1', 0, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'credit', 'operator', 'person:1', -5, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'credit', 'person:2', 'person:1', 5, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'credit', 'operator', 'holds', 5, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'credit', 'operator', 'operator', 5, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'credit', 'operator', 'person:404', 5, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'gift', 'operator', 'person:1', 5, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'debit', 'person:1', 'operator', 31, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'debit', 'holds', 'operator', 5, NULL, NULL, '', 0)",
        f"{_INSERT}('x', 'hold', 'operator', 'holds', 5, NULL, 1, '', 0)",
        f"{_INSERT}('x', 'hold', 'person:2', 'holds', 5, NULL, 1, '', 0)",
        f"{_INSERT}('x', 'capture', 'holds', 'income', 40, NULL, 1, '', 0)",
        f"{_INSERT}('x', 'capture', 'holds', 'income', 39, 'n1:hold', 1, '', 0)",
        f"{_INSERT}('x', 'capture', 'holds', 'person:1', 40, 'n1:hold', 1, '', 0)",
        f"{_INSERT}('x', 'capture', 'holds', 'income', 30, 'n2:hold', 2, '', 0)",
        f"{_INSERT}('x', 'release', 'holds', 'person:2', 40, 'n1:hold', 1, '', 0)",
        f"{_INSERT}('x', 'release', 'holds', 'person:1', 41, 'n1:hold', 1, '', 0)",
        f"{_INSERT}('x', 'release', 'holds', 'person:1', 30, 'n2:hold', 2, '', 0)",
        f"{_INSERT}('x', 'release', 'holds', 'person:1', 40, 'nowhere', 1, '', 0)",
        f"{_INSERT}('x', 'refund', 'income', 'person:1', 40, 'n1:hold', 1, '', 0)",
        f"{_INSERT}('x', 'refund', 'income', 'person:2', 30, 'n2:hold', 2, '', 0)",
        f"{_INSERT}('x', 'refund', 'income', 'person:1', 29, 'n2:hold', 2, '', 0)",
        f"{_INSERT}('top-up', 'credit', 'operator', 'person:1', 5, NULL, NULL, '', 0)",
    ],
)
async def test_a_transfer_that_breaks_a_rule_is_refused(held: Database, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        async with held.transaction() as tx:
            await tx.all(statement)
    await check_money(held.read)


async def test_a_refund_is_made_once(held: Database) -> None:
    async with held.transaction() as tx:
        assert await ledger.refund(tx, "n2", 5)
        assert not await ledger.refund(tx, "n2", 6)
        assert not await ledger.capture(tx, "n2", 6)
        assert not await ledger.release(tx, "n2", 6)
    assert await ledger.balance(held.read, 1) == 60
    with pytest.raises(sqlite3.IntegrityError):
        async with held.transaction() as tx:
            await tx.all(f"{_INSERT}('x', 'refund', 'income', 'person:1', 30, 'n2:hold', 2, '', 0)")


async def test_a_statement_shows_what_the_person_gave_and_got(held: Database) -> None:
    async with held.transaction() as tx:
        await ledger.release(tx, "n1", 9)
    entries = await ledger.statement(held.read, 1, 3)
    assert [(one.kind, one.amount, one.number_id, one.at) for one in entries] == [
        ("release", 40, 1, 9),
        ("hold", -30, 2, 2),
        ("hold", -40, 1, 1),
    ]
    assert await ledger.statement(held.read, 2, 3) == []
    assert (await ledger.captured(held.read, "n2"), await ledger.captured(held.read, "n1")) == (True, False)
