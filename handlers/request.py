"""PTB's HTTP requests over our own client: bounded as a whole, and noting when Telegram last answered."""

import asyncio
from collections.abc import Callable
from typing import Any

from telegram.error import TimedOut
from telegram.request import HTTPXRequest

from bot.domain.time import Ms
from handlers.updates import readable

LONGEST_S = 30.0
LONGEST_POLL_S = 75.0


class WatchedRequest(HTTPXRequest):
    """`hook` is called before and after each request; the kill tests end the process in it."""

    def __init__(
        self, httpx_kwargs: dict[str, Any], clock: Callable[[], Ms], hook: Callable[[str], None] | None = None
    ) -> None:
        super().__init__(httpx_kwargs=httpx_kwargs)
        self._clock = clock
        self._hook = hook or (lambda _point: None)
        self.last_ok_at: Ms | None = None

    async def do_request(self, url: str, method: str, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        name = url.rpartition("/")[2]
        self._hook(f"before {name}")
        try:
            async with asyncio.timeout(LONGEST_POLL_S if name == "getUpdates" else LONGEST_S):
                status, body = await super().do_request(url, method, *args, **kwargs)
        except TimeoutError:
            raise TimedOut from None
        if status == 200:
            self.last_ok_at = self._clock()
            body = readable(body) if name == "getUpdates" else body
        self._hook(f"after {name}")
        return status, body
