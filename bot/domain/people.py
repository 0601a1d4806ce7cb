"""The people whom the bot serves, what they may do, and what they chose."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.time import Ms


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"
    """Known, but not let in."""

    @property
    def is_admin(self) -> bool:
        return self in (Role.OWNER, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class User:
    """A person. `id` is Telegram's user id; a private chat has the same id."""

    id: int
    name: str
    username: str
    language: str
    """What they chose in /settings, else what their Telegram client says; one of the shipped languages."""
    role: Role
    hide_codes: bool
    created_at: Ms
    client_language: str = ""
    removed: bool = False
    """An admin took their role away."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an update says of its sender; all of it may change from one update to the next."""

    id: int
    name: str
    username: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Per person; refused with a sentence that names the limit."""

    active_numbers: int = 10
    purchases_per_minute: int = 5
    purchases_per_day: int = 100
