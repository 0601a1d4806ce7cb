"""What the world knows against what reached the chats and what the ledger says. The program is asked nothing."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.chaos.world.chats import Chats, Copy, Unanswered
from tests.chaos.world.plan import Tally
from tests.chaos.world.suppliers import Market, Sale, Sent

MOST_COPIES = 3
NEAR_S = 1.5
"""A request and the message that it made are this close to each other in the world's own notes."""


@dataclass
class Verdict:
    """Figures by name; `wrongs` are sentences, empty when all is well."""

    figures: dict[str, object] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)

    def must_be_zero(self, name: str, found: list[str]) -> None:
        self.figures[name] = len(found)
        self.wrongs += [f"{name}: {one}" for one in found[:20]]


def judge(
    chats: Chats,
    market: Market,
    tally: Tally,
    unanswered: list[Unanswered],
    database: Path,
    opening: int,
    people: list[int],
) -> Verdict:
    verdict = Verdict()
    sales = market.sales()
    verdict.figures["purchases confirmed"] = tally.confirmed
    verdict.figures["numbers sold"] = len(sales)
    verdict.figures["codes sent"] = len(market.services.sent)
    verdict.figures["kills"] = len(tally.killed_at)
    verdict.figures["longest recovery"] = f"{max(tally.recoveries_s, default=0.0):.2f} s"
    _codes(verdict, chats, market.services.sent, sales, tally, unanswered)
    verdict.must_be_zero("numbers left open at a supplier", [str(sale) for sale in sales if sale.open])
    _money(verdict, chats, sales, database, opening, people)
    return verdict


def _codes(
    verdict: Verdict, chats: Chats, sent: list[Sent], sales: list[Sale], tally: Tally, unanswered: list[Unanswered]
) -> None:
    lost: list[str] = []
    astray: list[str] = []
    unexplained: list[str] = []
    histogram: Counter[int] = Counter()
    unowned = 0
    for one in sent:
        copies = chats.copies.get(one.code, [])
        owner = _owner_of(chats, one, sales)
        due = one.open or one.told
        if owner is None and not copies:
            unowned += due  # sold by a call whose answer was lost, and given back: nobody was ever shown it
            continue
        if due and not copies:
            lost.append(f"{one.code} on {one.phone} of {one.supplier}, {'open' if one.open else 'late'}")
        if len({copy.chat_id for copy in copies}) > 1 or any(copy.chat_id != owner for copy in copies):
            astray.append(f"{one.code}: {copies}, and the number is {owner}'s")
        histogram[len(copies)] += 1
        unexplained += _unexplained(one.code, copies, tally, unanswered)
    verdict.figures["codes that came in time, or were told of late"] = sum(one.open or one.told for one in sent)
    verdict.figures["codes on numbers that nobody was ever shown"] = unowned
    verdict.must_be_zero("codes lost", lost)
    verdict.must_be_zero("codes in a wrong chat", astray)
    verdict.figures["second copies"] = sum((copies - 1) * many for copies, many in histogram.items() if copies > 1)
    verdict.must_be_zero("copies without a kill or an unanswered send before them", unexplained)
    verdict.figures["most copies of one code"] = max(histogram, default=0)
    if max(histogram, default=0) > MOST_COPIES:
        verdict.wrongs.append(f"a code came {max(histogram)} times")


def _owner_of(chats: Chats, one: Sent, sales: list[Sale]) -> int | None:
    sold = [sale.sold_at for sale in sales if sale.phone == one.phone and sale.sold_at <= one.at + NEAR_S]
    return chats.owner(one.phone, max(sold, default=0.0))


def _unexplained(code: str, copies: list[Copy], tally: Tally, unanswered: list[Unanswered]) -> list[str]:
    found = []
    for before, after in pairwise(copies):
        killed = any(before.at - NEAR_S <= at <= after.at for at in tally.killed_at)
        silent = any(one.chat_id == before.chat_id and abs(one.at - before.at) < NEAR_S for one in unanswered)
        if not killed and not silent:
            found.append(f"{code}: {before} and {after}")
    return found


def _money(verdict: Verdict, chats: Chats, sales: list[Sale], database: Path, opening: int, people: list[int]) -> None:
    owed: Counter[int] = Counter()
    nobodys: list[str] = []
    for sale in sales:
        if not sale.charged:
            continue
        owner = chats.owner(sale.phone, sale.sold_at)
        if owner is None:
            nobodys.append(str(sale))
        else:
            owed[owner] += sale.cost
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        accounts: dict[str, int] = dict(db.execute("SELECT id, balance FROM accounts"))
        _ledger(verdict, db, accounts)
    wrong = [
        f"{person} has {accounts[f'person:{person}']}, and not {opening} - {owed[person]}"
        for person in people
        if accounts[f"person:{person}"] != opening - owed[person]
    ]
    verdict.must_be_zero("people with a wrong balance", wrong)
    verdict.must_be_zero("charged by a supplier for a number that nobody was shown", nobodys)
    verdict.figures["sum of the ledger"] = sum(accounts.values())
    if sum(accounts.values()):
        verdict.wrongs.append(f"the accounts sum to {sum(accounts.values())}")


def _ledger(verdict: Verdict, db: sqlite3.Connection, accounts: dict[str, int]) -> None:
    def rows(sql: str) -> list[str]:
        return [str(row) for row in db.execute(sql)]

    moved = dict(
        db.execute(
            """SELECT account, sum(amount) FROM (SELECT to_account AS account, amount FROM transfers
               UNION ALL SELECT from_account, -amount FROM transfers) GROUP BY account HAVING sum(amount) <> 0"""
        )
    )
    balances = {account: balance for account, balance in accounts.items() if balance}
    verdict.must_be_zero("balances that are not the sum of their transfers", [] if moved == balances else [str(moved)])
    verdict.must_be_zero(
        "holds without a live number",
        rows(
            """SELECT h.id, h.number_id FROM transfers h JOIN numbers n ON n.id = h.number_id WHERE h.kind = 'hold'
               AND n.state NOT IN ('buying', 'active', 'cancelling')
               AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id)"""
        ),
    )
    verdict.must_be_zero(
        "numbers still open in the database",
        rows("SELECT id, provider, state FROM numbers WHERE state IN ('buying', 'active', 'cancelling')"),
    )
    verdict.must_be_zero(
        "charged without a code",
        rows(
            """SELECT n.id FROM numbers n JOIN transfers c ON c.number_id = n.id AND c.kind = 'capture'
               WHERE n.kind = 'activation' AND n.sms_count = 0
               AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = c.hold_id AND r.kind = 'refund')"""
        ),
    )
    verdict.must_be_zero(
        "refunded and charged",
        rows(
            """SELECT hold_id FROM transfers WHERE kind IN ('capture', 'release')
               GROUP BY hold_id HAVING count(*) > 1
               UNION ALL SELECT hold_id FROM transfers WHERE kind = 'refund'
               GROUP BY hold_id HAVING count(*) > 1"""
        ),
    )
    verdict.must_be_zero(
        "messages still owed", rows("SELECT key, state, error FROM outbox WHERE state IN ('pending', 'parked')")
    )
    verdict.figures["messages given up as unconfirmed"] = db.execute(
        "SELECT count(*) FROM outbox WHERE state = 'unconfirmed'"
    ).fetchone()[0]
    verdict.must_be_zero("messages refused", rows("SELECT key, error FROM outbox WHERE state = 'refused'"))
