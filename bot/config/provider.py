"""The settings of one provider: `PROVIDERS__<NAME>__<OPTION>`."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from bot.config.networks import Networks
from bot.config.values import Amount, Currency, Key, SigningSecret, Url, WebhookSecret, is_currency
from bot.domain.money import ONE

KINDS: tuple[str, ...] = ("sandbox", "handler_api", "fivesim", "rest")
"""What KIND may be; a new adapter adds its own here."""
DIALECTS: tuple[str, ...] = ("sms-activate", "hero", "tiger", "smsbower", "generic", "grizzly")
"""What DIALECT may be for handler_api: the rows of bot/providers/handler_api/dialects.py, which a test holds equal."""
_NEED_URL = ("handler_api", "rest")
_NEED_KEY = ("handler_api", "fivesim", "rest")
SIGNS: tuple[str, ...] = ("sandbox", "rest")
"""The kinds that sign their webhooks, which a test holds equal to the adapters' own word."""


def _kind(value: str) -> str:
    kind = value.lower()
    if kind not in KINDS:
        raise ValueError(f"is not a kind of provider that this version knows: use one of {', '.join(KINDS)}")
    return kind


def _needs(info: ValidationInfo, kinds: tuple[str, ...], value: object, what: str) -> None:
    kind = info.data.get("kind")
    if kind in kinds and value is None:
        raise ValueError(f"is missing: KIND={kind} needs {what}")


class ProviderConfig(BaseModel):
    """One provider. `currency` and `rate` are always set once `load` has returned."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Annotated[str, AfterValidator(_kind)]
    url: Url | None = Field(default=None, repr=False, validate_default=True)
    """None: the adapter's own default; for the sandbox: inside this process."""
    api_key: Key | None = Field(default=None, validate_default=True)
    dialect: Annotated[str | None, Field(validate_default=True)] = None
    """Of handler_api: which member of the family it is."""
    currency: Currency = ""
    """Of the provider's prices; where it is not set, the installation's."""
    rate: Annotated[Decimal, Field(gt=0, le=10**9, allow_inf_nan=False)] = Decimal(1)
    """What one unit of the provider's currency costs in ours."""
    webhook_secret: WebhookSecret | None = None
    """The end of the path that its webhooks come to; None: it has none."""
    webhook_signing_secret: SigningSecret | None = None
    """What it signs them with; None: they are hints."""
    webhook_from: Networks = ()
    """Where they come from; empty: anywhere."""
    low_balance: Amount = 5 * ONE
    """Of its own currency: the admins are told when less is left there; 0: they are not."""
    max_in_flight: Annotated[int, Field(ge=1, le=1000)] = 8
    timeout_s: Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)] = 20.0
    """Of one call, from its start to the last byte of its answer."""

    @field_validator("url")
    @classmethod
    def _url_is_said(cls, value: str | None, info: ValidationInfo) -> str | None:
        _needs(info, _NEED_URL, value, "the provider's address, such as https://hero-sms.com")
        return value

    @field_validator("api_key")
    @classmethod
    def _key_is_said(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        _needs(info, _NEED_KEY, value, "the key that the provider shows in its account settings")
        return value

    @field_validator("dialect")
    @classmethod
    def _dialect_is_known(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("kind") != "handler_api":
            return value
        one_of = f"one of {', '.join(DIALECTS)}; generic asks least of a provider"
        if value is None:
            raise ValueError(f"is missing: KIND=handler_api needs {one_of}")
        if value.lower() not in DIALECTS:
            raise ValueError(f"is not a dialect that this version knows: use {one_of}")
        return value.lower()

    @field_validator("webhook_signing_secret")
    @classmethod
    def _signatures_are_known(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        kind = info.data.get("kind", SIGNS[0])
        if value is not None and kind not in SIGNS:
            raise ValueError(f"is of no use, since KIND={kind} signs nothing: remove it")
        return value

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """Each is enough; two while one takes the other's place."""
        secret = self.webhook_signing_secret
        return tuple(secret.get_secret_value().split()) if secret else ()

    @field_validator("rate", mode="before")
    @classmethod
    def _rate_is_said(cls, value: object) -> object:
        if value is None:
            raise ValueError("is missing, and prices are not in CURRENCY: say what one unit costs in it, such as 1.08")
        return value


def in_currency_of(installation: str, provider: object) -> object:
    """The raw settings of a provider with `currency` filled in, and `rate` None where it has to be said."""
    raw = provider.model_dump(exclude_unset=True) if isinstance(provider, ProviderConfig) else provider
    if not isinstance(raw, dict):
        return raw
    currency = str(raw.get("currency") or installation).upper()
    foreign = currency != installation and is_currency(currency)
    return raw | {"currency": currency} | ({"rate": raw.get("rate")} if foreign else {})
