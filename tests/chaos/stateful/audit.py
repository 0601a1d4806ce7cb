"""What stands in the program's file, read past the program, and the rules that hold after every step."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bot.domain.numbers import TRANSITIONS
from tests.chaos.stateful.books import Books

ALLOWED = {(source.value, target.value) for source, target in TRANSITIONS}
OPEN = ("buying", "active", "cancelling")
RESOLVED = ([], ["capture"], ["release"], ["capture", "refund"])

Row = dict[str, Any]


class File:
    """The program's file, opened by somebody else."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        self._db.row_factory = sqlite3.Row

    def close(self) -> None:
        self._db.close()

    def all(self, sql: str, *args: Any) -> list[Row]:
        with closing(self._db.execute(sql, args)) as rows:
            return [dict(row) for row in rows]

    def given_up(self, quote_id: str, ref: str) -> bool:
        """Whether the purchase or renewal of that quote has been decided, so that its effect comes too late."""
        numbers = self.all("SELECT state, ref FROM numbers WHERE quote_id = ?", quote_id)
        renewals = self.all("SELECT state FROM renewals WHERE quote_id = ?", quote_id)
        return any(row["state"] == "failed" or row.get("ref", ref) != ref for row in numbers + renewals)


@dataclass(frozen=True)
class Supplied:
    """A number at a supplier; `answering`: its answer is still on its way to the program."""

    provider: str
    record: Mapping[str, Any]
    answering: bool


class Snapshot:
    """The rows of one moment."""

    def __init__(self, file: File) -> None:
        self.balances = {row["id"]: row["balance"] for row in file.all("SELECT id, balance FROM accounts")}
        self.transfers = file.all("SELECT * FROM transfers ORDER BY rowid")
        self.numbers = {row["id"]: row for row in file.all("SELECT * FROM numbers")}
        self.events = file.all("SELECT * FROM number_events ORDER BY id")
        self.renewals = {row["id"]: row for row in file.all("SELECT * FROM renewals")}
        self.orphans = {(row["provider"], row["provider_ref"]): row for row in file.all("SELECT * FROM orphans")}
        self.owed = bool(file.all("SELECT 1 FROM outbox WHERE state IN ('pending', 'parked') LIMIT 1"))
        self.by_ref = {row["ref"]: row for row in self.numbers.values()}

    def resolved(self) -> dict[str, list[str]]:
        """What became of each hold, in order."""
        found: dict[str, list[str]] = {row["id"]: [] for row in self.transfers if row["kind"] == "hold"}
        for row in self.transfers:
            if row["hold_id"] is not None:
                found[row["hold_id"]].append(row["kind"])
        return found

    def subject(self, hold_id: str) -> Row:
        """The number or renewal that a hold is for."""
        head = hold_id.partition(":")[0]
        row_id = int(head[1:].partition(".")[0])
        return self.numbers[row_id] if head[0] == "n" else self.renewals[row_id]

    def paid(self, head: str) -> int:
        """What was taken for a number ('n17', with all its attempts) or a renewal ('r5'), less what was given back."""
        total = 0
        for row in self.transfers:
            subject = str(row["hold_id"]).partition(":")[0].partition(".")[0]
            if subject == head:
                total += {"capture": row["amount"], "refund": -row["amount"]}.get(row["kind"], 0)
        return total


def wrongs(rows: Snapshot, books: Books, supplied: list[Supplied]) -> Iterator[str]:
    """Whatever must never be, at any moment."""
    yield from books.wrongs
    yield from _money(rows)
    yield from _holds(rows)
    yield from _charges(rows, books, supplied)
    yield from _states(rows)
    yield from _unknown(rows, books, supplied)


def _money(rows: Snapshot) -> Iterator[str]:
    moved: dict[str, int] = defaultdict(int)
    for row in rows.transfers:
        moved[row["from_account"]] -= row["amount"]
        moved[row["to_account"]] += row["amount"]
    if any(balance != moved[account] for account, balance in rows.balances.items()):
        yield f"the balances {rows.balances} are not those of the transfers {dict(moved)}"
    if sum(rows.balances.values()):
        yield f"the accounts sum to {sum(rows.balances.values())}"
    for account, balance in rows.balances.items():
        if balance < 0 and account != "operator":
            yield f"{account} has {balance}"


def _holds(rows: Snapshot) -> Iterator[str]:
    for hold_id, resolved in rows.resolved().items():
        subject = rows.subject(hold_id)
        if resolved not in RESOLVED:
            yield f"{hold_id} was resolved by {resolved}"
        if not resolved and subject["state"] not in (*OPEN, "pending"):
            yield f"{hold_id} is left, though it is {subject['state']}"


def _charges(rows: Snapshot, books: Books, supplied: list[Supplied]) -> Iterator[str]:
    records = {one.record["ref"]: one.record for one in supplied}
    caps = {order.quote_id: order.cap for order in books.orders}
    for number in rows.numbers.values():
        paid = rows.paid(f"n{number['id']}")
        if paid > caps[number["quote_id"]]:
            yield f"number {number['id']} cost {paid}, and {caps[number['quote_id']]} was agreed to"
        record = records.get(number["ref"])
        if paid and (record is None or not (record["charged"] or number["kind"] == "rental")):
            yield f"number {number['id']} was paid for, and its supplier did not charge it"


def _states(rows: Snapshot) -> Iterator[str]:
    events: dict[int, list[Row]] = defaultdict(list)
    for event in rows.events:
        events[event["number_id"]].append(event)
    for number_id, chain in events.items():
        path = [(before["to_state"], after["to_state"]) for before, after in pairwise(chain)]
        if chain[0]["to_state"] != "buying" or chain[-1]["to_state"] != rows.numbers[number_id]["state"]:
            yield f"number {number_id} went from {chain[0]['to_state']} to {chain[-1]['to_state']}"
        if forbidden := set(path) - ALLOWED:
            yield f"number {number_id} went a way that is none: {forbidden}"


def _unknown(rows: Snapshot, books: Books, supplied: list[Supplied]) -> Iterator[str]:
    """Open at a supplier, and nothing in the file that will see to it."""
    for one in supplied:
        record = one.record
        sale = books.sales.get(record["ref"])
        if record["state"] not in ("waiting", "received") or one.answering or (sale and sale.order.written_off):
            continue
        number = rows.by_ref.get(record["ref"])
        if number is not None and (number["state"] in OPEN or (record["charged"] and number["state"] != "failed")):
            continue
        if (one.provider, record["provider_ref"]) not in rows.orphans:
            state = number["state"] if number else "not there"
            yield f"{record['provider_ref']} is open at {one.provider}, and its number is {state}"
