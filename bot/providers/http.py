"""The HTTP of all real adapters: one total timeout, bounded bodies, bounded in flight, paced, paused when told to."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import httpx

from bot.clients import surely_not_sent
from bot.domain.errors import Throttled

LONGEST_PAUSE_S = 3600.0
"""What a provider asks for beyond this is asked again after it."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NoAnswer(Exception):
    """No whole answer came. The text carries no address, key or body.

    `sent` False: no byte reached the server. True: the request may have taken effect.
    """

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` in lower case. Neither the status nor the content type says alone whether it is a success."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def text(self) -> str:
        """As UTF-8, without a byte order mark and surrounding white space; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace").lstrip("\ufeff").strip()

    def json(self) -> Any:
        """Raises ValueError, without the body in its text. Holds no lone surrogate, NaN or infinity."""
        try:
            text = self.text()
            value = json.loads(text, parse_constant=_no_number)
            return _storable(value) if _SURROGATE.search(text) else value
        except RecursionError:
            raise ValueError("nested too deep") from None
        except ValueError:
            raise ValueError("no JSON") from None

    def retry_after_s(self) -> float | None:
        """The Retry-After header in seconds from now, whether it names a span or a date.

        A date counts from the one at which the server says that it has answered: both are by its own clock.
        """
        said = self.headers.get("retry-after", "").strip()
        if said.isascii() and said.isdigit():
            return float(said[:9])
        at = _date(said)
        now = _date(self.headers.get("date", "")) or datetime.now(UTC)
        return None if at is None else max(0.0, (at - now).total_seconds())


class ProviderHttp:
    """Requests to one provider. `client` comes from `bot.clients.make_client` and is closed by whoever made it.

    `timeout_s` spans a request from its place in the queue to the last byte of the answer. Redirects are returned
    as they are: whoever follows one takes the key to another host.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        timeout_s: float,
        max_in_flight: int,
        min_interval_s: float = 0.0,
        most_bytes: int = 8_000_000,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(max_in_flight)
        self._queue = asyncio.Lock()
        self._back_row = asyncio.Lock()
        self._min_interval_s = min_interval_s
        self._most_bytes = most_bytes
        self._clock = clock
        self._sleep = sleep
        self._next_at = 0.0
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """After Retry-After, a ban or a rate limit. A shorter pause does not end a longer one."""
        self._paused_until = max(self._paused_until, self._clock() + min(max(seconds, 0.0), LONGEST_PAUSE_S))

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        can_wait: bool = False,
    ) -> Answer:
        """Raises NoAnswer; Throttled, at once, during a pause, or when its turn did not come in time.

        A queue that is too long is our own doing: it must not pass for a fault of the provider's.

        `can_wait`: a long list's questions must not keep codes and people waiting for their turns.
        """
        sent = False
        try:
            async with asyncio.timeout(self._timeout_s), self._turn(can_wait=can_wait):
                sent = True
                request = self._client.build_request(method, url, params=params, json=json, headers=headers)
                return await self._exchange(request)
        except TimeoutError:
            if not sent:
                raise Throttled(self._min_interval_s) from None
            raise NoAnswer("timeout", sent=True) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError):
            raise NoAnswer("not a usable address", sent=False) from None
        except httpx.HTTPError as error:
            raise NoAnswer(_why(error), sent=not surely_not_sent(error)) from None

    @asynccontextmanager
    async def _turn(self, *, can_wait: bool) -> AsyncIterator[None]:
        """Of those that can wait, one at a time stands in the queue; all others stand in it at once."""
        self._check_pause()
        async with self._back_row if can_wait else nullcontext():
            await self._slots.acquire()
            try:
                await self._pace()
                self._check_pause()
            except BaseException:
                self._slots.release()
                raise
        try:
            yield
        finally:
            self._slots.release()

    def _check_pause(self) -> None:
        left = self._paused_until - self._clock()
        if left > 0:
            raise Throttled(left)

    async def _pace(self) -> None:
        async with self._queue:
            wait = self._next_at - self._clock()
            if wait > 0:
                await self._sleep(wait)
            self._next_at = self._clock() + self._min_interval_s

    async def _exchange(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._most_bytes:
                    raise NoAnswer("the answer is too large", sent=True)
            return Answer(response.status_code, _headers(response), bytes(body))
        finally:
            await response.aclose()


def _date(said: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _headers(response: httpx.Response) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _why(error: httpx.HTTPError) -> str:
    """The classes alone: what follows them may name an address."""
    cause = str(error).partition(":")[0]
    return f"{type(error).__name__}: {cause}" if cause.isidentifier() else type(error).__name__


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


def _storable(value: Any) -> Any:
    """Escapes such as `\\ud83d` without their other half pass the parser, and no database takes them."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
