"""A member's sender of webhooks: its retries, and what goes wrong with them on the way."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

SCHEDULES_S: Mapping[str, Sequence[float]] = {
    "sms-activate": (60, 120, 300, 600, 900, 1200, 1800, 2100),
    "hero": (20, 25, 30, 25, 30, 25, 30),
    "smsbower": (60, 300),
}
"""Waits before each retry; the first attempt is at once. Other members are not known to try again."""
TIMEOUT_S = 3.0


@dataclass
class WebhookSender:
    """`duplicates`: how often each event is sent again though it was taken. `shuffled`: out of order."""

    client: httpx.AsyncClient
    url: str
    dialect: str
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    duplicates: int = 0
    shuffled: bool = False
    seed: int = 1
    answers: list[int] = field(default_factory=list)
    """The status of each attempt; 0 where there was none in time."""

    async def send(self, events: Sequence[Mapping[str, object]]) -> int:
        """How many were taken in the end."""
        order = [event for event in events for _ in range(1 + self.duplicates)]
        if self.shuffled:
            random.Random(self.seed).shuffle(order)
        return sum([await self._deliver(event) for event in order])

    async def _deliver(self, event: Mapping[str, object]) -> bool:
        for wait_s in (0.0, *SCHEDULES_S.get(self.dialect, ())):
            if wait_s:
                await self.sleep(wait_s)
            if await self._attempt(event):
                return True
        return False

    async def _attempt(self, event: Mapping[str, object]) -> bool:
        body = json.dumps(event, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        try:
            answer = await self.client.post(self.url, content=body, headers=headers, timeout=TIMEOUT_S)
        except httpx.HTTPError:
            self.answers.append(0)
            return False
        self.answers.append(answer.status_code)
        return answer.status_code == 200
