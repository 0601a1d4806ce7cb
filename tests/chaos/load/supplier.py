"""The supplier's side: SMS at a steady rate, whatever becomes of them, and a webhook for each."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence

import httpx

from bot.providers.sandbox.notify import Notification
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.signature import sign
from tests.chaos.load.chats import Codes
from tests.chaos.load.town import Resident

RETRY_S = 0.5
ATTEMPTS = 40


def codes(seed: int) -> Callable[[], str]:
    """Codes of six digits, none twice in 900,000."""
    places = itertools.count(seed * 7_919)
    return lambda: str(100_000 + next(places) * 101_009 % 900_000)


class Webhooks:
    """Posts each SMS until it is taken; `answer_s` holds the time of every answer, `statuses` what it was."""

    def __init__(self, client: httpx.AsyncClient, secret: str, known: Codes) -> None:
        self._client = client
        self._secret = secret
        self._known = known
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self.answer_s: list[float] = []
        self.statuses: dict[str, int] = {}
        self.given_up = 0

    def __call__(self, notification: Notification) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(notification))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def done(self, within_s: float) -> None:
        """Wait for those under way; who is not done by then is cut off."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=within_s)
            for task in late:
                task.cancel()

    async def _deliver(self, notification: Notification) -> None:
        body = notification.body()
        code = notification.sms.text.partition(" ")[0]
        for _ in range(ATTEMPTS):
            if await self._post(notification.id, body):
                self._known.take(code, time.monotonic())
                return
            await asyncio.sleep(RETRY_S)
        self.given_up += 1

    async def _post(self, message_id: str, body: bytes) -> bool:
        headers = {"content-type": "application/json", **sign(self._secret, message_id, int(time.time()), body)}
        began = time.monotonic()
        try:
            answer = await self._client.post(self.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            self._count(type(error).__name__)
            return False
        self.answer_s.append(time.monotonic() - began)
        self._count(str(answer.status_code))
        return answer.is_success

    def _count(self, status: str) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1


async def rain(
    world: SandboxWorld, residents: Sequence[Resident], known: Codes, *, rate: float, seconds: float, seed: int
) -> None:
    """`rate` SMS a second, each to somebody: everybody gets as many as the others, in an order of chance."""
    chance, next_code = random.Random(seed), codes(seed)
    round_: list[Resident] = []
    began = time.monotonic()
    for place in range(int(rate * seconds)):
        if not round_:
            round_ = chance.sample(list(residents), len(residents))
        await asyncio.sleep(max(0.0, began + place / rate - time.monotonic()))
        to, code = round_.pop(), next_code()
        known.sent_at[code], known.chat_of[code] = time.monotonic(), to.id
        assert world.receive(to.phone, "WhatsApp", f"{code} is your WhatsApp code") is not None
