"""What the schema refuses, whatever Python forgets."""

import asyncio
import sqlite3
from itertools import product

import pytest

from bot.domain.errors import NoNumbers
from bot.domain.numbers import TRANSITIONS, State
from bot.services import settle
from storage import numbers
from storage.db import Database
from tests.storage.rows import active, buying

ALL = [
    (source, target)
    for source, target in product(State, State)
    if source is not target and (source, target) not in TRANSITIONS
]


async def test_the_schema_and_the_domain_allow_the_same_transitions(db: Database) -> None:
    rows = await db.read.all("SELECT from_state, to_state FROM number_transitions")
    assert {(State(row["from_state"]), State(row["to_state"])) for row in rows} == TRANSITIONS


async def _in_state(db: Database, state: State, name: str) -> int:
    async with db.transaction() as tx:
        number = await (buying(tx, name) if state in (State.BUYING, State.FAILED) else active(tx, name))
        if state is not number.state:
            assert await numbers.move(tx, number.id, number.state, state, "x", 1) is not None
    return number.id


@pytest.mark.parametrize(("source", "target"), ALL, ids=lambda state: state.value)
async def test_every_other_transition_is_refused(db: Database, source: State, target: State) -> None:
    number_id = await _in_state(db, source, "q")
    with pytest.raises(sqlite3.IntegrityError, match="transition of a number"):
        async with db.transaction() as tx:
            await tx.all(
                """UPDATE numbers SET state = $2, closed_at = CASE WHEN $3 THEN 1 END,
                       provider_ref = CASE WHEN $4 THEN 'p' END, phone = CASE WHEN $4 THEN '+4412' END,
                       expires_at = CASE WHEN $4 THEN 1 END WHERE id = $1""",
                number_id,
                target,
                int(target in numbers.ENDED),
                int(target not in (State.BUYING, State.FAILED)),
            )
    found = await numbers.get(db.read, number_id)
    assert found is not None
    assert found.state is source


@pytest.mark.parametrize(("source", "target"), sorted(TRANSITIONS), ids=lambda state: state.value)
async def test_of_two_who_move_a_number_one_wins_and_its_story_is_kept(
    db: Database, source: State, target: State
) -> None:
    number_id = await _in_state(db, source, "q")

    async def move(reason: str) -> bool:
        async with db.transaction() as tx:
            if target is State.ACTIVE and source is State.BUYING:
                won = await numbers.activate(
                    tx, number_id, provider_ref="p", phone="+4412", expires_at=9, cancel_from=None,
                    refund_until=None, now=5,
                )  # fmt: skip
            else:
                won = await numbers.move(tx, number_id, source, target, reason, 5)
        return won is not None

    assert sorted(await asyncio.gather(move("first"), move("second"))) == [False, True]
    events = await db.read.all("SELECT * FROM number_events WHERE number_id = $1 ORDER BY id", number_id)
    assert (events[0]["from_state"], events[0]["to_state"]) == (None, "buying")
    assert (events[-1]["from_state"], events[-1]["to_state"], events[-1]["at"]) == (source, target, 5)
    row = await db.read.one("SELECT closed_at, reason, changed_at FROM numbers WHERE id = $1", number_id)
    assert row is not None
    assert (row["closed_at"], row["changed_at"]) == (5 if target in numbers.ENDED else None, 5)
    assert row["reason"] == events[-1]["reason"]


