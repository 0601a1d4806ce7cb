"""The verdict: what must be true, read from the chats, the supplier's own record and the database file.

The program is not asked about its own success.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.chaos.outside import BYSTANDER, OPENING, PERSON, Outside
from tests.chaos.person import Person

MOST_COPIES = 3


def wrongs(world: Outside, me: Person, deaths: int) -> list[str]:
    """Everything that is not as it must be in the end; empty when all is well."""
    return [*_codes(world, me, deaths), *_supplier(world), *_money(world)]


def _codes(world: Outside, me: Person, deaths: int) -> Iterator[str]:
    """A death makes at most one more copy of a code, and there are never more than three."""
    for code in world.sent:
        copies, most = me.copies(code), min(MOST_COPIES, 1 + deaths)
        if not 1 <= copies <= most:
            yield f"{copies} messages with the code {code}, and not 1 to {most}"


def _supplier(world: Outside) -> Iterator[str]:
    if left := world.sandbox.open_numbers():
        yield f"{left} numbers are open at the supplier"


def owed_to_supplier(world: Outside) -> int:
    """The prices (which are the costs here) of all that was delivered, by the supplier's record."""
    return sum(
        number["cost"] + sum(renewal["cost"] for renewal in number["renewals"])
        for number in world.sandbox.record()
        if number["charged"]
    )


def _money(world: Outside) -> Iterator[str]:
    with closing(_opened(world.database)) as db:
        accounts: dict[str, int] = dict(db.execute("SELECT id, balance FROM accounts"))
        moved = _recomputed(db)
        unresolved = db.execute(
            """SELECT count(*) FROM transfers h WHERE h.kind = 'hold'
               AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id)"""
        ).fetchone()[0]
        live = db.execute("SELECT count(*) FROM numbers WHERE state IN ('buying', 'active', 'cancelling')").fetchone()[
            0
        ]
        refused = db.execute("SELECT key, state FROM outbox WHERE state <> 'sent'").fetchall()
    if sum(accounts.values()):
        yield f"the accounts sum to {sum(accounts.values())}"
    if {account: balance for account, balance in accounts.items() if balance} != moved:
        yield f"the balances {accounts} are not those of the transfers {moved}"
    for user_id, spent in ((PERSON, owed_to_supplier(world)), (BYSTANDER, 0)):
        if (balance := accounts[f"person:{user_id}"]) != OPENING - spent:
            yield f"{user_id} has {balance}, and not {OPENING} - {spent}"
    if unresolved or accounts["holds"]:
        yield f"{unresolved} holds of {accounts['holds']} are left"
    if live:
        yield f"{live} numbers are open in the database"
    if refused:
        yield f"messages that were not sent: {refused}"


def _recomputed(db: sqlite3.Connection) -> dict[str, int]:
    rows = db.execute(
        """SELECT account, sum(amount) FROM (
               SELECT to_account AS account, amount FROM transfers
               UNION ALL SELECT from_account, -amount FROM transfers)
           GROUP BY account HAVING sum(amount) <> 0"""
    )
    return dict(rows)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)
