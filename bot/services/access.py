"""Who may use the bot: the owner's link, invitations, roles, and what people chose in their settings."""

import hashlib
import secrets
from dataclasses import dataclass, replace

from bot.domain.errors import LinkUsed, NotAllowed, NotFound, NotInvited
from bot.domain.money import Units
from bot.domain.people import Role, Seen, User
from bot.services.clock import Clock
from bot.services.rhythm import Timing
from storage import ledger, users
from storage.db import Database, StorageDown, Tx


@dataclass(frozen=True, slots=True)
class Door:
    """How people come in. `welcome` is credited to each new one (the demo gives everybody a balance)."""

    open_to_all: bool = False
    admin_ids: frozenset[int] = frozenset()
    welcome: Units = 0

    def role_of_new(self, user_id: int) -> Role:
        if user_id in self.admin_ids:
            return Role.ADMIN
        return Role.MEMBER if self.open_to_all else Role.GUEST


class Access:
    def __init__(self, db: Database, clock: Clock, timing: Timing, door: Door) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._door = door

    async def see(self, seen: Seen) -> User:
        """Whoever sent an update: noted when new or changed, with the role they have now."""
        known = await users.get(self._db.read, seen.id)
        role = self._door.role_of_new(seen.id)
        if known is None:
            return await self._noted(seen, role)
        if self._has_changed(known, seen, role):
            try:
                return await self._noted(seen, role)
            except StorageDown:  # what changed is noted another time
                return replace(known, role=_role_now(known, role))
        return known

    async def _noted(self, seen: Seen, role: Role) -> User:
        async with self._db.transaction() as tx:
            return await self._note(tx, seen, role)

    def _has_changed(self, known: User, seen: Seen, role: Role) -> bool:
        noted = (known.name, known.username, known.client_language)
        return _role_now(known, role) is not known.role or noted != (seen.name, seen.username, seen.language)

    async def _note(self, tx: Tx, seen: Seen, role: Role) -> User:
        now = self._clock()
        user = await users.upsert(tx, seen, role, now)
        if (role_now := _role_now(user, role)) is not user.role:
            await users.set_role(tx, seen.id, role_now)
        if self._door.welcome:
            key = f"welcome:{seen.id}"
            await ledger.credit(tx, key, seen.id, self._door.welcome, actor_id=None, reason="welcome", now=now)
        return await users.get(tx, seen.id) or user

    async def owner_token(self) -> str | None:
        """A new one-use token for whoever shall own the bot; None when it has an owner or admins.

        Either way, a token that an earlier start gave out and nobody has used is void.
        """
        token = secrets.token_urlsafe(18)
        async with self._db.transaction() as tx:
            await users.drop_unused_invites(tx, Role.OWNER)
            if self._door.admin_ids or await users.has_owner(tx):
                return None
            now = self._clock()
            await users.add_invite(tx, _hashed(token), Role.OWNER, None, now, now + 10**12)
        return token

    async def invite(self, admin: User) -> str:
        """A one-use token that lets one person in until it expires."""
        require_admin(admin)
        token = secrets.token_urlsafe(18)
        async with self._db.transaction() as tx:
            now = self._clock()
            expires_at = now + self._timing.invite_life
            await users.add_invite(tx, _hashed(token), Role.MEMBER, admin.id, now, expires_at)
        return token

    async def redeem(self, user: User, token: str) -> User:
        """Let a person in by their link. A second use raises LinkUsed; who is in already does not use one up."""
        async with self._db.transaction() as tx:
            if user.role is not Role.GUEST and await users.unused_role(tx, _hashed(token)) is Role.MEMBER:
                return user
            role = await users.use_invite(tx, _hashed(token), user.id, self._clock())
            if role is None:
                raise LinkUsed
            current = await users.get(tx, user.id)
            if current is None:
                raise NotFound
            if role is not Role.MEMBER or current.role is Role.GUEST:
                await users.set_role(tx, user.id, role)
        return await self._known(user.id)

    async def people(self, admin: User) -> list[User]:
        require_admin(admin)
        return await users.admitted(self._db.read)

    async def remove(self, admin: User, user_id: int) -> User:
        """Take a member's right to buy; what they have bought stays theirs to its end."""
        require_admin(admin)
        person = await self._known(user_id)
        if person.role.is_admin:
            raise NotAllowed
        async with self._db.transaction() as tx:
            await users.set_role(tx, user_id, Role.GUEST, removed=True)
        return await self._known(user_id)

    async def choose_language(self, user: User, language: str) -> User:
        async with self._db.transaction() as tx:
            await users.set_language(tx, user.id, language)
        return await self._known(user.id)

    async def choose_hide_codes(self, user: User, hide: bool) -> User:
        async with self._db.transaction() as tx:
            await users.set_hide_codes(tx, user.id, hide)
        return await self._known(user.id)

    async def _known(self, user_id: int) -> User:
        user = await users.get(self._db.read, user_id)
        if user is None:
            raise NotFound
        return user


def _role_now(user: User, by_door: Role) -> Role:
    """What somebody's role becomes by the configuration as it is today: ADMIN_IDS both makes and unmakes admins."""
    if by_door is Role.ADMIN:
        return user.role if user.role.is_admin else Role.ADMIN
    if user.role is Role.ADMIN:
        return Role.MEMBER
    return by_door if user.role is Role.GUEST and not user.removed else user.role


def require_member(user: User) -> None:
    if user.role is Role.GUEST:
        raise NotInvited


def require_admin(user: User) -> None:
    require_member(user)
    if not user.role.is_admin:
        raise NotAllowed


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
