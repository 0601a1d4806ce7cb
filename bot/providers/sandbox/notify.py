"""The sandbox's webhooks: one signed POST for each SMS, tried again while the receiver does not take it."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from bot.domain.time import SECOND, Ms
from bot.providers.sandbox.records import Received, as_json
from bot.providers.signature import sign

log = logging.getLogger(__name__)

EVENT_TYPE = "sms.received"


@dataclass(frozen=True, slots=True)
class Notification:
    id: str
    provider_ref: str
    sms: Received

    def body(self) -> bytes:
        event = {"id": self.id, "type": EVENT_TYPE, "provider_ref": self.provider_ref, "sms": as_json(self.sms)}
        return json.dumps(event, ensure_ascii=False).encode()


Notifier: TypeAlias = Callable[[Notification], None]


@dataclass(frozen=True, slots=True)
class Retries:
    """Waits of `first_s`, twice that, and so on up to `longest_s`; given up after `attempts`."""

    attempts: int = 8
    first_s: float = 0.5
    longest_s: float = 30.0

    def pause_s(self, attempt: int) -> float:
        return float(min(self.longest_s, self.first_s * 2**attempt))


def _system_clock() -> Ms:
    return int(time.time() * SECOND)


class WebhookNotifier:
    """Sends in the background; what is given up, or comes while `most_pending` wait, is left to polls."""

    def __init__(
        self,
        url: str,
        secret: str,
        client: httpx.AsyncClient,
        *,
        retries: Retries | None = None,
        timeout_s: float = 10.0,
        clock: Callable[[], Ms] = _system_clock,
        most_pending: int = 10_000,
        at_once: int = 8,
    ) -> None:
        self._url = url
        self._secret = secret
        self._client = client
        self._retries = retries or Retries()
        self._timeout_s = timeout_s
        self._clock = clock
        self._most_pending = most_pending
        self._slots = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, notification: Notification) -> None:
        if len(self._tasks) >= self._most_pending:
            log.warning("sandbox webhook dropped: %d are waiting", len(self._tasks))
            return
        task = asyncio.get_running_loop().create_task(self._deliver(notification))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def pending(self) -> int:
        return len(self._tasks)

    async def aclose(self) -> None:
        """Give up what is still to be sent."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, notification: Notification) -> None:
        body = notification.body()
        for attempt in range(self._retries.attempts):
            if attempt:
                await asyncio.sleep(self._retries.pause_s(attempt - 1))
            async with self._slots:
                if await self._post(notification.id, body):
                    return
        log.warning("sandbox webhook %s given up after %d attempts", notification.id, self._retries.attempts)

    async def _post(self, message_id: str, body: bytes) -> bool:
        headers = sign(self._secret, message_id, self._clock() // SECOND, body)
        headers["content-type"] = "application/json"
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, TimeoutError):
            return False
        return response.is_success
