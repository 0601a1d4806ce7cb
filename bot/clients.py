"""The one factory of HTTP clients: httpx on top, aiohttp's connections below (three times httpx's own under load)."""

import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport


class ProxyUnusable(ValueError):
    """The surroundings name a proxy that we cannot go through; the text is a line for the operator."""


class OutOfBounds(httpx.ConnectError):
    """The address is one that this client must not connect to; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a client may connect to: each address is looked up once, judged, and connected to as it was judged."""

    look_up: Callable[[str], Awaitable[list[str]]] = field(repr=False)
    """The addresses of a name. Raises OSError."""
    permits: Callable[[str], bool] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Bounds of one client. A total over the whole call is the caller's `asyncio.timeout`; so is the answer's size."""

    max_connections: int = 64
    """At once; further requests wait, within `connect_timeout_s`."""
    connect_timeout_s: float = 10.0
    """For a free connection, the name's look-up, TCP and TLS, all together."""
    read_timeout_s: float = 20.0
    """Between two pieces of an answer, the first one included."""
    keepalive_s: float = 30.0
    proxy: str | None = field(default=None, repr=False)
    """An http(s) address, with user and password in it if need be: see `proxy_for`."""
    bounds: Bounds | None = None
    """None: it connects to whatever it is told to. Not to be had with a proxy, which looks names up by itself."""


def make_client(
    settings: ClientSettings, *, base_url: str = "", headers: Mapping[str, str] | None = None
) -> httpx.AsyncClient:
    """A client for a provider: follows no redirect, and takes no proxy, password or cookie from the surroundings.

    Errors are `httpx.TransportError`s, without addresses in their texts. To be closed in the loop that used it.
    """
    return httpx.AsyncClient(**telegram_httpx_kwargs(settings), base_url=base_url, headers=headers)


def telegram_httpx_kwargs(settings: ClientSettings) -> dict[str, Any]:
    """For `HTTPXRequest(httpx_kwargs=...)`: one call for each request object, for they close their transport.

    These win over HTTPXRequest's own arguments; its `connection_pool_size`, `proxy` and timeouts have no effect.
    """
    timeout = httpx.Timeout(
        settings.read_timeout_s, connect=settings.connect_timeout_s, pool=settings.connect_timeout_s
    )
    return {"transport": _Transport(settings), "timeout": timeout, "trust_env": False, "follow_redirects": False}


def proxy_for(url: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The proxy that HTTPS_PROXY or HTTP_PROXY, ALL_PROXY and NO_PROXY (either case) name for `url`.

    Loopback needs no exemption. Raises ProxyUnusable when it is not an http(s) one.
    """
    environ = os.environ if environ is None else environ
    variables = {key.lower(): value.strip() for key, value in environ.items() if value.strip()}
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_loopback(host) or _is_exempt(host, variables.get("no_proxy", "")):
        return None
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        if proxy := variables.get(name):
            address = proxy if "://" in proxy else f"http://{proxy}"
            if not address.startswith(("http://", "https://")):
                raise ProxyUnusable(
                    f"{name.upper()} names a kind of proxy that is not supported. "
                    f"Use an http:// one, or exempt {host} by NO_PROXY."
                )
            return address
    return None


def surely_not_sent(error: BaseException | None) -> bool:
    """Whether `error`, or what it was raised from, says that no byte of the request reached the server."""
    while error is not None:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
            return True
        error = error.__cause__
    return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_exempt(host: str, no_proxy: str) -> bool:
    """NO_PROXY: `*`, or names with commas between, each of which covers its subdomains too."""
    names = [name.strip().lower().lstrip(".") for name in no_proxy.split(",")]
    return "*" in names or any(host == name or host.endswith(f".{name}") for name in names if name)


def _proxy(url: str) -> httpx.Proxy:
    """With its password in a header: the transport would pass it in a way that aiohttp has deprecated."""
    proxy = httpx.Proxy(url)
    if proxy.auth is None:
        return proxy
    # aiohttp sends this on as Proxy-Authorization, with plain requests and with CONNECT.
    return httpx.Proxy(proxy.url, headers={"Authorization": aiohttp.encode_basic_auth(*proxy.auth)})


class _Transport(AiohttpTransport):
    """httpx-aiohttp's transport, with the limits on aiohttp's pool, its errors told apart, and usable after a close."""

    def __init__(self, settings: ClientSettings) -> None:
        if settings.bounds and settings.proxy:
            raise ValueError("a proxy would look names up by itself, out of all bounds")
        super().__init__(proxy=_proxy(settings.proxy) if settings.proxy else None, client=self._new_session)
        self._settings = settings

    def _new_session(self) -> aiohttp.ClientSession:
        """Called at the first request, since a session belongs to the running loop."""
        bounds = self._settings.bounds
        connector = aiohttp.TCPConnector(
            limit=self._settings.max_connections,
            keepalive_timeout=self._settings.keepalive_s,
            ssl=self.ssl_context,
            resolver=_Resolver(bounds) if bounds else None,
            use_dns_cache=bounds is None,
            socket_factory=_fence(bounds) if bounds else None,
        )
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        # aiohttp repeats a GET whose kept-alive connection broke, and on handler_api sites a GET buys a number.
        session._retry_connection = False
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with _told_apart():
            response = await super().handle_async_request(request)
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Body(response.stream)
        return response

    async def aclose(self) -> None:
        await super().aclose()
        self.client = self._new_session


class _Barred(OSError):
    """Refused by the bounds, before a socket was made."""


class _Resolver(AbstractResolver):
    """A name with any address out of bounds is refused as a whole: who answers so is up to something."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._bounds.look_up(host)
        if not all(self._bounds.permits(address) for address in found):
            raise _Barred
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing of its own is open."""


def _fence(bounds: Bounds) -> Callable[[Any], socket.socket]:
    """Makes the socket of every connection: an address that stood in the URL itself comes by here only."""

    def made(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _name, address = info
        if not bounds.permits(str(address[0])):
            raise _Barred
        return socket.socket(family, kind, protocol)

    return made


class _Body(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told_apart():
            async for chunk in self._inner:
                yield chunk

    async def aclose(self) -> None:
        with _told_apart():
            await self._inner.aclose()


_KINDS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
)
"""The first that fits. httpx-aiohttp's own table calls a refused connection and a reset answer both ConnectTimeout."""


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
        cause = error if error.__cause__ is None else error.__cause__
        if isinstance(cause, aiohttp.ClientConnectorError) and isinstance(cause.os_error, _Barred):
            raise OutOfBounds("out of bounds") from None
        kind = next((ours for theirs, ours in _KINDS if isinstance(cause, theirs)), type(error))
        why = cause.strerror if isinstance(cause, OSError) and cause.strerror else ""
        text = f"{type(cause).__name__}: {why}" if why else type(cause).__name__
        # aiohttp puts the whole address, a bot's token within, into the text of a timeout.
        raise (kind if issubclass(kind, httpx.TransportError) else httpx.ReadError)(text) from None
