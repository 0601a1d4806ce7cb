"""An HTTP server inside the program's own event loop, which leaves signals to the program."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from bot.domain.addresses import Network, mapped

GRACE_S = 3

_MEND = {
    errno.EADDRINUSE: "Stop the program that uses it, or set HTTP_PORT to another port (0 takes any free one).",
    errno.EACCES: "Set HTTP_PORT to one above 1023.",
}
_MEND_HOST = "Set HTTP_HOST to an address of this machine, such as 127.0.0.1."


class PortTaken(Exception):
    """The address cannot be bound; the text is a line for the operator."""


class _Server(uvicorn.Server):
    """uvicorn raises a caught SIGTERM again after `serve`, which would kill a drain: the program owns its signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Listening at once, so that its port is known and surely ours; serving between `start` and `stop`."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def bind(cls, host: str, port: int) -> Self:
        """Raises PortTaken with a line that says what to do."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Named as TCP, for asyncio switches off Nagle's delay (40 ms an answer) only where the protocol says so.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # to bind alone keeps nobody else away who sets SO_REUSEADDR too
        except OSError as error:
            listener.close()
            raise PortTaken(
                f"HTTP_HOST {host} with HTTP_PORT {port} cannot be used ({error.strerror}). "
                f"{_MEND.get(error.errno or 0, _MEND_HOST)}"
            ) from None
        return cls(listener)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    async def start(self, app: ASGIApp, trusted_proxies: tuple[Network, ...] = ()) -> None:
        """Of a client behind `trusted_proxies`, the address is the last one in X-Forwarded-For that is none of them."""
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=True,
            timeout_graceful_shutdown=GRACE_S,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=_spelled(trusted_proxies),
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="http")
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({up, self._task}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()

    async def stop(self) -> None:
        try:
            if self._server is not None and self._task is not None:
                self._server.should_exit = True
                await self._task
        finally:
            self._listener.close()


def _spelled(networks: tuple[Network, ...]) -> list[str]:
    """For uvicorn, which takes an IPv4 address and the same one mapped into IPv6 for two."""
    return [str(one) for one in (*networks, *(mapped(one) for one in networks if isinstance(one, IPv4Network)))]
