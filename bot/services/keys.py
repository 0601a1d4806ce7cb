"""Keys of the API: made and revoked by their person, shown once, kept as hashes; and whose call a secret makes it."""

import hashlib
import secrets

from bot.domain.errors import LimitReached, NotFound, NotInvited, OutOfScope, Unauthorized
from bot.domain.keys import ApiKey, Caller, Scope, Token
from bot.domain.people import User
from bot.domain.time import HOUR, MINUTE, Ms
from bot.services.access import require_member
from bot.services.background import Background
from bot.services.clock import Clock
from storage import api_keys, users
from storage.api_keys import Held
from storage.db import Database

KEY_PREFIX, TOKEN_PREFIX = "cpk_", "cpt_"
"""What they begin with, by which people and logs know them."""
SECRET_BYTES = 32
HINT_LENGTH = 8
LONGEST_NAME = 32
MOST_KEYS = 10
MOST_TOKENS = 100
TOKEN_LIFE: Ms = HOUR
USE_NOTED_EVERY: Ms = MINUTE
"""A key's last use is true to this much, so that a call that reads need not write."""


class Keys:
    def __init__(self, db: Database, clock: Clock, background: Background) -> None:
        self._db = db
        self._clock = clock
        self._background = background
        self._noted: dict[int, Ms] = {}

    async def make(self, user: User, name: str, scope: Scope) -> tuple[ApiKey, str]:
        """A new key, and its text, which nobody can be shown again. Without a name it gets its number."""
        require_member(user)
        text, now = KEY_PREFIX + secrets.token_urlsafe(SECRET_BYTES), self._clock()
        async with self._db.transaction() as tx:
            mine = await api_keys.of(tx, user.id)
            if len(mine) >= MOST_KEYS:
                raise LimitReached("api_keys", MOST_KEYS)
            called = _clean(name) or _unused({one.name for one in mine})
            made = await api_keys.add(tx, user.id, called, text[:HINT_LENGTH], _hashed(text), scope, now)
        return made, text

    async def of(self, user: User) -> list[ApiKey]:
        require_member(user)
        return await api_keys.of(self._db.read, user.id)

    async def one(self, user: User, key_id: int) -> ApiKey:
        """Raises NotFound for one that is not theirs, or is revoked."""
        for key in await self.of(user):
            if key.id == key_id:
                return key
        raise NotFound

    async def rename(self, user: User, key_id: int, name: str) -> ApiKey:
        require_member(user)
        async with self._db.transaction() as tx:
            if not _clean(name) or not await api_keys.rename(tx, user.id, key_id, _clean(name)):
                raise NotFound
        return await self.one(user, key_id)

    async def revoke(self, user: User, key_id: int) -> None:
        """At once, with its tokens."""
        async with self._db.transaction() as tx:
            if not await api_keys.revoke(tx, user.id, key_id, self._clock()):
                raise NotFound

    async def token(self, key: str) -> Token:
        """An access token, for a while. Raises Unauthorized for what is no key, such as another token."""
        held = await api_keys.by_key(self._db.read, _hashed(key)) if key.startswith(KEY_PREFIX) else None
        caller = await self._caller(held)
        text, now = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES), self._clock()
        async with self._db.transaction() as tx:
            await api_keys.add_token(tx, _hashed(text), caller.key_id, now, now + TOKEN_LIFE, most=MOST_TOKENS)
        return Token(text, caller.scope, now + TOKEN_LIFE)

    async def end_token(self, token: str) -> None:
        async with self._db.transaction() as tx:
            await api_keys.end_token(tx, _hashed(token))

    async def identify(self, secret: str) -> Caller:
        """Who calls with this key or token. Raises Unauthorized, or NotInvited where its person was removed."""
        if secret.startswith(TOKEN_PREFIX):
            return await self._caller(await api_keys.by_token(self._db.read, _hashed(secret), self._clock()))
        return await self._caller(await api_keys.by_key(self._db.read, _hashed(secret)))

    async def still_works(self, secret: str) -> bool:
        """For a call that lasts: neither its key nor its token nor its person has gone meanwhile."""
        try:
            await self.identify(secret)
        except (Unauthorized, NotInvited):
            return False
        return True

    async def _caller(self, held: Held | None) -> Caller:
        user = await users.get(self._db.read, held.user_id) if held else None
        if held is None or user is None:
            raise Unauthorized
        require_member(user)
        self._note_use(held)
        return Caller(user, held.scope, held.key_id)

    def _note_use(self, held: Held) -> None:
        """In the background: the call need not wait for it."""
        now, noted = self._clock(), self._noted.get(held.key_id, held.used_at)
        if noted is None or abs(now - noted) >= USE_NOTED_EVERY:
            self._noted[held.key_id] = now
            self._background.spawn(self._write_use(held.key_id, now), "use of an API key")

    async def _write_use(self, key_id: int, now: Ms) -> None:
        async with self._db.transaction() as tx:
            await api_keys.note_use(tx, key_id, now)


def require_full(caller: Caller) -> None:
    """Raises OutOfScope for a key that may only read."""
    if caller.scope is not Scope.FULL:
        raise OutOfScope


def _clean(name: str) -> str:
    """On one line, and no longer than a button holds."""
    printable = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(printable.split())[:LONGEST_NAME].strip()


def _unused(names: set[str]) -> str:
    return next(f"Key {n}" for n in range(1, MOST_KEYS + 2) if f"Key {n}" not in names)


def _hashed(secret: str) -> str:
    """A fast hash suffices: nobody guesses 32 random bytes."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
