"""An HTTP/1.1 server of a few lines that does what servers do wrong: too slow, gone, or talking rubbish."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Loopback:
    """Answers each request with `raw` and closes, or else with 200 and `body`, after `delay_s`.

    After `close_after` answers on one connection the next request on it is read, and the connection reset.
    """

    body: bytes = b"ok"
    raw: bytes | None = None
    delay_s: float = 0.0
    close_after: int | None = None
    url: str = ""
    requests: list[str] = field(default_factory=list)
    """Their heads, as they came."""
    connections: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answered = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._request(reader) and answered != self.close_after:
                await self._answer(writer)
                answered += 1
                if self.raw:
                    writer.close()
                    return
        writer.transport.abort()

    async def _request(self, reader: asyncio.StreamReader) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        for line in head.lower().splitlines():
            if line.startswith("content-length:"):
                await reader.readexactly(int(line.split(":")[1]))
        self.requests.append(head)
        return True

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(self.delay_s)
        self.in_flight -= 1
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(self.body)
        writer.write(self.raw or head + self.body)
        await writer.drain()


@asynccontextmanager
async def serve(
    *, body: bytes = b"ok", raw: bytes | None = None, delay_s: float = 0.0, close_after: int | None = None
) -> AsyncIterator[Loopback]:
    loopback = Loopback(body, raw, delay_s, close_after)
    tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks[asyncio.create_task(loopback.connection(reader, writer))] = writer

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    loopback.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield loopback
    finally:
        server.close()
        for task, writer in tasks.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
