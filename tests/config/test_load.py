"""What may be written, and what becomes of it."""

import dataclasses
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.config import Config, ConfigError, load
from bot.domain.people import Limits

TOKEN = "123456789:AAMarkerMarkerMarkerMarkerMarkerMa"
SECRET = "hook-secret_0123456789"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa+/0A=="


def test_nothing_at_all_is_a_configuration():
    config = load({}, None)
    assert config.bot_token is None
    assert config.telegram_api_url == "https://api.telegram.org"
    assert (config.http_host, config.http_port) == ("127.0.0.1", 8080)
    assert config.database_path == Path("data/codepigeon.db")
    assert (config.access, config.billing, config.currency) == ("private", "off", "USD")
    assert config.limits == Limits()
    assert config.demo_balance == 250_000
    assert config.providers == {}
    assert config.secrets() == ()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("TELEGRAM_API_URL", "http://127.0.0.1:8081/", "telegram_api_url", "http://127.0.0.1:8081"),
        ("TELEGRAM_MODE", "Polling", "telegram_mode", "polling"),
        ("TELEGRAM_RATE", "0.5", "telegram_rate", 0.5),
        ("PUBLIC_URL", "https://bot.example.org/x/", "public_url", "https://bot.example.org/x"),
        ("HTTP_HOST", "::1", "http_host", "::1"),
        ("HTTP_PORT", "0", "http_port", 0),
        ("TRUSTED_PROXIES", "127.0.0.1, ::1", "trusted_proxies", (ip_network("127.0.0.1"), ip_network("::1"))),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.0/104", "trusted_proxies", (ip_network("10.0.0.0/8"),)),
        ("DATABASE_URL", "sqlite:////var/lib/a.db", "database_path", Path("/var/lib/a.db")),
        ("DATABASE_URL", "sqlite:///a b.db", "database_path", Path("a b.db")),
        ("ADMIN_IDS", " 12, 34 ,12,", "admin_ids", frozenset({12, 34})),
        ("ACCESS", "open", "access", "open"),
        ("BILLING", "PREPAID", "billing", "prepaid"),
        ("CURRENCY", "rub", "currency", "RUB"),
        ("TOPUP_TEXT", "  Ask ${ALICE} #1  ", "topup_text", "Ask ${ALICE} #1"),
        ("LIMIT_ACTIVE_NUMBERS", "3", "limits", Limits(active_numbers=3)),
        ("LIMIT_PURCHASES_PER_MINUTE", "3", "limits", Limits(purchases_per_minute=3)),
        ("LIMIT_PURCHASES_PER_DAY", "3", "limits", Limits(purchases_per_day=3)),
        ("SMS_RETENTION_DAYS", "0", "sms_retention_days", 0),
        ("BACKUP_DIR", "/var/backups/a b", "backup_path", Path("/var/backups/a b")),
        ("DATABASE_URL", "sqlite:////var/lib/a.db", "backup_path", Path("/var/lib/backups")),
        ("BACKUP_KEEP", "0", "backup_keep", 0),
        ("MARKUP_PERCENT", "12.5", "markup_percent", Decimal("12.5")),
        ("MARKUP_PERCENT", "1000", "markup_percent", Decimal(1000)),
        ("DEMO_BALANCE", "99.5", "demo_balance", 995_000),
        ("LOG_FORMAT", "JSON", "log_format", "json"),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ],
)
def test_a_setting_is_read(name: str, text: str, field: str, value: object):
    assert getattr(load({name: text}, None), field) == value


@pytest.mark.parametrize("name", [name.upper() for name in Config.model_fields if name != "providers"])
def test_an_empty_value_means_unset(name: str):
    assert load({name: "  "}, None) == load({}, None)


def test_limits_have_a_setting_for_each_field():
    names = {f"limit_{field.name}" for field in dataclasses.fields(Limits)}
    assert names == {name for name in Config.model_fields if name.startswith("limit_")}


def test_a_provider_is_known_by_its_name_in_lower_case():
    config = load(
        {
            "PROVIDERS__Acme-1__KIND": "SANDBOX",
            "PROVIDERS__ACME-1__URL": "http://127.0.0.1:9/api/",
            "PROVIDERS__acme-1__API_KEY": " k1234567 ",
            "PROVIDERS__acme-1__CURRENCY": "eur",
            "PROVIDERS__acme-1__RATE": "1.08",
            "PROVIDERS__acme-1__WEBHOOK_SECRET": SECRET,
            "PROVIDERS__acme-1__WEBHOOK_SIGNING_SECRET": f" {WHSEC}  {SECRET} ",
            "PROVIDERS__acme-1__WEBHOOK_FROM": "192.0.2.7, 198.51.100.0/24,2001:db8::/32",
            "PROVIDERS__acme-1__MAX_IN_FLIGHT": "2",
            "PROVIDERS__acme-1__TIMEOUT_S": "1.5",
            "PROVIDERS__acme-1__DIALECT": "v2",
            "PROVIDERS__two__KIND": "sandbox",
            "PROVIDERS__empty__KIND": "",
        },
        None,
    )
    assert set(config.providers) == {"acme-1", "two"}
    acme = config.providers["acme-1"]
    assert (acme.kind, acme.url, acme.dialect) == ("sandbox", "http://127.0.0.1:9/api", "v2")
    assert acme.api_key is not None
    assert acme.api_key.get_secret_value() == "k1234567"
    assert (acme.currency, acme.rate, acme.max_in_flight, acme.timeout_s) == ("EUR", Decimal("1.08"), 2, 1.5)
    assert acme.signing_secrets == (WHSEC, SECRET)
    assert [str(network) for network in acme.webhook_from] == ["192.0.2.7/32", "198.51.100.0/24", "2001:db8::/32"]
    assert (config.providers["two"].signing_secrets, config.providers["two"].webhook_from) == ((), ())


