"""People's money: balance, statement, and credit by an admin."""

from dataclasses import dataclass

from bot.domain.errors import BadAmount, NotFound, TooLittleMoney
from bot.domain.money import LARGEST, Units, parse_units
from bot.domain.people import User
from bot.services.access import require_admin, require_member
from bot.services.clock import Clock
from storage import ledger, users
from storage.db import Database
from storage.ledger import Entry

STATEMENT_LENGTH = 12
LARGEST_ID = 2**52
"""Telegram's ids have at most 52 significant bits; a longer one was mistyped."""


@dataclass(frozen=True, slots=True)
class Account:
    """`available` can be spent; `held` is set aside for numbers under way."""

    available: Units
    held: Units
    entries: list[Entry]


class Wallet:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def account(self, user: User) -> Account:
        require_member(user)
        return Account(
            available=await ledger.balance(self._db.read, user.id),
            held=await ledger.held(self._db.read, user.id),
            entries=await ledger.statement(self._db.read, user.id, STATEMENT_LENGTH),
        )

    async def balance(self, user: User) -> Units:
        return await ledger.balance(self._db.read, user.id)

    async def credit(self, admin: User, user_id: int, amount: str, reason: str, *, key: str) -> Units:
        """Give `amount` to a person (or take it, below zero); `key` makes a repetition a no-op. The new balance."""
        require_admin(admin)
        return await self.credit_as(admin.id, user_id, amount, reason, key=key)

    async def credit_as(self, actor_id: int | None, user_id: int, amount: str, reason: str, *, key: str) -> Units:
        """As `credit`, for the operator at the terminal, who is nobody's user."""
        try:
            units = parse_units(amount)
        except ValueError:
            raise BadAmount from None
        if units == 0 or abs(units) > LARGEST or not reason.strip():
            raise BadAmount
        if not 0 < user_id <= LARGEST_ID:
            raise NotFound
        async with self._db.transaction() as tx:
            if await users.get(tx, user_id) is None:
                raise NotFound
            if await ledger.exists(tx, key):
                return await ledger.balance(tx, user_id)
            missing = -units - await ledger.balance(tx, user_id)
            if missing > 0 and units < 0:
                raise TooLittleMoney(missing)
            reason = reason.strip()[:200]
            await ledger.credit(tx, key, user_id, units, actor_id=actor_id, reason=reason, now=self._clock())
            return await ledger.balance(tx, user_id)
