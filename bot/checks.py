"""`main.py check`: the configuration as it is understood, and whether everything that it names answers."""

import asyncio
from collections.abc import Callable

from pydantic import SecretStr
from telegram.error import InvalidToken, TelegramError

from bot.clients import ClientSettings, ProxyUnusable, proxy_for, telegram_httpx_kwargs
from bot.config import Config
from bot.domain.addresses import written
from bot.domain.errors import ProviderError
from bot.domain.money import to_decimal
from bot.keeping import newest_backup
from bot.programs import served_at
from bot.providers.advice import advise
from bot.providers.base import Provider
from bot.providers.build import Builder
from bot.services.clock import now_ms
from handlers.line import Line, LineSettings
from storage.db import Database, DatabaseUnusable, engine_version
from storage.lock import is_there
from storage.soundness import examine

WITHIN_S = 15.0

Say = Callable[[str], None]


async def report(config: Config, say: Say = print) -> bool:
    """Print everything; True when the program can run as configured."""
    say("Configuration")
    for name, value in config.redacted():
        say(f"  {name} = {value}")
    say("")
    results = [await _database(config, say)]
    say(newest_backup(config))
    _api(config, say)
    results.append(await _telegram(config, say))
    results += await _providers(config, say)
    return all(results)


async def _database(config: Config, say: Say) -> bool:
    version, flawed = engine_version()
    note = " (before 3.51.3: safe here, because only one connection writes)" if flawed else ""
    say(f"SQLite {version}{note}")
    path = config.database_path
    try:
        if not is_there(path):
            say(f"Database {path}: not there yet, made at the first start")
            return True
        async with await Database.open(path, exclusive=False):
            say(f"Database {path}: fine, schema {await examine(path)}")
    except DatabaseUnusable as error:
        say(f"Database: {error}")
        return False
    return True


def _api(config: Config, say: Say) -> None:
    if config.api == "off":
        say("API: off, and with it /apikey and /webhooks; API=on serves it")
        return
    address = served_at(config, config.http_port) if config.http_port or config.public_url else "a port not yet known"
    say(f"API: on, at {address}, described at /docs; {config.api_rate:g} calls a second for each key")
    allowed = ", ".join(map(written, config.webhook_allow))
    also = f" and, by WEBHOOK_ALLOW, to {allowed}" if allowed else ", and to no other"
    say(f"  People's webhooks: to public addresses over https{also}")


async def _telegram(config: Config, say: Say) -> bool:
    if config.bot_token is None:
        say("Telegram: BOT_TOKEN is not set, so 'make run' starts the demo")
        return True
    try:
        proxy = proxy_for(config.telegram_api_url)
    except ProxyUnusable as error:
        say(f"Telegram: {error}")
        return False
    return await _line(config, ClientSettings(connect_timeout_s=WITHIN_S / 2, proxy=proxy), config.bot_token, say)


async def _line(config: Config, settings: ClientSettings, token: SecretStr, say: Say) -> bool:
    line = Line(
        LineSettings(
            token=token.get_secret_value(),
            api_url=config.telegram_api_url.rstrip("/"),
            rate=config.telegram_rate,
            webhook_url=None,
            client=lambda: telegram_httpx_kwargs(settings),
            clock=now_ms,
        )
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            await line.app.initialize()
            say(f"Telegram: answers as @{line.bot.username}")
    except InvalidToken:
        say("Telegram: refuses BOT_TOKEN. Copy it again from @BotFather (/mybots, API Token), whole.")
        return False
    except (TelegramError, TimeoutError) as error:
        say(f"Telegram: does not answer ({type(error).__name__}). Check the network and TELEGRAM_API_URL.")
        return False
    finally:
        await line.stop()
    return True


async def _providers(config: Config, say: Say) -> list[bool]:
    if not config.providers:
        say("Providers: none is set up, so nothing can be sold; see PROVIDERS in .env.example")
        return [True]
    try:
        registry = Builder(now_ms).build(config.providers)
    except ProxyUnusable as error:
        say(f"Providers: {error}")
        return [False]
    try:
        return [await _provider(one, config, say) for one in registry]
    finally:
        await registry.aclose()


async def _provider(provider: Provider, config: Config, say: Say) -> bool:
    answers = await _balance(provider, config, say)
    for place, line in enumerate(advise(provider.name, provider.capabilities.webhooks, config)):
        say(f"    {line}" if place else f"  Webhooks: {line}")
    return answers


async def _balance(provider: Provider, config: Config, say: Say) -> bool:
    settings = config.providers[provider.name]
    try:
        async with asyncio.timeout(WITHIN_S):
            balance = await provider.balance()
    except (ProviderError, TimeoutError) as error:
        reason = error.reason if isinstance(error, ProviderError) else "no answer in time"
        say(f"Provider {provider.name} ({settings.kind}): {reason}")
        return False
    low = ", below its LOW_BALANCE" if balance < settings.low_balance else ""
    say(f"Provider {provider.name} ({settings.kind}): answers, balance {to_decimal(balance)} {settings.currency}{low}")
    return True