def test_a_provider_without_a_currency_has_ours():
    config = load({"CURRENCY": "rub", "PROVIDERS__A__KIND": "sandbox"}, None)
    assert (config.providers["a"].currency, config.providers["a"].rate) == ("RUB", Decimal(1))


def test_the_environment_wins_over_the_file(tmp_path: Path):
    env_file = tmp_path / ".env"
    env_file.write_text(
        "HTTP_PORT=1111\nCURRENCY='EUR' # a comment\nexport ACCESS=open\n"
        "PROVIDERS__ACME__KIND=sandbox\nPROVIDERS__ACME__MAX_IN_FLIGHT=3\n"
    )
    config = load({"HTTP_PORT": "2222", "PROVIDERS__acme__MAX_IN_FLIGHT": "4", "ACCESS": ""}, env_file)
    assert (config.http_port, config.currency, config.access) == (2222, "EUR", "open")
    assert config.providers["acme"].max_in_flight == 4


def test_variables_of_others_in_the_environment_are_no_concern_of_ours(tmp_path: Path):
    assert load({"PATH": "/bin", "bot_token": "x", "TELEGRAM_MOD": "x"}, tmp_path / "absent") == load({}, None)


def test_the_real_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PORT", "4321")
    assert load(env_file=None).http_port == 4321


def test_a_value_of_the_file_is_taken_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/nowhere")
    (tmp_path / ".env").write_text("TOPUP_TEXT=pay ${HOME}\n")
    assert load({}, tmp_path / ".env").topup_text == "pay ${HOME}"


@pytest.mark.parametrize(
    ("name", "also", "secret"),
    [
        ("BOT_TOKEN", {}, TOKEN),
        ("PROVIDERS__Acme__API_KEY", {"PROVIDERS__ACME__KIND": "sandbox"}, "k1234567"),
        ("PROVIDERS__Acme__WEBHOOK_SECRET", {"PROVIDERS__ACME__KIND": "sandbox"}, SECRET),
        ("PROVIDERS__Acme__WEBHOOK_SIGNING_SECRET", {"PROVIDERS__ACME__KIND": "sandbox"}, WHSEC),
    ],
)
def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path, name: str, also: dict[str, str], secret: str):
    (tmp_path / "secret").write_text(f"\n {secret}\n\n")
    assert load({f"{name}_FILE": str(tmp_path / "secret"), **also}, None).secrets() == (secret,)


def test_a_configuration_cannot_be_changed():
    config = load({"PROVIDERS__A__KIND": "sandbox"}, None)
    with pytest.raises(ValidationError):
        config.http_port = 1
    with pytest.raises(ValidationError):
        config.providers["a"].kind = "other"


def test_every_secret_is_told_to_the_log_and_shown_to_nobody():
    config = load(
        {
            "BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": "http://alice:p%40ss-marker@127.0.0.1:8081",
            "PROVIDERS__A__KIND": "sandbox",
            "PROVIDERS__A__URL": "https://url-marker@example.org/x",
            "PROVIDERS__A__API_KEY": "key-marker",
            "PROVIDERS__A__WEBHOOK_SECRET": SECRET,
            "PROVIDERS__A__WEBHOOK_SIGNING_SECRET": f"{WHSEC} second-signing-marker",
        },
        None,
    )
    secrets = config.secrets()
    assert {TOKEN, "p%40ss-marker", "p@ss-marker", "url-marker", "key-marker", SECRET} <= set(secrets)
    assert {WHSEC, "second-signing-marker"} <= set(secrets), "each by itself, as it would be logged"
    shown = dict(config.redacted())
    assert shown["BOT_TOKEN"] == "****set****"
    assert shown["PUBLIC_URL"] == "not set"
    assert shown["TELEGRAM_API_URL"] == "http://****@127.0.0.1:8081"
    assert shown["PROVIDERS__A__URL"] == "https://****@example.org/x"
    for secret in secrets:
        assert secret not in f"{config!r} {config} {config.redacted()}"


def test_what_is_shown_covers_every_setting():
    sources = {"PROVIDERS__A__WEBHOOK_FROM": "192.0.2.7/32, 198.51.100.0/24"}
    shown = dict(load({"PROVIDERS__A__KIND": "sandbox", "ADMIN_IDS": "2,1", **sources}, None).redacted())
    assert {name.upper() for name in Config.model_fields} - {"PROVIDERS"} <= set(shown)
    assert shown["ADMIN_IDS"] == "1,2"
    assert shown["DEMO_BALANCE"] == "25"
    assert shown["PROVIDERS__A__WEBHOOK_FROM"] == "192.0.2.7,198.51.100.0/24"
    assert shown["TRUSTED_PROXIES"] == "not set"
    assert shown["PROVIDERS__A__API_KEY"] == "not set"


def test_an_error_of_the_configuration_holds_no_other_error():
    with pytest.raises(ConfigError) as caught:
        load({"BOT_TOKEN": "marker"}, None)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert str(caught.value) == "\n".join(caught.value.problems)
