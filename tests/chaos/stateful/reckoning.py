"""The last reckoning: everything is settled, and is as the suppliers' own records say."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from tests.chaos.stateful.audit import OPEN, File, Snapshot
from tests.chaos.stateful.books import Books
from tests.chaos.stateful.chats import Chats

MOST_COPIES = 3

Records = Mapping[str, Mapping[str, Any]]
"""The suppliers' records, by our reference."""


def unsettled(rows: Snapshot) -> list[str]:
    """What is still to be decided."""
    left = [f"number {row['id']} is {row['state']}" for row in rows.numbers.values() if row["state"] in OPEN]
    left += [f"renewal {row['id']} is pending" for row in rows.renewals.values() if row["state"] == "pending"]
    return left + [f"orphan {ref} is open" for (_, ref), row in rows.orphans.items() if row["closed_at"] is None]


def wrongs(rows: Snapshot, file: File, books: Books, records: Records, chats: Chats, suspicions: int) -> Iterator[str]:
    yield from unsettled(rows)
    for record in records.values():
        if record["state"] in ("waiting", "received"):
            yield f"{record['provider_ref']} is open at its supplier"
    yield from _money(rows, books, records)
    yield from _texts(books, records, chats, suspicions)
    yield from _copies(file, chats, suspicions)
    yield from _cards(rows, chats)


def _money(rows: Snapshot, books: Books, records: Records) -> Iterator[str]:
    spent: Counter[int] = Counter()
    numbers = {row["quote_id"]: row for row in rows.numbers.values()}
    renewals = {row["quote_id"]: row for row in rows.renewals.values()}
    for order in books.orders:
        number = numbers.get(order.quote_id)
        paid = rows.paid(f"n{number['id']}") if number else 0
        spent[order.person] += paid
        owed = books.owed(order, records)
        if paid != owed and not (order.written_off and paid == 0):
            yield f"{order} cost {paid}, and its supplier's record says {owed}"
        if len(books.sales_of(order)) > 1:
            yield f"{order} was sold more than once"
    for quote_id, agreed in books.renewals.items():
        row = renewals.get(quote_id)
        paid, owed = rows.paid(f"r{row['id']}") if row else 0, books.owed_for_renewal(quote_id)
        spent[books.renewing[quote_id].person] += paid
        if paid not in (0, agreed) or (paid != owed and not books.renewing[quote_id].written_off):
            yield f"a renewal of {books.renewing[quote_id]} cost {paid}, and its supplier's record says {owed}"
    for person, credit in books.credits.items():
        if rows.balances[f"person:{person}"] != credit - spent[person]:
            yield f"{person} has {rows.balances[f'person:{person}']}, and not {credit} - {spent[person]}"


def _texts(books: Books, records: Records, chats: Chats, suspicions: int) -> Iterator[str]:
    came: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for (chat_id, ref, _), text in {
        (one.chat_id, one.provider_ref, one.key): one.text for one in chats.arrived
    }.items():
        came[chat_id, ref][text] += bool(text)
    for order, _, record in books.rows(records):
        got = came.pop((order.person, record["provider_ref"]), Counter())
        must, may = books.expected(order, record)
        lost, extra = must - got, got - may
        if extra:
            yield f"{order} brought {dict(extra)}, which its supplier does not have"
        if lost.total() > _given_up(chats, suspicions):
            yield f"{order} did not bring {dict(lost)}"
    for (chat_id, ref), texts in came.items():
        if +texts:
            yield f"{chat_id} got {dict(texts)} of {ref}, which is not theirs"


def _given_up(chats: Chats, suspicions: int) -> int:
    """Messages whose copies may all have been lost."""
    arrived = {one.key for one in chats.arrived}
    return sum(key not in arrived and times + suspicions >= MOST_COPIES for key, times in chats.unsure.items())


def _copies(file: File, chats: Chats, suspicions: int) -> Iterator[str]:
    for key, copies in Counter(one.key for one in chats.arrived).items():
        most = MOST_COPIES if chats.unsure[key] else 1
        if copies > most:
            yield f"{copies} copies of {key}, and not {most} at most"
    for row in file.all("SELECT key, kind, state FROM outbox WHERE state <> 'sent'"):
        hopeless = chats.unsure[row["key"]] + suspicions >= MOST_COPIES
        if not (row["state"] == "unconfirmed" and hopeless):
            yield f"the message {row['key']} is {row['state']}"


def _cards(rows: Snapshot, chats: Chats) -> Iterator[str]:
    for number_id, number in rows.numbers.items():
        if chats.cards.get(number_id) != number["state"]:
            yield f"the card of number {number_id} shows {chats.cards.get(number_id)}, and it is {number['state']}"
