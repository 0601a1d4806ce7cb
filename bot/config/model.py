"""The one value that holds all settings."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.config import values as v
from bot.config.networks import Proxies, Reachable
from bot.config.provider import ProviderConfig, in_currency_of
from bot.domain.addresses import written
from bot.domain.money import ONE, to_decimal
from bot.domain.people import Limits

Rate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Config(BaseSettings):
    """Every setting, checked. `load` builds it; by itself it reads neither the environment nor a file."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_nested_delimiter="__", hide_input_in_errors=True)

    bot_token: v.BotToken | None = None
    """None: the demo."""
    telegram_api_url: v.Url = Field(default="https://api.telegram.org", repr=False)
    public_url: v.PublicUrl | None = None
    telegram_mode: v.TelegramMode = "polling"
    telegram_rate: Rate = 30.0
    """Messages per second over all chats."""

    http_host: v.Host = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """0: any free one."""
    trusted_proxies: Proxies = ()
    """Whose word about a client's address is taken; empty: nobody's."""
    database_url: v.DatabaseUrl = "sqlite:///data/codepigeon.db"
    sms_retention_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """0: kept for ever."""
    backup_dir: v.Folder | None = None
    """None: `backups` beside the database."""
    backup_keep: Annotated[int, Field(ge=0, le=3_650)] = 7
    """Days; 0: none are made."""

    api: v.Switch = "off"
    """The HTTP API, and with it keys in the chat."""
    api_rate: Rate = 10.0
    """Calls a second for each key."""
    webhook_allow: Reachable = ()
    """Networks that are not public, to which people's webhooks may go all the same, also without TLS."""

    admin_ids: v.UserIds = frozenset()
    access: v.Access = "private"
    billing: v.Billing = "off"
    currency: v.Currency = "USD"
    markup_percent: Annotated[Decimal, Field(ge=0, le=1_000, allow_inf_nan=False)] = Decimal(0)
    """What people pay on top of the cost, of a hundred."""
    topup_text: str = ""
    demo_balance: v.Amount = 25 * ONE
    """In units of `currency`: what a person of the demo starts with."""
    limit_active_numbers: Count = 10
    limit_purchases_per_minute: Count = 5
    limit_purchases_per_day: Count = 100

    log_format: v.LogFormat = "text"
    log_level: v.LogLevel = "INFO"

    providers: dict[str, ProviderConfig] = {}
    """By name, in lower case, as it stands in paths and tables."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @field_validator("telegram_mode")
    @classmethod
    def _webhook_needs_an_address(cls, mode: str, info: ValidationInfo) -> str:
        # A PUBLIC_URL that is itself wrong is not in info.data, and has its own sentence.
        if mode == "webhook" and "public_url" in info.data:
            url = info.data["public_url"] or ""
            if not url.startswith("https://"):
                raise ValueError(
                    "is webhook, for which Telegram must reach PUBLIC_URL over https: "
                    "set PUBLIC_URL=https://bot.example.org, or use polling"
                )
        return mode

    @field_validator("providers", mode="before")
    @classmethod
    def _currency_is_ours_unless_said(cls, providers: object, info: ValidationInfo) -> object:
        # A CURRENCY that is itself wrong is not in info.data, and has its own sentence.
        if not isinstance(providers, dict) or "currency" not in info.data:
            return providers
        return {name: in_currency_of(info.data["currency"], provider) for name, provider in providers.items()}

    @property
    def database_path(self) -> Path:
        """Relative to the working directory, unless DATABASE_URL has four slashes."""
        return Path(v.database_path(self.database_url))

    @property
    def backup_path(self) -> Path:
        """The folder of backups."""
        return Path(self.backup_dir) if self.backup_dir else self.database_path.parent / "backups"

    @property
    def limits(self) -> Limits:
        return Limits(
            active_numbers=self.limit_active_numbers,
            purchases_per_minute=self.limit_purchases_per_minute,
            purchases_per_day=self.limit_purchases_per_day,
        )

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not be printed: keys, tokens, and credentials inside addresses."""
        found: dict[str, None] = {}
        for name, value in self._settings():
            if isinstance(value, SecretStr):
                found.update(dict.fromkeys(value.get_secret_value().split()))  # two while one is being changed
            elif name.endswith("URL") and isinstance(value, str):
                found.update(dict.fromkeys(v.credentials_of(value)))
        return tuple(found)

    def redacted(self) -> list[tuple[str, str]]:
        """Every variable and its value as it can be shown to anyone."""
        return [(name, _shown(name, value)) for name, value in self._settings()]

    def _settings(self) -> Iterator[tuple[str, object]]:
        for field in type(self).model_fields:
            if field != "providers":
                yield field.upper(), getattr(self, field)
        for name, provider in self.providers.items():
            for option in ProviderConfig.model_fields:
                yield f"PROVIDERS__{name.upper()}__{option.upper()}", getattr(provider, option)


def _shown(name: str, value: object) -> str:
    if isinstance(value, SecretStr):
        return "****set****"
    if isinstance(value, frozenset):
        return ",".join(str(item) for item in sorted(value)) or "not set"
    if isinstance(value, tuple):
        return ",".join(written(network) for network in value) or "not set"
    if name.endswith("_BALANCE") and isinstance(value, int):
        return str(to_decimal(value))
    if name.endswith("URL") and isinstance(value, str):
        return v.without_credentials(value)
    if isinstance(value, float):
        return f"{value:g}"
    return "not set" if value is None or value == "" else str(value)
