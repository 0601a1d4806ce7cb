"""The line to Telegram: one PTB application, its requests, its way of getting updates, and its end."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from telegram.error import BadRequest, InvalidToken, TelegramError
from telegram.ext import Application, ExtBot

from bot.domain.time import Ms, is_within
from handlers.order import OrderedByChat
from handlers.pace import Claim, Pace
from handlers.request import WatchedRequest
from handlers.router import App
from handlers.updates import KINDS, NoUpdate, read

log = logging.getLogger(__name__)

RETRY_S = 5.0
FAREWELL_S = 2.0
"""For telling Telegram which updates we have; those that it is not told of come again, and are done once."""
POLL_TIMEOUT_S = 25
SILENT_FOR_MS = 90_000
"""A long poll answers at least every POLL_TIMEOUT_S; PTB's poller can die without saying so."""


class TokenRefused(Exception):
    """Telegram does not know the token; the text is a line for the operator."""


@dataclass(frozen=True, slots=True)
class LineSettings:
    """`webhook_url` None: updates are fetched by long poll. `client` makes the keywords of one HTTP client."""

    token: str = field(repr=False)
    api_url: str
    rate: float
    webhook_url: str | None
    client: Callable[[], dict[str, Any]]
    clock: Callable[[], Ms]
    hook: Callable[[str], None] | None = None

    @property
    def webhook_secret(self) -> str:
        """Made from the token, so that there is nothing to configure and it stays the same."""
        return hmac.new(self.token.encode(), b"telegram webhook", hashlib.sha256).hexdigest()[:48]


class Line:
    def __init__(self, settings: LineSettings) -> None:
        self._settings = settings
        self._request = WatchedRequest(settings.client(), settings.clock, settings.hook)
        self._updates = OrderedByChat()
        self._polling = WatchedRequest(settings.client(), settings.clock, settings.hook)
        self.pace = Pace(settings.rate)
        bot: ExtBot[Claim] = ExtBot(
            settings.token,
            base_url=f"{settings.api_url}/bot",
            base_file_url=f"{settings.api_url}/file/bot",
            request=self._request,
            get_updates_request=self._polling,
            rate_limiter=self.pace,
        )
        builder = Application.builder().bot(bot).concurrent_updates(self._updates)
        if settings.webhook_url is not None:
            builder = builder.updater(None)
        self.app: App = builder.build()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def bot(self) -> Any:
        return self.app.bot

    @property
    def webhook_secret(self) -> str:
        return self._settings.webhook_secret

    def last_ok_at(self) -> Ms | None:
        """When Telegram last answered with success; with a webhook, any request counts."""
        seen = [at for at in (self._request.last_ok_at, self._polling.last_ok_at) if at is not None]
        return max(seen, default=None)

    async def connect(self) -> None:
        """Make sure of the token, waiting for Telegram as long as it takes. Raises TokenRefused."""
        while True:
            try:
                await self.app.initialize()
            except InvalidToken:
                raise TokenRefused(
                    "Telegram refuses BOT_TOKEN. Copy it again from @BotFather (/mybots, API Token), whole."
                ) from None
            except TelegramError as error:  # an answer that makes no sense too: a portal, a gateway's page
                log.warning("Telegram cannot be reached yet (%s); trying again", type(error).__name__)
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def start(self) -> None:
        await self.app.start()
        if self._settings.webhook_url is None:
            await self._start_polling()
        else:
            await self._set_webhook(self._settings.webhook_url)
        self._watcher = asyncio.create_task(self._watch(), name="telegram watch")

    async def _start_polling(self) -> None:
        if self.app.updater is not None:
            await self.app.updater.start_polling(
                timeout=POLL_TIMEOUT_S,
                allowed_updates=KINDS,
                bootstrap_retries=-1,
                drop_pending_updates=False,
                error_callback=self._polling_failed,
            )

    def _polling_failed(self, error: TelegramError) -> None:
        log.warning("fetching updates failed: %s", type(error).__name__)

    async def _set_webhook(self, url: str) -> None:
        while True:
            try:
                await self.bot.set_webhook(
                    url, allowed_updates=KINDS, secret_token=self._settings.webhook_secret, drop_pending_updates=False
                )
            except TelegramError as error:
                why = error.message if isinstance(error, BadRequest) else type(error).__name__
                log.warning("Telegram did not take the webhook (%s); trying again", why)
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _watch(self) -> None:
        """Start a dead poller again; ask for a sign of life where a webhook leaves the line silent."""
        while True:
            await asyncio.sleep(SILENT_FOR_MS / 3000)
            try:
                await self._revive()
            except TelegramError as error:
                log.warning("Telegram does not answer: %s", type(error).__name__)
            except Exception:  # whatever it was, the next look may find a poller that can be started
                log.exception("the line to Telegram could not be looked after")

    async def _revive(self) -> None:
        if self._settings.webhook_url is not None:
            await self.bot.get_webhook_info()
            return
        last = self._polling.last_ok_at or 0
        if self.app.updater is not None and not is_within(SILENT_FOR_MS, last, self._settings.clock()):
            log.warning("no updates were fetched for a while: starting the poller again")
            await self._stop_polling()
            await self._start_polling()

    async def take(self, body: bytes) -> bool:
        """An update from the webhook, worked through before this returns; False when it came too late for that.

        One that cannot be read is taken too, or Telegram would send it again and again, before all others of its chat.
        Raises ValueError for no update.
        """
        try:
            update = read(json.loads(body), self.bot)
        except RecursionError:
            raise NoUpdate from None
        if update is None:
            return True
        if self._updates.closed:
            return False
        await self.app.update_processor.process_update(update, self.app.process_update(update))
        return True

    async def stop_intake(self) -> None:
        """Fetch no more; what the webhook brings is still worked through until `stop`."""
        if self._watcher is not None:
            self._watcher.cancel()
        await self._stop_polling()

    async def _stop_polling(self) -> None:
        if self.app.updater is not None and self.app.updater.running:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self.app.updater.stop()

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Let updates under way end, for `timeout_s` at most: a press that is cut off can be made again."""
        await self.stop_intake()
        if self.app.running:
            end = asyncio.get_running_loop().call_later(timeout_s, self._updates.cut_off)
            await self.app.stop()
            end.cancel()
        self._updates.closed = True
        await self.app.shutdown()
        # PTB leaves them open where its own initialization failed.
        await asyncio.gather(self._request.shutdown(), self._polling.shutdown())
