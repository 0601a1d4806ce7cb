"""Single values as providers write them: money, times, phones. Readers raise ValueError, without the value in it."""

import re
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal, InvalidOperation

from bot.domain.money import LARGEST, ONE, Units, to_decimal
from bot.domain.time import SECOND, Ms

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-]\d\d:?\d\d))",
    re.ASCII,
)
_PHONE = re.compile(r"\+?([1-9]\d{5,14})", re.ASCII)
_NOISE = Decimal("1e-8")
"""Finer than any price: what is left of sums in binary fractions, such as 0.10500000000000001."""


def money(value: object) -> Units:
    """A number or the text of one; what is finer than a unit is rounded up."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("no amount")
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError("no amount") from None
    if not amount.is_finite() or abs(amount) > LARGEST // ONE:
        raise ValueError("no usable amount")
    return int((amount.quantize(_NOISE) * ONE).to_integral_value(ROUND_CEILING))


def money_text(units: Units) -> str:
    """`3750` → `"0.375"`: exact, without an exponent."""
    return f"{to_decimal(units):f}".rstrip("0").rstrip(".") if units % ONE else str(units // ONE)


def instant(text: str) -> Ms:
    """An RFC 3339 time; digits beyond the millisecond are cut. One without a zone is refused: nobody knows its day."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("no time with a zone")
    day, clock, fraction, zone = match.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}{zone or '+00:00'}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("no such time") from None
    return int(at.timestamp()) * SECOND + int((fraction or "0").ljust(3, "0")[:3])


def phone(text: str) -> str:
    """E.164 with the plus, whether it was written with it or not."""
    match = _PHONE.fullmatch(text.strip())
    if match is None:
        raise ValueError("no phone")
    return f"+{match[1]}"
