"""How the program is rigged: what tests set otherwise, and how it speaks with Telegram."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.clients import ClientSettings, proxy_for, telegram_httpx_kwargs
from bot.config import Config
from bot.scheduler import INTERVALS_S
from bot.services.clock import Clock, SteadyClock
from bot.services.rhythm import Sweep, Timing
from bot.web.routes import TELEGRAM_PATH
from handlers.line import LineSettings
from storage.connection import LOCK_WAIT_S


@dataclass(frozen=True, slots=True)
class Rig:
    """What tests set otherwise: shorter spans, their own clock, and a hook at every commit and request."""

    timing: Timing = field(default_factory=Timing)
    intervals_s: Mapping[Sweep, float] = field(default_factory=lambda: INTERVALS_S)
    clock: Clock = field(default_factory=SteadyClock)
    hook: Callable[[str], None] | None = None
    synchronous: str = "FULL"
    lock_wait_s: float = LOCK_WAIT_S


def line_settings(config: Config, rig: Rig) -> LineSettings:
    token = config.bot_token.get_secret_value() if config.bot_token else ""
    webhook = f"{config.public_url}{TELEGRAM_PATH}" if config.telegram_mode == "webhook" else None
    client = ClientSettings(max_connections=32, proxy=proxy_for(config.telegram_api_url))
    return LineSettings(
        token=token,
        api_url=config.telegram_api_url.rstrip("/"),
        rate=config.telegram_rate,
        webhook_url=webhook,
        client=lambda: telegram_httpx_kwargs(client),
        clock=rig.clock,
        hook=rig.hook,
    )
