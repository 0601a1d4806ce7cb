"""The settings of one provider: `PROVIDERS__<NAME>__<OPTION>`."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from bot.config.values import Currency, Key, Url, WebhookSecret, is_currency

KINDS: tuple[str, ...] = ("sandbox", "handler_api", "fivesim", "rest")
"""What KIND may be; a new adapter adds its own here."""
DIALECTS: tuple[str, ...] = ("sms-activate", "hero", "tiger", "smsbower", "generic", "grizzly")
"""What DIALECT may be for handler_api: the rows of bot/providers/handler_api/dialects.py, which a test holds equal."""
_NEED_URL = ("handler_api", "rest")
_NEED_KEY = ("handler_api", "fivesim", "rest")


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
