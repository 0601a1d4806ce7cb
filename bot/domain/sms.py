"""An SMS as a provider tells of it, and as we keep it."""

import hashlib
from dataclasses import dataclass

from bot.domain.time import Ms


@dataclass(frozen=True, slots=True)
class IncomingSms:
    """One SMS from a provider, by webhook or by poll.

    `sms_id` is the provider's own id of it. Where a protocol has none, the adapter passes `derived_sms_id`:
    equal texts at different times are two SMS, the same SMS seen twice is one.
    """

    provider_ref: str
    sms_id: str
    sender: str
    text: str
    received_at: Ms
    vague: bool = False
    """Told without what identifies it: it counts only where no SMS of its number shows this text already."""


@dataclass(frozen=True, slots=True)
class Sms:
    """An SMS that arrived on a number.

    `code` is what we found in it, or its person picked; `link` the address that it asks to open, where there is none.
    """

    id: int
    number_id: int | None
    provider: str
    sender: str
    text: str
    code: str | None
    received_at: Ms
    ordinal: int
    """1 for the first SMS of its number; part of the id that all copies of its message show."""
    link: str | None = None


def derived_sms_id(provider_ref: str, sender: str, text: str, provider_time: str) -> str:
    """An id for an SMS of a protocol without ids, from the fields that tell two SMS apart."""
    joined = "\x1f".join((provider_ref, sender, text, provider_time))
    return "h:" + hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:40]
