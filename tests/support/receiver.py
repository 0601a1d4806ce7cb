"""A receiver of webhooks on loopback: verifies each with the `standardwebhooks` package, and answers as it is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Self, TypeAlias

import standardwebhooks.webhooks
from standardwebhooks import Webhook

from bot.domain.time import SECOND, Ms


@contextmanager
def telling(clock: Callable[[], Ms]) -> Iterator[None]:
    """The package judges the age of a signature by this clock, instead of the system's."""
    system = standardwebhooks.webhooks.datetime

    class Told(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(clock() / SECOND, tz or UTC)

    standardwebhooks.webhooks.datetime = Told
    try:
        yield
    finally:
        standardwebhooks.webhooks.datetime = system


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: bytes
    taken: bool

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def number(self) -> str:
        return str(self.event["data"].get("number", {}).get("id", ""))


@dataclass
class Receiver:
    """`secrets` by path: what is not signed with one of its path's is answered 401. `status` is asked for each call."""

    secrets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    status: Callable[[Call], int] = lambda _call: 200
    before: Callable[[Call], Awaitable[None]] | None = None
    """Waited for before the answer."""
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    connections: int = 0

    @property
    def taken(self) -> list[Call]:
        return [call for call in self.calls if call.taken]

    def ids(self, *, taken: bool = True) -> list[str]:
        return [call.id for call in self.calls if call.taken or not taken]

    def types(self, number: str | None = None) -> list[str]:
        """Of what was taken, in order, each event once."""
        seen = {call.id: call.type for call in self.taken if number in (None, call.number)}
        return list(seen.values())

    def _judge(self, path: str, headers: dict[str, str], body: bytes) -> int:
        call = Call(path, headers, body, taken=False)
        for secret in self.secrets.get(path, ()):
            with suppress(standardwebhooks.webhooks.WebhookVerificationError):
                Webhook(secret).verify(body, headers)
                return self.status(call)
        return self.status(call) if path not in self.secrets else 401

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                path = first.split(" ")[1]
                status = self._judge(path, headers, body)
                call = Call(path, headers, body, taken=200 <= status < 300)
                self.calls.append(call)
                if self.before is not None:
                    await self.before(call)
                writer.write(b"HTTP/1.1 %d Said\r\ncontent-length: 0\r\n\r\n" % status)
                await writer.drain()


@asynccontextmanager
async def receiving(receiver: Receiver | None = None, port: int = 0) -> AsyncIterator[Receiver]:
    receiver = receiver or Receiver()
    async with handling(receiver.connection, port) as found:
        receiver.url = f"http://127.0.0.1:{found}"
        yield receiver


Handler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def handling(handler: Handler, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback whose connections end with it; its port."""
    tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks[asyncio.create_task(handler(reader, writer))] = writer

    server = await asyncio.start_server(accept, "127.0.0.1", port, ssl=tls)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task, writer in tasks.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
