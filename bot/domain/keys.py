"""Keys of the HTTP API: each belongs to a person, does what they may do, and may be narrowed to reading."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.people import User
from bot.domain.time import Ms


class Scope(StrEnum):
    READ = "read"
    """Looks at everything of its person's, spends and changes nothing."""
    FULL = "full"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key once it has been shown."""

    id: int
    user_id: int
    name: str
    hint: str
    """Its first letters."""
    scope: Scope
    created_at: Ms
    used_at: Ms | None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token made from a key. It does what its key may do and ends with it."""

    text: str = field(repr=False)
    scope: Scope
    expires_at: Ms


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call it is, and by which key."""

    user: User
    scope: Scope
    key_id: int
