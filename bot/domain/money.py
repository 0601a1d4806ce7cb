"""Money is an integer of ten-thousandths of the currency's unit: 1.00 = 10_000 units. Never a float."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import TypeAlias

Units: TypeAlias = int

SCALE = 4
ONE: Units = 10**SCALE
LARGEST: Units = 10**9 * ONE
"""A bound on any amount that a person or a provider may name, far inside 64 bits."""


def parse_units(text: str) -> Units:
    """Read what a person or a provider wrote (`"2.5"`, `"2,50"`, `"0.0375"`).

    Raises ValueError when it is no finite number, has more than four decimals, or is beyond LARGEST.
    """
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise ValueError("not a number") from None
    # Comparisons are exact; arithmetic would round, or overflow on an exponent of millions.
    if not amount.is_finite() or amount.copy_abs() > LARGEST // ONE:
        raise ValueError("not a usable amount")
    units = int(amount.scaleb(SCALE))
    if to_decimal(units) != amount:
        raise ValueError("more than four decimals")
    return units


def to_decimal(units: Units) -> Decimal:
    return Decimal(units) / ONE


def convert(units: Units, rate: Decimal, *, up: bool) -> Units:
    """`units` of one currency in another: rounded up for a price we ask, down for a cap we send."""
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return int((units * rate).to_integral_value(rounding))
