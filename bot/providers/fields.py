"""Reading JSON objects whose sender is not to be trusted about their shape. Every reader raises Malformed."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from bot.domain.money import LARGEST, Units
from bot.domain.time import Ms

Row: TypeAlias = Mapping[str, object]

LARGEST_WHOLE = 2**53
"""What every JSON and every database holds exactly."""
LATEST: Ms = 10**14
"""Far beyond anything that a number lives to see, and still a date."""


class Malformed(ValueError):
    """A field is missing or of the wrong type. The text names the field, never its value."""


def text(row: Row, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise Malformed(f"{key} is no text")
    return value


def name(row: Row, key: str, longest: int = 200) -> str:
    """A text that is neither empty nor longer than `longest`."""
    value = text(row, key)
    if not 0 < len(value) <= longest:
        raise Malformed(f"{key} is empty or too long")
    return value


def whole(row: Row, key: str) -> int:
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_WHOLE:
        raise Malformed(f"{key} is no whole number")
    return value


def optional_whole(row: Row, key: str) -> int | None:
    return None if row.get(key) is None else whole(row, key)


def amount(row: Row, key: str) -> Units:
    """What something costs, in units."""
    value = whole(row, key)
    if not 0 <= value <= LARGEST:
        raise Malformed(f"{key} is no amount")
    return value


def moment(row: Row, key: str) -> Ms:
    value = whole(row, key)
    if not 0 <= value <= LATEST:
        raise Malformed(f"{key} is no time")
    return value


def optional_moment(row: Row, key: str) -> Ms | None:
    return None if row.get(key) is None else moment(row, key)


def mapping(row: Row, key: str) -> Row:
    return as_row(row.get(key), key)


def sequence(row: Row, key: str) -> Sequence[object]:
    value = row.get(key)
    if not isinstance(value, list | tuple):
        raise Malformed(f"{key} is no list")
    return value


def rows(row: Row, key: str) -> Sequence[Row]:
    return [as_row(item, key) for item in sequence(row, key)]


def names(row: Row, key: str) -> Sequence[str]:
    items = sequence(row, key)
    found = [item for item in items if isinstance(item, str)]
    if len(found) != len(items):
        raise Malformed(f"{key} is no list of texts")
    return found


def as_row(value: object, what: str) -> Row:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object")
    return value
