"""What can go wrong, typed. A face turns each class into a sentence in the person's language.

CodepigeonError
├── Refusal                  the person asked for something that cannot be; their state is unchanged
│   ├── NotInvited  NotAllowed  LinkUsed
│   ├── NotFound             not there, or not theirs: the two are told apart to nobody
│   ├── QuoteGone  OldButton  WrongState  TooLittleMoney  LimitReached  BadAmount
│   ├── Unauthorized  OutOfScope  TooOften  KeyReused  NotRefundable      of the API
│   ├── NoOffer  NotAgain  NothingToSell
│   └── AddressRefused  WebhookOff                             of webhooks
└── ProviderError            the outside world; `permanent` says whether trying again can help
    ├── NoNumbers  PriceRisen  ProviderFunds  BadKey  BadRequest  Gone  Denied  CancelTooEarly
    └── Throttled  ProviderFault ── NoAnswer
"""

from bot.domain.money import Units
from bot.domain.time import Ms


class CodepigeonError(Exception):
    """The root. Its text is for the log and carries no secret, SMS text or code."""


class Refusal(CodepigeonError):
    """A person's request that cannot be done."""


class NotInvited(Refusal):
    """The installation is private and nobody has let this person in."""


class NotAllowed(Refusal):
    """The verb is for admins."""


class LinkUsed(Refusal):
    """An invitation that was used, has expired, or never was."""


class NotFound(Refusal):
    """No such number, quote or person for whoever asks."""


class QuoteGone(Refusal):
    """The promised price has lapsed."""


class OldButton(Refusal):
    """A button of an earlier version, or one that nobody made."""


class WrongState(Refusal):
    """The number's state does not allow the verb."""


class TooLittleMoney(Refusal):
    def __init__(self, missing: Units) -> None:
        super().__init__("too little money")
        self.missing = missing


class LimitReached(Refusal):
    """`limit` is the field of people.Limits, `allowed` its value."""

    def __init__(self, limit: str, allowed: int) -> None:
        super().__init__(f"limit {limit} of {allowed}")
        self.limit = limit
        self.allowed = allowed


class BadAmount(Refusal):
    """An amount of money that cannot be read, or is out of range."""


class Unauthorized(Refusal):
    """No key of the API, a wrong or revoked one, or a token that has ended."""


class OutOfScope(Refusal):
    """A key that may only read."""


class TooOften(Refusal):
    """More calls in a while than a key has."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("too often")
        self.retry_after_s = retry_after_s


class KeyReused(Refusal):
    """An Idempotency-Key that was used with other parameters."""


class NotRefundable(Refusal):
    """No money would come back, where that was asked for."""


class NoOffer(Refusal):
    """Nobody sells this service in this country now."""


class NotAgain(Refusal):
    """The provider does not give out the phone of this activation any more."""


class NothingToSell(Refusal):
    """No provider is set up."""


class AddressRefused(Refusal):
    """An address that events are not sent to. `reason`: 'no_url', 'not_reachable' or 'not_secure'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WebhookOff(Refusal):
    """Nothing is sent to an address that is switched off."""


class ProviderError(CodepigeonError):
    """A provider's refusal or fault. `reason` is a stable word for logs, tables and texts."""

    permanent = True
    reason = "provider_error"

    @property
    def line(self) -> str:
        """For the log: the reason, and what else is known of it."""
        return f"{self.reason} ({self})" if str(self) else self.reason


class NoNumbers(ProviderError):
    reason = "no_numbers"


class PriceRisen(ProviderError):
    """`price` is what it costs now, where that is known."""

    reason = "price_risen"

    def __init__(self, price: Units | None = None) -> None:
        super().__init__()
        self.price = price


class ProviderFunds(ProviderError):
    """The operator's own account at the provider is empty."""

    reason = "provider_funds"


class BadKey(ProviderError):
    reason = "bad_key"


class BadRequest(ProviderError):
    """The provider does not know what we asked for."""

    reason = "bad_request"


class Gone(ProviderError):
    """The provider no longer knows the number."""

    reason = "gone"


class Denied(ProviderError):
    """The number's state at the provider does not allow it: a code has come, or it is closed."""

    reason = "denied"


class CancelTooEarly(ProviderError):
    """`at` is when the provider will take the cancel, where it says so."""

    permanent = False
    reason = "cancel_too_early"

    def __init__(self, at: Ms | None = None) -> None:
        super().__init__()
        self.at = at


class Throttled(ProviderError):
    permanent = False
    reason = "throttled"

    def __init__(self, retry_after_s: float = 5.0) -> None:
        super().__init__(f"for {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class ProviderFault(ProviderError):
    """No usable answer: down, too slow, or garbage."""

    permanent = False
    reason = "provider_fault"


class NoAnswer(ProviderFault):
    """It may have happened: the provider's own state tells, in a while."""
