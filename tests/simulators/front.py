"""What stands between the program and a supplier on loopback: a line that lets everything through, or makes mischief.

    open      everything goes through                        garbage   what is none of the protocol: GARBAGE in turn,
                                                                       or always the same one with `garbage:<place>`
    redirect  302 to another host                            big       an answer of 30 MB
    dripping  headers that never end, line by line           trickling a body that never ends, letter by letter
    plain     no TLS where TLS is to be spoken

Whatever the mischief, the supplier behind never hears of the request. Everything that is answered has MARK in it.
"""

import asyncio
import contextlib
import itertools
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

MARK = "planted-body-9f3c"
GARBAGE = (
    f"<!DOCTYPE html><html><head><title>{MARK}</title></head></html>".encode(),
    b"\x00\xff\xfe" + MARK.encode(),
    json.dumps({"status": "success", "id": {"of": MARK}, "numbers": MARK, "prices": {MARK: 1}, "Data": MARK}).encode(),
    json.dumps([[MARK, None, {}]]).encode(),
    f'{{"status": "success", "access_token": "{MARK}'.encode(),
    MARK.encode(),
)
BIG_BYTES = 30_000_000
STEP_S = 0.05


@dataclass
class Front:
    """`behind` is the port of the supplier. With `tls`, what is let through came by https."""

    behind: int
    tls: ssl.SSLContext | None = None
    port: int = 0
    elsewhere: str = "http://elsewhere.test"
    """Where a redirect leads."""
    most_sent: int = 0
    """How much of a big answer was taken at most, in bytes."""
    mode: str = "open"
    _open: dict["asyncio.Task[None]", asyncio.StreamWriter] = field(default_factory=dict)
    _garbage: "itertools.cycle[bytes]" = field(default_factory=lambda: itertools.cycle(GARBAGE))

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def become(self, mode: str) -> None:
        """Behave so from now on; connections that are open end."""
        self.mode = mode
        await self.hang_up()

    async def hang_up(self) -> None:
        tasks = list(self._open.items())
        for task, writer in tasks:
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*(task for task, _ in tasks), return_exceptions=True)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open[task] = writer
        task.add_done_callback(lambda done: self._open.pop(done, None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.mode == "plain":
                await _say(writer, b"HTTP/1.1 400 Bad Request\r\n\r\n" + MARK.encode())
            else:
                if self.tls is not None:
                    await writer.start_tls(self.tls)
                await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "open":
            await self._let_through(reader, writer)
            return
        await reader.readuntil(b"\r\n\r\n")
        if self.mode == "redirect":
            await _say(writer, _head(302, 0, f"location: {self.elsewhere}/{MARK}\r\n"))
        elif self.mode.startswith("garbage"):
            place = self.mode.partition(":")[2]
            body = GARBAGE[int(place)] if place else next(self._garbage)
            await _say(writer, _head(200, len(body)) + body)
        elif self.mode == "big":
            await self._say_much(writer)
        else:
            await self._say_slowly(writer)

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        pipes = [asyncio.create_task(_pipe(reader, inner_writer)), asyncio.create_task(_pipe(inner_reader, writer))]
        try:
            await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pipe in pipes:
                pipe.cancel()
            await asyncio.gather(*pipes, return_exceptions=True)
            inner_writer.transport.abort()

    async def _say_much(self, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, BIG_BYTES))
        piece = (MARK.encode() + b" ") * 4096
        for said in range(0, BIG_BYTES, len(piece)):
            await _say(writer, piece)
            self.most_sent = max(self.most_sent, said)

    async def _say_slowly(self, writer: asyncio.StreamWriter) -> None:
        await _say(writer, b"HTTP/1.1 200 OK\r\n" if self.mode == "dripping" else _head(200, 1_000_000))
        for letter in itertools.cycle(MARK):
            await _say(writer, f"x-{letter}: {MARK}\r\n".encode() if self.mode == "dripping" else letter.encode())
            await asyncio.sleep(STEP_S)


def _head(status: int, length: int, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n".encode()


async def _say(writer: asyncio.StreamWriter, what: bytes) -> None:
    writer.write(what)
    await writer.drain()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(1 << 16):
        await _say(writer, piece)


@contextlib.asynccontextmanager
async def a_front(behind: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Front]:
    front = Front(behind, tls)
    listener = await asyncio.start_server(front.accept, "127.0.0.1", 0)
    front.port = listener.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        listener.close()
        await front.hang_up()
        await listener.wait_closed()
