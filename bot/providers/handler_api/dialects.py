"""The members of the family, one row each: what a member does otherwise than the last document of SMS-Activate.

A further member is a further row here and its name in `bot/config/provider.py`; see docs/providers.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from bot.domain.errors import BadRequest, NoNumbers, ProviderError, ProviderFault
from bot.domain.time import MINUTE, SECOND, Ms
from bot.providers.base import Webhooks

_UNDOCUMENTED = Webhooks()


class SmsSource(Enum):
    """Where a number's SMS are read, and what tells two equal ones apart."""

    ALL = "getAllSms"
    """Every SMS with its own id."""
    DATED = "getStatusV2"
    """The last SMS with the second at which it came."""
    CODES = "getStatus"
    """The last code and nothing else: a second equal one shows only by the waiting between the two."""


class RentStyle(Enum):
    APART = "getRentStatus"
    """Rentals have ids, a list and verbs of their own."""
    AS_ACTIVATION = "getAllSms"
    """A rental is an activation that lasts longer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`getActiveActivations`."""

    key: str
    """Where the rows are; empty when the answer is the list itself."""
    page: int = 0
    """Most rows in one answer, asked for with `start` and `limit`; 0: all at once."""


@dataclass(frozen=True, slots=True)
class Rent:
    style: RentStyle
    time_param: str
    hours: tuple[int, ...]
    """The lengths that are offered."""
    refund_ms: Ms = 20 * MINUTE
    """How long after the sale an unused one can be given back."""


@dataclass(frozen=True, slots=True)
class Dialect:
    name: str
    buy: str = "getNumberV2"
    """Or `getNumber`, which tells neither cost nor end."""
    order_id: bool = False
    """Purchases carry our reference as `orderId`: the same one is never sold twice."""
    batch: Batch | None = None
    sms: SmsSource = SmsSource.CODES
    history: str = ""
    """The parameter of `getHistory` that says how many rows; empty: there is no history."""
    cancel: str = "8"
    ready: bool = True
    """`setStatus 1` is known."""
    extra: bool = False
    """`getExtraActivation`: the same number once more."""
    names: bool = False
    """`getServicesList` is known."""
    operators: bool = False
    top_countries: bool = False
    rent: Rent | None = None
    webhooks: Webhooks | None = _UNDOCUMENTED
    min_interval_s: float = 0.2
    singles_at_once: int = 4
    """Questions about single numbers in flight."""
    lifetime_ms: Ms = 20 * MINUTE
    longer: Mapping[str, int] = field(default_factory=dict)
    """Minutes, for services whose activations last longer."""
    cancel_after_ms: Ms = 120 * SECOND
    price_decimals: int = 4
    learn_countries: bool = False
    """Its numbers of countries are asked for, since nobody has documented them."""
    country_ids: Mapping[str, str] = field(default_factory=dict)
    """ISO 3166 to the member's number, where it is not the family's."""
    words: Mapping[str, type[ProviderError]] = field(default_factory=dict)
    """Answers that mean something else here, or are said by nobody else."""
    ban_utc_offset_h: int = 3
    """The zone of dates in `BANNED`, which name none."""


_LONGER = MappingProxyType({"ya": 40, "ft": 60, "ig": 60, "cy": 60, "wx": 60})

_ROWS = (
    Dialect(
        name="sms-activate",
        order_id=True,
        batch=Batch("activeActivations"),
        sms=SmsSource.DATED,
        history="limit",
        extra=True,
        names=True,
        operators=True,
        top_countries=True,
        rent=Rent(RentStyle.APART, "rent_time", (4, 24, 168)),
        longer=_LONGER,
    ),
    Dialect(
        name="hero",
        batch=Batch("data", page=100),
        sms=SmsSource.ALL,
        history="size",
        ready=False,
        names=True,
        operators=True,
        top_countries=True,
        rent=Rent(RentStyle.AS_ACTIVATION, "duration", (24, 72, 168)),
        webhooks=Webhooks("sms-incoming", ("84.32.223.53", "185.138.88.87")),
        min_interval_s=0.5,
        words=MappingProxyType({"SERVICE_NOT_AVAILABLE": NoNumbers}),
    ),
    Dialect(
        name="tiger",
        batch=Batch("data", page=100),
        sms=SmsSource.DATED,
        names=True,
        # BAD_ACTION also stands for faults of the server, so a purchase that got it may have been made.
        words=MappingProxyType({"BAD_ACTION": ProviderFault}),
    ),
    Dialect(name="smsbower", operators=True, webhooks=Webhooks(sources=("167.235.198.205",))),
    Dialect(name="generic", buy="getNumber", learn_countries=True),
    Dialect(
        name="grizzly",
        batch=Batch(""),
        words=MappingProxyType({"SERVICE_UNAVAILABLE_REGION": NoNumbers, "THE SERVICE IS PROHIBITED": BadRequest}),
    ),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.name: row for row in _ROWS})
