"""Every statement that a sweep or an SMS runs finds its rows by an index, however much history there is."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from bot.domain.keys import Scope
from bot.domain.numbers import Kind
from bot.domain.people import Role, Seen
from bot.domain.sms import IncomingSms
from bot.domain.webhooks import Delivery, Progress, Topic
from storage import (
    api_keys,
    bought,
    deliveries,
    due,
    events,
    idempotency,
    ledger,
    listing,
    news,
    numbers,
    orphans,
    outbox,
    outcomes,
    provider_states,
    quotes,
    renewals,
    sms,
    unfindable,
    users,
    webhooks,
)
from storage.db import Database, Row, Tx, Value
from storage.orphans import Orphan

ROWS = 10_000
FULL_SCAN = re.compile(r"SCAN \w+(?: AS \w+)?$")


class Explaining(Tx):
    """Runs statements in the transaction, and keeps the plan of each."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx._connection, tx._condition)
        self.plans: list[str] = []

    async def all(self, sql: str, *args: Value) -> list[Row]:
        for row in await super().all(f"EXPLAIN QUERY PLAN {sql}", *args):
            self.plans.append(row["detail"])
        return await super().all(sql, *args)


Statement: TypeAlias = Callable[[Explaining], Awaitable[Any]]


async def _token(tx: Tx) -> None:
    key = await api_keys.add(tx, 1, "script", "cpk_1234", "hash", Scope.FULL, 5)
    await api_keys.add_token(tx, "hash", key.id, 5, 5, most=100)