async def test_an_update_that_changes_no_state_is_no_event(db: Database) -> None:
    number_id = await _in_state(db, State.ACTIVE, "q")
    before = await db.read.all("SELECT * FROM number_events")
    async with db.transaction() as tx:
        await numbers.count_sms(tx, number_id)
        await numbers.set_card(tx, number_id, 1, 5)
        await tx.all("UPDATE numbers SET state = state")
    assert await db.read.all("SELECT * FROM number_events") == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE numbers SET state = 'lost'",
        "UPDATE numbers SET kind = 'own'",
        "UPDATE numbers SET price = -1",
        "UPDATE numbers SET test = 2",
        "UPDATE numbers SET provider_ref = NULL",
        "UPDATE numbers SET phone = NULL",
        "UPDATE numbers SET expires_at = NULL",
        "UPDATE numbers SET closed_at = 5",
        "UPDATE numbers SET cancel_sent = 2",
        "UPDATE numbers SET again_of = 'p'",
        "UPDATE numbers SET again_phone = '+4412'",
        "UPDATE numbers SET kind = 'rental', again_of = 'p', again_phone = '+4412'",
        "UPDATE quotes SET again_of = 'p'",
        "UPDATE quotes SET phone = '+4412'",
        "UPDATE quotes SET kind = 'rental', again_of = 'p', phone = '+4412'",
        "UPDATE numbers SET user_id = 404",
        "UPDATE numbers SET state = 'completed'",
        "INSERT INTO users (id, name, username, client_language, role, created_at) VALUES (9, '', '', '', 'king', 0)",
        "UPDATE users SET role = 'owner'",
        "UPDATE users SET hide_codes = 2",
        "INSERT INTO chats (id, user_id) VALUES (9, 404)",
        "INSERT INTO invites (token_hash, role, created_at, expires_at) VALUES ('x', 'guest', 0, 0)",
        "INSERT INTO invites (token_hash, role, created_at, expires_at, used_by) VALUES ('x', 'member', 0, 0, 1)",
        "UPDATE quotes SET purpose = 'renew'",
        "UPDATE quotes SET price = -1",
        "UPDATE quotes SET hours = -1",
        "INSERT INTO quotes SELECT * FROM quotes",
        """INSERT INTO outbox (key, chat_id, kind, priority, next_attempt_at, created_at)
           VALUES ('k', 1, 'song', 0, 0, 0)""",
        """INSERT INTO outbox (key, chat_id, kind, priority, next_attempt_at, created_at, state)
           VALUES ('k', 1, 'card', 0, 0, 0, 'lost')""",
        """INSERT INTO outbox (key, chat_id, kind, priority, next_attempt_at, created_at)
           VALUES ('k', 404, 'card', 0, 0, 0)""",
        """INSERT INTO renewals (number_id, user_id, quote_id, state, hours, price, cost, old_expires_at, created_at)
           VALUES (1, 1, 'r', 'pending', 0, 0, 0, 0, 0)""",
        """INSERT INTO renewals (number_id, user_id, quote_id, state, hours, price, cost, old_expires_at, created_at)
           VALUES (1, 1, 'r', 'done', 1, 0, 0, 0, 0)""",
        """INSERT INTO renewals (number_id, user_id, quote_id, state, hours, price, cost, old_expires_at, created_at)
           VALUES (1, 1, 'r', 'pending', 1, 0, 0, 0, 0), (1, 1, 's', 'pending', 1, 0, 0, 0, 0)""",
        "UPDATE accounts SET balance = -1 WHERE id = 'holds'",
        "UPDATE accounts SET balance = -1 WHERE user_id = 1",
        "INSERT INTO events (key, user_id, type, created_at) VALUES ('k', 1, 'song', 0)",
        "INSERT INTO events (key, user_id, type, created_at) VALUES ('k', 1, 'number.active', 0)",
        """INSERT INTO events (key, user_id, type, number_id, state, created_at)
           VALUES ('k', 1, 'sms.received', 1, 'x', 0)""",
        """INSERT INTO events (key, user_id, type, created_at)
           VALUES ('k', 1, 'webhook.test', 0), ('k', 1, 'webhook.test', 0)""",
        "INSERT INTO webhooks (user_id, slot, url, topics, secret, created_at) VALUES (1, 6, 'u', '', 's', 0)",
        """INSERT INTO webhooks (user_id, slot, url, topics, secret, created_at, off)
           VALUES (1, 1, 'u', '', 's', 0, 'x')""",
        """INSERT INTO webhooks (user_id, slot, url, topics, secret, created_at)
           VALUES (1, 1, 'u', '', 's', 0), (1, 1, 'v', '', 's', 0)""",
        "INSERT INTO webhook_deliveries (webhook_id, event_id, next_attempt_at) VALUES (404, 404, 0)",
        "DELETE FROM users",
        "DELETE FROM numbers",
    ],
)
async def test_a_row_that_breaks_a_rule_is_refused(db: Database, statement: str) -> None:
    async with db.transaction() as tx:
        await active(tx)
    with pytest.raises(sqlite3.IntegrityError):
        async with db.transaction() as tx:
            await tx.all(statement)


async def test_a_quote_buys_one_number_and_a_providers_reference_is_one_numbers(db: Database) -> None:
    async with db.transaction() as tx:
        first = await active(tx, "a")
        second = await buying(tx, "b")
    with pytest.raises(sqlite3.IntegrityError, match="quote_id"):
        async with db.transaction() as tx:
            await tx.all(
                """INSERT INTO numbers (user_id, quote_id, provider, ref, service, country, operator, kind, state,
                                        price, cost, hours, test, created_at, changed_at)
                   SELECT user_id, quote_id, provider, 'other', service, country, operator, kind, 'buying', price, cost,
                          hours, test, created_at, changed_at FROM numbers WHERE id = $1""",
                first.id,
            )
    with pytest.raises(sqlite3.IntegrityError, match="provider_ref"):
        async with db.transaction() as tx:
            await numbers.activate(
                tx, second.id, provider_ref=str(first.provider_ref), phone="+4413", expires_at=1, cancel_from=None,
                refund_until=None, now=0,
            )  # fmt: skip


async def test_a_failed_purchase_is_settled_once(db: Database) -> None:
    async with db.transaction() as tx:
        number = await buying(tx)
        assert await settle.not_sold(tx, number, NoNumbers(), 1)
        assert not await settle.not_sold(tx, number, NoNumbers(), 2)
        found = await numbers.get(tx, number.id)
    assert found is not None
    assert (found.state, found.reason, found.closed_at) == (State.FAILED, "no_numbers", 1)
