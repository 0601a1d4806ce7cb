"""What `check` says of webhooks: the address to paste, and what is to be set on either side."""

from typing import Any

import pytest

from bot.config import load
from bot.config.provider import KINDS, SIGNS
from bot.providers.advice import advise
from bot.providers.build import Builder

SECRET = "path-secret-0123456789"
PUBLIC = {"PUBLIC_URL": "https://bot.example.org/sms"}
HERO = {"KIND": "handler_api", "DIALECT": "hero", "URL": "https://hero.example", "API_KEY": "k"}
REST = {"KIND": "rest", "URL": "https://rest.example", "API_KEY": "k"}
SET_UP: dict[str, dict[str, str]] = {
    "sandbox": {"KIND": "sandbox"},
    "handler_api": HERO,
    "fivesim": {"KIND": "fivesim", "API_KEY": "k"},
    "rest": REST,
}


async def advice(options: dict[str, str], **settings: str) -> list[str]:
    environ = {f"PROVIDERS__ACME__{name}": value for name, value in options.items()}
    config = load(environ | settings, None)
    registry = Builder(lambda: 0).build(config.providers)
    provider = registry.get("acme")
    assert provider is not None
    lines = list(advise("acme", provider.capabilities.webhooks, config))
    await registry.aclose()
    assert [line for line in lines if len(line) > 120] == []
    return lines


async def test_the_kinds_that_sign_are_the_same_in_the_settings_and_in_the_adapters():
    signing = set()
    for kind in KINDS:
        config = load({f"PROVIDERS__ACME__{name}": value for name, value in SET_UP[kind].items()}, None)
        registry = Builder(lambda: 0).build(config.providers)
        webhooks = next(iter(registry)).capabilities.webhooks
        if webhooks is not None and webhooks.signed:
            signing.add(kind)
        await registry.aclose()
    assert signing == set(SIGNS)


async def test_the_address_is_told_whole_with_the_event_to_choose():
    lines = await advice(HERO | {"WEBHOOK_SECRET": SECRET}, **PUBLIC)
    assert lines == [
        "paste this address at the provider for its event sms-incoming, and keep it secret:",
        f"https://bot.example.org/sms/hooks/acme/{SECRET}",
        "it documents where they come from; to refuse all others, set "
        "PROVIDERS__ACME__WEBHOOK_FROM=84.32.223.53,185.138.88.87",
        "it does not sign them, so each is a hint, after which the provider is asked",
    ]


async def test_the_suggested_sources_are_a_setting_that_can_be_read():
    [line] = [line for line in await advice(HERO | {"WEBHOOK_SECRET": SECRET}, **PUBLIC) if "WEBHOOK_FROM" in line]
    value = line.partition("WEBHOOK_FROM=")[2]
    lines = await advice(
        HERO | {"WEBHOOK_SECRET": SECRET, "WEBHOOK_FROM": value}, TRUSTED_PROXIES="127.0.0.1", **PUBLIC
    )
    assert "WEBHOOK_FROM" not in " ".join(lines)


@pytest.mark.parametrize(
    ("options", "settings", "says"),
    [
        ({}, PUBLIC, ["set PROVIDERS__ACME__WEBHOOK_SECRET to have them"]),
        ({"WEBHOOK_SECRET": SECRET}, {}, ["set PUBLIC_URL to have them"]),
        ({}, {}, ["set PUBLIC_URL and PROVIDERS__ACME__WEBHOOK_SECRET to have them"]),
        ({"WEBHOOK_SECRET": SECRET}, {"PUBLIC_URL": "http://bot.example.org"}, ["PUBLIC_URL is not https"]),
        (
            {"WEBHOOK_SECRET": SECRET, "WEBHOOK_FROM": "84.32.0.0/16"},
            PUBLIC,
            ["from 185.138.88.87 too, which WEBHOOK_FROM does not have", "set TRUSTED_PROXIES to its address"],
        ),
    ],
)
async def test_what_is_missing_is_named(options: dict[str, str], settings: dict[str, Any], says: list[str]):
    lines = await advice(HERO | options, **settings)
    for words in says:
        assert [line for line in lines if words in line], lines
    if "to have them" in says[0]:
        assert SECRET not in " ".join(lines)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "each is a hint, after which the provider is asked, until PROVIDERS__ACME__WEBHOOK_SIGNING_SECRET is set"),
        ({"WEBHOOK_SIGNING_SECRET": "signing-0123456789"}, "believed when signed no more than 5 minutes off"),
    ],
)
async def test_a_signing_provider_s_secret_is_asked_for_and_its_limit_named(more: dict[str, str], says: str):
    lines = await advice(REST | {"WEBHOOK_SECRET": SECRET} | more, **PUBLIC)
    assert lines[0] == "paste this address at the provider for its event sms.received, and keep it secret:"
    assert says in lines[-1]
    assert "signing-0123456789" not in " ".join(lines)


async def test_a_provider_without_webhooks_is_said_to_have_none():
    fivesim = SET_UP["fivesim"]
    assert await advice(fivesim, **PUBLIC) == ["it sends none, and is polled"]
    [line] = await advice(fivesim | {"WEBHOOK_SECRET": SECRET}, **PUBLIC)
    assert line == "it sends none, and is polled; WEBHOOK_SECRET does nothing here"