LOST = Orphan("sandbox", "p-1", 1, 0, 0)
SEEN = IncomingSms("p-5", "other", "S", "text", 0)
ON_ITS_WAY = Delivery(55, 1, 55, "sms.received", 55, Progress.PENDING, 0, None, 55, None, None, "", 55)
HOT: dict[str, Statement] = {
    "poll: the youngest": lambda tx: due.newest_live(tx, "sandbox"),
    "poll: a page": lambda tx: due.live_refs(tx, "sandbox", "p-5", 100),
    "poll: a page of activations": lambda tx: due.live_refs(tx, "sandbox", "p-5", 100, rentals=False),
    "poll: one by one": lambda tx: due.live_since(tx, "sandbox"),
    "poll: rentals one by one": lambda tx: due.live_since(tx, "sandbox", Kind.RENTAL),
    "poll: what is known": lambda tx: sms.known(tx, "sandbox", "p-1", "p-9"),
    "expire: whose": lambda tx: due.providers_to_expire(tx, ROWS),
    "expire: which": lambda tx: due.to_expire(tx, "sandbox", ROWS, 100),
    "reconcile: whose": lambda tx: due.providers_to_check(tx, ROWS),
    "reconcile: which": lambda tx: due.to_check(tx, "sandbox", ROWS, 50),
    "reconcile: renewals": lambda tx: renewals.to_check(tx, "sandbox", ROWS, 50),
    "reconcile: orphans": lambda tx: orphans.to_check(tx, "sandbox", ROWS, 50),
    "reconcile: an orphan": lambda tx: orphans.defer(tx, LOST, 5),
    "reconcile: unfindable": lambda tx: unfindable.held_until(tx, 5),
    "look: a state": lambda tx: provider_states.get(tx, "sandbox"),
    "look: low": lambda tx: provider_states.tell_low(tx, "sandbox"),
    "look: failing": lambda tx: provider_states.tell_failing(tx, "sandbox"),
    "tell: the owner": lambda tx: users.owners(tx),
    "deliver: due": lambda tx: outbox.due(tx, ROWS, 16),
    "deliver: depth": lambda tx: outbox.depth(tx),
    "deliver: unpark": lambda tx: outbox.unpark(tx, 3, 5),
    "deliver: a card": lambda tx: outbox.want_card(tx, 1, 5, 5),
    "receive: whose number": lambda tx: numbers.by_provider_ref(tx, "sandbox", "p-5"),
    "receive: add": lambda tx: sms.add(tx, "sandbox", SEEN, None, 5),
    "receive: capture": lambda tx: ledger.capture(tx, "n5", 5),
    "receive: release": lambda tx: ledger.release(tx, "n6", 5),
    "receive: refund": lambda tx: ledger.refund(tx, "n5", 5),
    "receive: captured": lambda tx: ledger.captured(tx, "n5"),
    "receive: unclaimed": lambda tx: sms.unclaimed(tx, "sandbox", "p-5"),
    "receive: in time": lambda tx: sms.came_before(tx, 5, 5, 5),
    "buy: usage": lambda tx: numbers.usage(tx, 1, ROWS - 5, ROWS - 50, ROWS),
    "buy: twice": lambda tx: numbers.of_quote(tx, "q-5", 1),
    "show: open": lambda tx: numbers.open_of(tx, 1),
    "show: closed": lambda tx: numbers.closed_of(tx, 1, 10, 10**15),
    "show: messages": lambda tx: sms.of_number(tx, 5),
    "show: balance": lambda tx: ledger.balance(tx, 1),
    "show: held": lambda tx: ledger.held(tx, 2),
    "show: open of a kind": lambda tx: bought.open_of(tx, 1, Kind.ACTIVATION, 10, 0),
    "show: a month": lambda tx: bought.between(tx, 1, Kind.ACTIVATION, ROWS - 50, ROWS, 50, 0),
    "show: messages of many": lambda tx: bought.sms_of(tx, [5, 6, 7]),
    "show: a page of messages": lambda tx: bought.sms_page(tx, 5, 10, 0),
    "show: renewals": lambda tx: renewals.done_of(tx, 5),
    "see: a person": lambda tx: users.get(tx, 1),
    "see: a chat": lambda tx: users.of_chat(tx, 1),
    "prune: quotes": lambda tx: quotes.prune(tx, 50, 500),
    "prune: messages": lambda tx: outbox.prune(tx, 50, 500),
    "prune: texts": lambda tx: sms.prune(tx, 50, 500),
    "prune: tokens": lambda tx: api_keys.prune(tx, 50, 500),
    "call: by key": lambda tx: api_keys.by_key(tx, "h-5"),
    "call: by token": lambda tx: api_keys.by_token(tx, "h-5", 5),
    "call: keys": lambda tx: api_keys.of(tx, 1),
    "call: one more token": lambda tx: _token(tx),
    "call: under a key": lambda tx: idempotency.get(tx, 1, "k"),
    "call: what is open": lambda tx: listing.page(tx, 1, 10**15, 100, opened=True, closed=False),
    "call: what is closed": lambda tx: listing.page(tx, 1, 10**15, 100, opened=False, closed=True),
    "call: everything": lambda tx: listing.page(tx, 1, 10**15, 100, opened=True, closed=True),
    "call: by ids": lambda tx: listing.by_ids(tx, 1, [5, 6, 7]),
    "call: by phone": lambda tx: listing.by_phone(tx, 1, "+15"),
    "call: bought under a key": lambda tx: listing.by_key(tx, 1, "k"),
    "call: messages": lambda tx: listing.messages(tx, 5, 0, 0, 100),
    "ring: the newest": news.newest,
    "ring: whose": lambda tx: news.people_since(tx, ROWS - 5),
    "announce: an event": lambda tx: events.add(tx, "k", Topic.NUMBER_ACTIVE, 5, "n5", 5),
    "announce: what ends soon": lambda tx: events.to_warn(tx, 5, 50),
    "post: where": lambda tx: deliveries.webhooks_due(tx, ROWS),
    "post: what": lambda tx: deliveries.due(tx, 1, ROWS, 8),
    "post: mark": lambda tx: deliveries.mark(tx, ON_ITS_WAY, 200, 5),
    "post: a failure": lambda tx: deliveries.note_attempt(tx, ON_ITS_WAY, 500, "refused", 5),
    "post: defer": lambda tx: deliveries.defer(tx, ON_ITS_WAY, 500),
    "post: give up": lambda tx: deliveries.give_up(tx, ON_ITS_WAY, 500),
    "post: hurry": lambda tx: deliveries.hurry(tx, 1, 5),
    "post: whose": lambda tx: webhooks.of_user(tx, 1),
    "post: tests of late": lambda tx: events.tests_since(tx, 1, ROWS - 5),
    "show: deliveries": lambda tx: deliveries.of_webhook(tx, 1, 8, 10**15),
    "show: what was given up": lambda tx: deliveries.of_webhook(tx, 1, 8, 10**15, Progress.FAILED),
    "show: a backlog": lambda tx: deliveries.counts(tx, 1),
    "show: events": lambda tx: events.after(tx, 1, ROWS - 5, 0, 100),
    "show: the newest event": lambda tx: events.newest(tx, 1),
    "prune: events": lambda tx: events.prune(tx, 50, 500),
    "tally: a page": lambda tx: outcomes.after(tx, (ROWS // 2, 0), ROWS, 200),
}

BY = {
    "poll: a page": "numbers_live",
    "poll: a page of activations": "numbers_live",
    "poll: one by one": "numbers_live",
    "poll: rentals one by one": "numbers_live",
    "poll: what is known": "numbers_live",
    "poll: the youngest": "numbers_live_by_age",
    "expire: whose": "numbers_to_expire",
    "expire: which": "numbers_to_expire",
    "reconcile: which": "numbers_to_check",
    "deliver: due": "outbox_due",
    "receive: capture": "transfers_by_hold",
    "show: open": "numbers_open",
    "prune: messages": "outbox_done",
    "prune: texts": "sms_by_age",
    "tally: a page": "numbers_ended",
    "show: open of a kind": "numbers_open",
    "show: a month": "numbers_by_age",
    "show: renewals": "renewals_by_number",
    "announce: what ends soon": "numbers_to_warn",
    "post: where": "webhook_deliveries_due",
    "post: what": "webhook_deliveries_owed",
    "prune: events": "events_by_age",
}
"""Indexes of what is live or owed: any other would do as well on a new database, and read all history on an old one."""
UNUSED = {"receive: add": ["SCAN events", "SCAN outbox"]}
"""Parts that the engine plans and skips: a new parent's children are looked for only while a reference is broken."""

NUMBERS = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO numbers (user_id, quote_id, provider, ref, service, country, operator, kind, state, price, cost, hours,
                         test, created_at, changed_at)
    SELECT 1, 'q-' || i, 'sandbox', 'r-' || i, 'wa', 'GB', '', 'activation', 'buying', 1, 1, 0, 1, i, i FROM n"""
FILL = (
    NUMBERS,
    """UPDATE numbers SET state = 'active', provider_ref = 'p-' || id, phone = '+44' || id, expires_at = id,
           changed_at = id""",
    "UPDATE numbers SET state = 'completed', closed_at = id WHERE id % 50 <> 0",
    "UPDATE numbers SET state = 'cancelling', check_at = id WHERE id % 100 = 0",
    """INSERT INTO sms (number_id, provider, provider_ref, provider_sms_id, sender, text, ordinal, received_at,
                        created_at)
       SELECT id, provider, provider_ref, 's', 'S', 'text', 1, id, id FROM numbers""",
    "UPDATE accounts SET balance = 100000 WHERE user_id = 1",
    """INSERT INTO transfers (id, kind, from_account, to_account, amount, number_id, reason, created_at)
       SELECT 'n' || id || ':hold', 'hold', 'person:1', 'holds', 1, id, '', id FROM numbers""",
    """INSERT INTO transfers (id, kind, from_account, to_account, amount, hold_id, number_id, reason, created_at)
       SELECT 'n' || id || ':capture', 'capture', 'holds', 'income', 1, 'n' || id || ':hold', id, '', id FROM numbers
       WHERE id % 2 = 0""",
    """INSERT INTO outbox (key, chat_id, kind, priority, number_id, sms_id, state, done_at, next_attempt_at, created_at)
       SELECT 'sms:' || id, 1, 'sms', 0, number_id, id, 'sent', id, id, id FROM sms""",
    """INSERT INTO quotes SELECT 'old-' || id, 1, 'buy', 'sandbox', 'wa', 'GB', '', 'activation', 0, 1, 1, 1, NULL, id,
       id, '', '' FROM numbers""",
    """INSERT INTO renewals (number_id, user_id, quote_id, state, hours, price, cost, old_expires_at, created_at,
                             closed_at)
       SELECT id, 1, 'renew-' || id, 'done', 1, 1, 1, 1, 1, 1 FROM numbers""",
    """INSERT INTO orphans (provider, provider_ref, number_id, created_at, check_at, closed_at)
       SELECT 'sandbox', 'lost-' || id, id, id, id, id FROM numbers""",
    """INSERT INTO webhooks (user_id, slot, url, topics, secret, created_at)
       VALUES (1, 1, 'https://example.org/', ' number.active ', 's', 0)""",
    """INSERT INTO events (key, user_id, type, number_id, state, created_at)
       SELECT 'number.active:' || id, 1, 'number.active', id, 'active', id FROM numbers""",
    """UPDATE webhook_deliveries SET progress = 'delivered', done_at = 1, attempts = 1, first_attempt_at = 1
       WHERE id % 50 <> 5""",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "a.db"
    asyncio.run(_fill(path))
    return path


async def _fill(path: Path) -> None:
    async with await Database.open(path, synchronous="OFF") as db, db.transaction() as tx:
        for user_id in (1, 2, 3):
            await users.upsert(tx, Seen(user_id, "P"), Role.MEMBER, 0)
        for statement in FILL:
            await tx.all(statement)


class Undone(Exception):
    """Rolls a transaction back."""


@asynccontextmanager
async def _trial(path: Path) -> AsyncIterator[Tx]:
    """A transaction that is undone, so that the next one finds the same rows."""
    async with await Database.open(path, synchronous="OFF", exclusive=False) as db:
        with suppress(Undone):
            async with db.transaction() as tx:
                yield tx
                raise Undone


@pytest.mark.parametrize("name", HOT)
async def test_a_hot_statement_scans_no_table(filled: Path, name: str) -> None:
    async with _trial(filled) as tx:
        explained = Explaining(tx)
        started = time.perf_counter()
        await HOT[name](explained)
        took = time.perf_counter() - started
    assert explained.plans
    assert [plan for plan in explained.plans if FULL_SCAN.search(plan)] == UNUSED.get(name, [])
    assert any(re.search(rf"INDEX {BY.get(name, '')}", plan) for plan in explained.plans) or name not in BY
    assert took < 0.5


async def test_the_check_would_see_a_scan(filled: Path) -> None:
    async with _trial(filled) as tx:
        explained = Explaining(tx)
        await explained.all("SELECT id FROM numbers WHERE reason = 'x'")
    assert [plan for plan in explained.plans if FULL_SCAN.search(plan)] != []


OWED = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO outbox (key, chat_id, kind, priority, number_id, state, next_attempt_at, created_at)
    SELECT 'k' || i, {chat}, 'notice', 0, 1, '{state}', 0, 0 FROM n"""


@pytest.mark.parametrize(
    ("what", "statements"),
    [
        ("one chat that is owed them all", (OWED.format(chat=1, state="pending"),)),
        ("ten thousand chats", ("INSERT INTO chats (id, user_id) SELECT id + 10, 1 FROM numbers",
                                OWED.format(chat="i + 10", state="pending"))),
        ("a blocked chat", ("UPDATE chats SET parked_at = 1 WHERE id = 1", OWED.format(chat=1, state="parked"))),
    ],
)  # fmt: skip
async def test_what_is_due_is_found_in_milliseconds_among_ten_thousand(
    filled: Path, what: str, statements: tuple[str, ...]
) -> None:
    async with _trial(filled) as tx:
        for statement in statements:
            await tx.all(statement)
        await outbox.want_card(tx, 2, 5, 0)
        await outbox.due(tx, 1, 16)
        started = time.perf_counter()
        for _ in range(5):
            found = await outbox.due(tx, 1, 16)
        took_ms = (time.perf_counter() - started) * 1000 / 5
    assert found[-1].chat_id == 2 or len(found) == 16
    assert took_ms < 100, what
