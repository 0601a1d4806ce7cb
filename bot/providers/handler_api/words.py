"""The words of the family, and what each one means."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.domain.errors import (
    BadKey,
    BadRequest,
    CancelTooEarly,
    Denied,
    Gone,
    NoNumbers,
    PriceRisen,
    ProviderError,
    ProviderFault,
    ProviderFunds,
    Throttled,
)


class Elsewhere(ProviderFault):
    """A redirect, or a page that is not there: whatever answered is no such API, and has done nothing."""

    def __init__(self, word: str) -> None:
        super().__init__(f"{word}, check URL")


_MEANINGS: Mapping[type[ProviderError], str] = {
    BadKey: "BAD_KEY NO_KEY API_KEY_NOT_VALID BAD_API_KEY ACCOUNT_INACTIVE WRONG_SECURITY",
    ProviderFunds: "NO_BALANCE NO_BALANCE_FORWARD BAD_BALANCE",
    NoNumbers: "NO_NUMBERS OUT_OF_STOCK NO_PROVIDERS NOT_AVAILABLE WHATSAPP_NOT_AVAILABLE NO_YULA_MAIL "
    "OPERATORS_NOT_FOUND SERVICE_NOT_AVAILABLE",
    PriceRisen: "WRONG_MAX_PRICE BAD_MAX_PRICE MAX_PRICE_EXCEEDED BAD_FIXED_PRICE",
    BadRequest: "BAD_ACTION WRONG_ACTION NO_ACTION BAD_SERVICE WRONG_SERVICE BAD_COUNTRY WRONG_COUNTRY "
    "UNPROCESSABLE_ENTITY WRONG_EXCEPTION_PHONE BAD_VALUES BAD_MULTIPLE BAD_PROVIDER_IDS BAD_EXCEPT_PROVIDER_IDS "
    "BAD_ACTIVATION_TYPE BAD_CURRENCY WRONG_CURRENCY CURRENCY_CHANGE_UNAVAILABLE MAIL_RULE WRONG_DATE INVALID_TIME "
    "BAD_DURATION MAX_HOURS_EXCEED MAX_RENT_DATE_ERROR BAD_DATA",
    Gone: "NO_ACTIVATION NOT_FOUND WRONG_ACTIVATION_ID INVALID_ACTIVATION_ID NO_ID_RENT INVALID_PHONE",
    Denied: "BAD_STATUS OTP_RECEIVED NEW_OTP_RECEIVED ACTIVATION_NOT_ACTIVE FREE_CANCELLATION_EXPIRED CANT_CANCEL "
    "ORDER_ALREADY_EXISTS ALREADY_FINISH ALREADY_CANCEL INCORECT_STATUS RENT_DIE SIM_OFFLINE SIM_TEMPORARY_OFFLINE "
    "RENEW_ACTIVATION_NOT_AVAILABLE NEW_ACTIVATION_IMPOSSIBLE ACTION_NOT_AVAILABLE FREEZE_PERIOD_NOT_REACHED",
    CancelTooEarly: "EARLY_CANCEL_DENIED",
    Throttled: "CHANNELS_LIMIT BANNED BANNED_GLOBAL BANNED_SPECIFIC RATE_LIMIT RATE_LIMITED",
    ProviderFault: "ERROR_SQL SQL_ERROR ERROR_SQL25 SERVER_ERROR ERROR",
}

WORDS: Mapping[str, type[ProviderError]] = MappingProxyType(
    {word: kind for kind, words in _MEANINGS.items() for word in words.split()}
)

PHRASES: Mapping[str, type[ProviderError]] = MappingProxyType(
    {
        "NO ACCESS": BadKey,
        "UNAUTHENTICATED": BadKey,
        "BAD SERVICE": BadRequest,
        "BAD COUNTRY": BadRequest,
        "SERVICE IS INCORRECT": BadRequest,
        "COUNTRY IS INCORRECT": BadRequest,
        "TOO MANY REQUESTS": Throttled,
        "ERROR CODE: 1020": Throttled,
    }
)
"""Said in sentences, told by how they begin, in capitals."""

BUYING_LIMITS = frozenset({"CHANNELS_LIMIT", "BANNED", "BANNED_GLOBAL", "BANNED_SPECIFIC"})
"""Said of purchases: codes are still read meanwhile. Any other limit is one of requests."""

SUCCESSES = frozenset(
    {
        "ACCESS_BALANCE",
        "ACCESS_NUMBER",
        "ACCESS_READY",
        "ACCESS_RETRY_GET",
        "ACCESS_ACTIVATION",
        "ACCESS_CANCEL",
        "STATUS_WAIT_CODE",
        "STATUS_WAIT_RETRY",
        "STATUS_WAIT_RESEND",
        "STATUS_CANCEL",
        "STATUS_OK",
        "NO_ACTIVATIONS",
    }
)

BY_STATUS: Mapping[int, type[ProviderError]] = MappingProxyType(
    {
        **dict.fromkeys(range(300, 400), Elsewhere),
        401: BadKey,
        402: ProviderFunds,
        403: BadKey,
        404: Elsewhere,
        405: Elsewhere,
        429: Throttled,
        **dict.fromkeys(range(500, 600), ProviderFault),
    }
)
"""Where the body says nothing."""
