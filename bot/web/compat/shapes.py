"""Single values as SMS-Activate wrote them."""

import csv
import json
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib import resources

from bot.domain.money import Units, to_decimal
from bot.domain.sms import Sms
from bot.domain.time import SECOND, Ms

_MOSCOW = timezone(timedelta(hours=3))
"""The zone of all its times, which name none."""


def amount(units: Units) -> str:
    """`"25.00"`, `"0.375"`: two decimals at least, all that there are."""
    whole, _, part = f"{to_decimal(units):f}".partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"


def price(units: Units) -> float:
    """A JSON number; four decimals of any amount come back as they were."""
    return float(to_decimal(units))


def clock(at: Ms) -> str:
    return f"{_local(at):%Y-%m-%d %H:%M:%S}"


def rent_end(at: Ms) -> str:
    return f"{_local(at):%Y-%m-%dT%H:%M:%S}"


def _local(at: Ms) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC).astimezone(_MOSCOW)


def phone(e164: str | None) -> str:
    """Without the plus."""
    return (e164 or "").removeprefix("+")


def code(sms: Sms) -> str:
    """The code, or the whole text where none was found in it; empty where the SMS is blank."""
    return sms.code or sms.text.strip()


@cache
def currency_numbers() -> dict[str, int]:
    """ISO 4217: `USD` is 840."""
    text = resources.files("bot.domain").joinpath("data", "currencies.csv").read_text(encoding="utf-8")
    return {row["code"]: int(row["number"]) for row in csv.DictReader(text.splitlines())}


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
