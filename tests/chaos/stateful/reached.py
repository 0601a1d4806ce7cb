"""What the lives of a run have reached: a rule that nothing ever follows from proves nothing."""

from collections import Counter

from tests.chaos.stateful.audit import Snapshot
from tests.chaos.stateful.books import Books
from tests.chaos.stateful.chats import Chats

REACHED: Counter[str] = Counter()


def note_life(rows: Snapshot, books: Books, chats: Chats, lives: int) -> None:
    REACHED["lives"] += 1
    REACHED["starts"] += lives
    REACHED.update(f"number: {row['state']}, {row['reason']}" for row in rows.numbers.values())
    REACHED.update(f"transition: {row['from_state']} to {row['to_state']}" for row in rows.events)
    REACHED.update(f"renewal: {row['state']}, {row['reason']}" for row in rows.renewals.values())
    REACHED.update(f"orphan: {row['outcome']}" for row in rows.orphans.values())
    REACHED.update(f"transfer: {row['kind']}" for row in rows.transfers)
    REACHED["served by another supplier"] += sum(row["attempt"] > 1 for row in rows.numbers.values())
    REACHED["the same number again"] += sum(bool(row["again_of"]) for row in rows.numbers.values())
    REACHED["sold in vain"] += sum(sale.in_vain for sale in books.sales.values())
    REACHED["renewed in vain"] += sum(one.in_vain for one in books.renewed)
    REACHED["orders written off"] += sum(order.written_off for order in books.orders)
    REACHED["orders unheard"] += sum(order.unheard for order in books.orders)
    REACHED["texts"] += len(books.texts)
    REACHED["texts, late"] += sum(not text.in_time for text in books.texts)
    REACHED["messages"] += len(chats.arrived)
    REACHED["messages, copies"] += len(chats.arrived) - len({one.key for one in chats.arrived})
    REACHED["messages, unsure"] += chats.unsure.total()


def table() -> str:
    return "\n".join(f"{count:8}  {what}" for what, count in sorted(REACHED.items()))
