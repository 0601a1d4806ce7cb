"""The webhook: each chat's updates posted in order, tried again until the endpoint answers 2xx."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from bot.demo.telegram.errors import ApiError, bad_request, too_many_requests
from bot.demo.telegram.params import Params
from bot.demo.telegram.updates import Update, UpdateQueue

Post = Callable[[str, dict[str, str], bytes], Awaitable[int]]
"""(url, headers, body) -> HTTP status. Raising anything means that the endpoint could not be reached."""

SECRET_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
LONGEST_RETRY_S = 60.0


class Webhook:
    def __init__(self, queue: UpdateQueue, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock
        self._lanes: dict[int, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(40)
        self._next_set_at = 0.0
        self._error: tuple[int, str] | None = None
        self.post: Post | None = None
        """How to reach the bot's endpoint; without it a webhook cannot be set."""
        self.url = ""
        self.secret = ""
        self.max_connections = 40
        self.set_interval_s = 1.0
        """setWebhook more often than this is refused with 429."""
        self.first_retry_s = 1.0
        """The pause after a failed delivery; it doubles up to a minute."""

    def set(self, params: Params) -> str:
        """setWebhook; the description of the result. The updates that wait are delivered first."""
        url, secret = params.text("url"), params.text("secret_token")
        if not url:
            return self.delete(params)
        now = self._clock()
        if now < self._next_set_at:
            raise too_many_requests(1)
        self._next_set_at = now + self.set_interval_s
        self._check(url, secret)
        connections = params.number("max_connections", 40, 1, 100)
        same = (url, secret, connections) == (self.url, self.secret, self.max_connections)
        if same and not params.flag("drop_pending_updates"):
            return "Webhook is already set"
        self._queue.interrupt(ApiError(409, "Conflict: terminated by setWebhook request"))
        self._stop(params)
        self.url, self.secret, self.max_connections = url, secret, connections
        self._slots = asyncio.Semaphore(connections)
        self._queue.on_update = self._enqueue
        for update in self._queue.pending():
            self._enqueue(update)
        return "Webhook was set"

    def delete(self, params: Params) -> str:
        """deleteWebhook; undelivered updates wait for the next getUpdates."""
        was_set = bool(self.url)
        self._stop(params)
        return "Webhook was deleted" if was_set else "Webhook is already deleted"

    def info(self) -> dict[str, Any]:
        """A WebhookInfo object."""
        info: dict[str, Any] = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._queue.pending()),
        }
        if self._error is not None:
            info["last_error_date"], info["last_error_message"] = self._error
        if self.url:
            info["max_connections"] = self.max_connections
            info["ip_address"] = "127.0.0.1"
        if self._queue.allowed is not None:
            info["allowed_updates"] = sorted(self._queue.allowed)
        return info

    async def close(self) -> None:
        """Stop delivering; what was not delivered stays in the queue."""
        tasks = tuple(self._tasks)
        self._halt()
        await asyncio.gather(*tasks, return_exceptions=True)

    def resume(self) -> None:
        """Deliver again after `close`."""
        if self.url and not self._lanes:
            for update in self._queue.pending():
                self._enqueue(update)

    def _check(self, url: str, secret: str) -> None:
        if not _is_web_address(url):
            raise bad_request("invalid webhook URL specified")
        if len(secret) > 256:
            raise bad_request("secret token is too long")
        if set(secret) - SECRET_CHARACTERS:
            raise bad_request("secret token contains unallowed characters")
        if self.post is None:
            raise bad_request("bad webhook: this server has no way to post")

    def _stop(self, params: Params) -> None:
        self._halt()
        self._queue.on_update = None
        self.url, self.secret, self._error = "", "", None
        if params.flag("drop_pending_updates"):
            self._queue.clear()

    def _halt(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._lanes.clear()

    def _enqueue(self, update: Update) -> None:
        lane = self._lanes.get(update.lane)
        if lane is not None:
            lane.append(update)
            return
        lane = self._lanes[update.lane] = deque([update])
        task = asyncio.create_task(self._run(update.lane, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, name: int, lane: deque[Update]) -> None:
        while lane:
            await self._deliver(lane[0])
            self._queue.delivered(lane.popleft().id)
        del self._lanes[name]

    async def _deliver(self, update: Update) -> None:
        body = json.dumps(update.body, ensure_ascii=False).encode()
        pause_s = self.first_retry_s
        while not await self._attempt(body):
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_RETRY_S)

    async def _attempt(self, body: bytes) -> bool:
        headers = {"Content-Type": "application/json"}
        if self.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.secret
        assert self.post is not None  # noqa: S101 - `set` refuses without it
        async with self._slots:
            (status,) = await asyncio.gather(self.post(self.url, headers, body), return_exceptions=True)
        if isinstance(status, int) and 200 <= status < 300:
            return True
        why = f"Wrong response from the webhook: {status}" if isinstance(status, int) else "Connection failed"
        self._error = (int(self._clock()), why)
        return False


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
