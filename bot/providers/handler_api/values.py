"""Reading answers whose types differ from member to member. Every reader raises ValueError, without the value."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import TypeAlias

from bot.domain.money import Units, to_decimal
from bot.domain.time import HOUR, MINUTE, SECOND, Ms
from bot.providers import values
from bot.providers.handler_api.answers import Malformed

Row: TypeAlias = Mapping[str, object]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", re.ASCII)
AHEAD: Ms = 2 * MINUTE
"""How far a member's clock may be ahead of ours."""


def ident(value: object) -> str:
    """An id as an opaque text, whether it came as a number or as one."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not _ID.fullmatch(str(value)):
        raise Malformed("no id")
    return str(value)


def optional_ident(value: object) -> str:
    try:
        return ident(value)
    except ValueError:
        return ""


def whole(value: object) -> int:
    """A count that is not negative: 5, "5", 5.0."""
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        raise Malformed("no count")
    try:
        count = int(value)
    except (ValueError, OverflowError):
        raise Malformed("no count") from None
    return min(max(count, 0), 10**9)


def text(value: object) -> str:
    """A text; nothing in all its spellings is the empty one."""
    if value is None or value == []:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed("no text")
    return str(value)


def phone(value: object) -> str:
    return values.phone(text(value))


def row(value: object) -> Row:
    """An object; PHP writes an empty one as `[]`."""
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise Malformed("no object")
    return value


def rows(value: object) -> Sequence[object]:
    """A list, also one that came as an object with the places as keys."""
    if isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, list):
        raise Malformed("no list")
    return value


def cap(units: Units, decimals: int) -> str:
    """The most that we pay, with no more decimals than the wire takes, rounded down."""
    rounded = to_decimal(units).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_FLOOR)
    return f"{rounded:f}".rstrip("0").rstrip(".") if "." in f"{rounded:f}" else f"{rounded:f}"


def moment(value: object, now: Ms) -> Ms | None:
    """When something happened that is shown now.

    A time without a zone is taken as the last one that fits: it names the minute and the second within an hour, and
    nobody knows the hour. None where it is no time at all.
    """
    if not isinstance(value, str):
        return None
    try:
        return values.instant(value)
    except ValueError:
        pass
    naive = as_if_utc(value)
    return None if naive is None else now + AHEAD - (now + AHEAD - naive) % HOUR


def as_if_utc(value: str) -> Ms | None:
    if not _NAIVE.fullmatch(value):
        return None
    try:
        return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()) * SECOND
    except (ValueError, OverflowError):
        return None


def comparable(value: object) -> Ms | None:
    """For the span between two times of one answer: with a zone or without, as they are."""
    if not isinstance(value, str):
        return None
    try:
        return values.instant(value)
    except ValueError:
        return as_if_utc(value)
