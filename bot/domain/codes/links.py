"""Whether a message without a code asks to open an address in order to confirm, log in or reset."""

import re
from dataclasses import dataclass
from math import exp

from bot.domain.codes.addresses import Address
from bot.domain.codes.message import Message

_ASKS = re.compile(
    r"verif|valid|confirm|log-?in|logon|sign-?in|signup|auth|magic|activat|aktiv|otp|sso|session|passw|reset|recover|token|approve"
    r"|unlock|device|entrar|acceso|acced|ingres|connexion|connect|giris|prihlas|prijav|inlog|bestaet|bevest|bekraft|bekreft"
    r"|potvr|potwier|vahvist|belep|accedi|masuk|dang-?nhap|xac|/v/|/auth|[?&](?:t|k|token|code|key)=",
    re.IGNORECASE,
)
_INFORMS = re.compile(
    r"track|trace|sledz|suivi|sendung|parcel|deliver|ship|order|survey|feedback|rate|review|nps|poll|help|support|faq|info|news"
    r"|blog|promo|sale|offer|shop|store|deal|coupon|win|bill|invoice|pay|fatur|factur|rechnung|terms|privacy|policy|legal|app$"
    r"|/app|download|get\.|maps?\.|ticket|book|slot|meet|zoom|docs?|scam|fraud|secur|alert|tip|unsub|stop|t\.me/|wa\.me|youtu",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"(?=[A-Za-z-]*[0-9])[A-Za-z0-9_-]{4,}|[A-Za-z0-9_-]{16,}")


@dataclass(frozen=True, slots=True)
class Link:
    start: int
    end: int
    confidence: float


def link_of(message: Message) -> Link | None:
    """The address to open, or None. It stands in Folded.shape from `start` to `end`."""
    about = _of_message(message)
    found = [
        Link(address.start, address.end, 1 / (1 + exp(-about - _of_address(address))))
        for address in message.addresses
        if address.is_link and address.text.lower().startswith("http")
    ]
    return max(found, key=lambda link: link.confidence, default=None)


def _of_message(message: Message) -> float:
    spans = message.spans
    return (
        -1.1
        + (0.0, 2.3, 3.0)[min(len(spans["purpose"]), 2)]
        + 0.8 * bool(spans["link"])
        + 0.6 * bool(spans["secret"])
        + 0.5 * bool(spans["lasts"])
        + 0.5 * bool(spans["keep"])
        - 1.2 * min(len(spans["record"]), 2)
        - 1.5 * min(len(spans["offer"]), 2)
        - 1.0 * min(len(spans["money"]), 2)
        - 1.5 * min(len(spans["told"]), 2)
    )


def _of_address(address: Address) -> float:
    host, _, path = address.text.partition("://")[2].partition("/")
    if not path:
        return -3.0
    return (
        1.6 * bool(_ASKS.search(f"{host}/{path}"))
        - 2.5 * bool(_INFORMS.search(f"{host}/{path}"))
        + 0.7 * bool(_TOKEN.search(path))
    )
