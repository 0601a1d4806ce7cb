"""What an answer of 5sim means: JSON, or an error as plain text under any status."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.domain.errors import (
    BadKey,
    BadRequest,
    CancelTooEarly,
    Denied,
    Gone,
    NoNumbers,
    ProviderError,
    ProviderFault,
    ProviderFunds,
    Throttled,
)
from bot.providers.http import Answer

RATING_PAUSE_S = 900.0
"""An account without rating may buy again within a day; nobody says when."""

_LONGEST_ERROR = 120
_NOT_FOUND_PAGE = re.compile(r"<title>\s*not found\s*</title>", re.IGNORECASE)


class Lost(Exception):
    """No usable answer: the call may have taken effect. The text carries no secret."""


_ERRORS: Mapping[str, Callable[[], ProviderError]] = MappingProxyType(
    {
        "no free phones": NoNumbers,
        "not enough product qty": NoNumbers,
        "not enough user balance": ProviderFunds,
        "not enough rating": lambda: Throttled(RATING_PAUSE_S),
        "select country": BadRequest,
        "select operator": BadRequest,
        "bad country": BadRequest,
        "bad operator": BadRequest,
        "no product": BadRequest,
        "country is incorrect": BadRequest,
        "product is incorrect": BadRequest,
        "server offline": lambda: ProviderFault("server offline"),
        "reuse not possible": Denied,
        "reuse false": Denied,
        "reuse expired": Denied,
        "order has sms": Denied,
        "order no sms": Denied,
        "hosting order": Denied,
        "order expired": Denied,
        "order not found": Gone,
        "record not found": Gone,
        "you need to wait time": CancelTooEarly,
        "unauthorized": BadKey,
        "api limit is 100 requests per second": Throttled,
        "ip address limit is 100 requests per second": Throttled,
    }
)


def read(answer: Answer) -> Any:
    """The JSON of a success: an object, a list or None.

    Raises ProviderError where surely nothing was done, and Lost where nobody knows.
    """
    text = answer.text()
    value = _json(answer) if text[:1] in ("{", "[", '"', "n") else text
    said = _said(value)
    if (error := _refusal(answer, said)) is not None:
        raise error
    if answer.status == 200 and said is None:
        return value
    raise Lost(f"HTTP {answer.status}, no usable answer")


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text()


def _said(value: Any) -> str | None:
    """The error's own words, wherever they stand; None for what may be a success."""
    if isinstance(value, dict) and "id" not in value:
        found = value.get("error", value.get("message"))
        return found if isinstance(found, str) else None
    return value if isinstance(value, str) else None


def _refusal(answer: Answer, said: str | None) -> ProviderError | None:
    words = (said or "")[:_LONGEST_ERROR]
    if _is_throttled(answer.status, words):
        return Throttled(answer.retry_after_s() or 5.0)
    known = _ERRORS.get(words.strip(" .\"'\n").casefold()) if answer.status < 500 else None
    return known() if known is not None else _by_status(answer.status, said or "")


def _is_throttled(status: int, words: str) -> bool:
    """429 is the key's limit, 503 in words the address's; a page under 503 is a gateway's."""
    return status == 429 or (status == 503 and not words.startswith("<"))


def _by_status(status: int, said: str) -> ProviderError | None:
    if status == 401:
        return BadKey()
    if status == 403:
        return ProviderFault("403: the site refuses this client or address")
    if 300 <= status < 400:
        return ProviderFault("a redirect: no such route")
    return Gone() if status == 404 and _NOT_FOUND_PAGE.search(said) else None
