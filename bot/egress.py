"""POSTs to addresses that people have given: never to a network that is not theirs to reach through us.

Loopback, private, link-local, multicast and reserved addresses are refused in whatever spelling or wrapping, unless
WEBHOOK_ALLOW names their network. What counts is the address that is connected to: a name is looked up once for each
connection, and redirects are not followed. Nothing goes through a proxy, which would look names up by itself.
"""

import asyncio
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx

from bot import __version__
from bot.clients import Bounds, ClientSettings, OutOfBounds, make_client
from bot.domain.addresses import Network, is_public, is_within, parse_address
from bot.domain.errors import AddressRefused

TIMEOUT_S = 10.0
"""For the name, the connection and the answer's head, all together; the answer's body is not read."""
LONGEST_URL = 500
LOOK_UPS = 16
"""At once; they have threads of their own, so that a name that is never answered holds up nobody else's work."""

REASONS = ("not_allowed", "no_contact", "tls", "timeout", "no_answer")
"""Stable words: out of bounds, no connection, no trust in its certificate, too slow, no HTTP."""

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
_TLS = re.compile(r"Certificate|SSL|Fingerprint")
_ODD = re.compile(r"[\s\\\"<>^`{|}#]")

LookUp: TypeAlias = Callable[[str], Awaitable[list[str]]]


class NotTaken(Exception):
    """No answer. `reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Egress:
    """`look_up` and `hook` are the tests' to set; `hook` is called before and after each request."""

    def __init__(
        self,
        allow: tuple[Network, ...],
        *,
        look_up: LookUp | None = None,
        hook: Callable[[str], None] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._allow = allow
        self._look_up = look_up or SystemNames().look_up
        self._hook = hook or (lambda _point: None)
        self._timeout_s = timeout_s
        self._clients = {
            "https": self._client(self._permits),
            "http": self._client(self._allows),
        }

    def _client(self, permits: Callable[[str], bool]) -> httpx.AsyncClient:
        bounds = Bounds(self._look_up, permits)
        settings = ClientSettings(max_connections=256, keepalive_s=15.0, bounds=bounds)
        return make_client(settings, headers={"user-agent": f"codepigeon/{__version__}", "accept-encoding": "identity"})

    def _permits(self, text: str) -> bool:
        address = parse_address(text)
        return address is not None and (is_public(address) or is_within(address, self._allow))

    def _allows(self, text: str) -> bool:
        """Without TLS, codes go only where the operator says that the network is theirs."""
        return is_within(parse_address(text), self._allow)

    async def check(self, url: str) -> None:
        """Raises AddressRefused for what can surely never be sent to. What it stands for later is judged again then."""
        scheme, host = _parts(url)
        try:
            async with asyncio.timeout(self._timeout_s):
                found = [host] if parse_address(host) else await self._look_up(host)
        except (OSError, TimeoutError):
            found = []
        if not found or not all(self._permits(address) for address in found):
            raise AddressRefused("not_reachable")
        if scheme == "http" and not all(self._allows(address) for address in found):
            raise AddressRefused("not_secure")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer, whatever it is. Raises NotTaken."""
        self._hook("before webhook")
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._status(url, headers, body)
        except TimeoutError:
            raise NotTaken("timeout") from None
        self._hook("after webhook")
        return status

    async def _status(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        try:
            client = self._clients[_parts(url)[0]]
            async with client.stream("POST", url, headers=headers, content=body) as answer:
                return answer.status_code
        except (OutOfBounds, AddressRefused):
            raise NotTaken("not_allowed") from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotTaken("tls" if _TLS.search(str(error)) else "no_contact") from None
        except (httpx.TimeoutException, TimeoutError):
            raise NotTaken("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise NotTaken("no_answer") from None

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()


class SystemNames:
    """The system's look-up, in threads that keep neither other look-ups nor the end of the program waiting."""

    def __init__(self, at_once: int = LOOK_UPS) -> None:
        self._free = asyncio.Semaphore(at_once)

    async def look_up(self, host: str) -> list[str]:
        """The addresses of `host`. Raises OSError."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def settle(found: list[str] | OSError) -> None:
            self._free.release()
            if answer.cancelled():
                return
            if isinstance(found, OSError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def ask() -> None:
            found = _asked(host)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, found)

        threading.Thread(target=ask, name="look-up", daemon=True).start()
        return await answer


def _asked(host: str) -> list[str] | OSError:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return error if isinstance(error, OSError) else OSError("no name")
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _parts(url: str) -> tuple[str, str]:
    """(scheme, host), as the client will read them. Raises AddressRefused."""
    try:
        parts, again = httpx.URL(url), urlsplit(url)
        agreed = _same_host(parts.host, again.hostname or "") and again.port != 0 and "@" not in again.netloc
    except (httpx.InvalidURL, ValueError):
        agreed = False
    if not agreed or len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or _ODD.search(url):
        raise AddressRefused("no_url")
    if parts.scheme not in ("http", "https") or not _is_host(parts.host):
        raise AddressRefused("no_url")
    return parts.scheme, parts.host


def _same_host(one: str, other: str) -> bool:
    """Two readers of one URL may differ about its host only in how they spell an address."""
    return one == other or parse_address(one) == parse_address(other) is not None


def _is_host(host: str) -> bool:
    """A name, or an IP address in its usual spelling, which 2130706433 and 0x7f.1 are not."""
    last = host.rstrip(".").rpartition(".")[2]
    return parse_address(host) is not None or (last != "" and not _NUMBER.fullmatch(last))
