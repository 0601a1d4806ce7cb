"""What happens in both worlds, as one stream of server-sent events.

A stream ends when its reader leaves, when it stops reading, or when `Streams.close` is called. The HTTP server waits
for open responses before it ends, so call `close` first: nothing else tells a stream that the server is stopping.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol, TypeAlias

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

Event: TypeAlias = Mapping[str, Any]
EventQueue: TypeAlias = "asyncio.Queue[dict[str, Any]]"

KEEP_ALIVE_S = 15.0
STALLED_S = 20.0
"""A reader that takes nothing for so long is dropped; its page comes back and loads the state."""
MOST_STREAMS = 32

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Source(Protocol):
    def subscribe(self) -> AbstractContextManager[EventQueue]:
        """A queue of events from now on; it is bounded by its owner, who puts `resync` in when it overflows."""
        ...


class Streams:
    """The open event streams; an ASGI app of its own for the route that serves them."""

    def __init__(self, *sources: Source, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._sources = sources
        self._keep_alive_s = keep_alive_s
        self._closing = asyncio.Event()
        self.open = 0

    def close(self) -> None:
        """End all streams, now and for good."""
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._closing.is_set() or self.open >= MOST_STREAMS:
            sentence = f"No stream now: the demo is stopping, or {MOST_STREAMS} are open."
            await JSONResponse({"error": sentence}, 503)(scope, receive, send)
            return
        self.open += 1
        try:
            with ExitStack() as stack:
                queues = [stack.enter_context(source.subscribe()) for source in self._sources]
                await self._stream(queues, receive, send)
        finally:
            self.open -= 1

    async def _stream(self, queues: list[EventQueue], receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        ends = {asyncio.create_task(_left(receive)), asyncio.create_task(self._closing.wait())}
        pumps = {asyncio.create_task(self._pump(queues, send))}
        try:
            await asyncio.wait(ends | pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancelled(ends | pumps)
        if self._closing.is_set():
            await _bounded(send, b"", 1.0, more=False)

    async def _pump(self, queues: list[EventQueue], send: Send) -> None:
        """Send what comes until a send fails or stalls."""
        merged: EventQueue = asyncio.Queue(1)
        forwards = {asyncio.create_task(_forward(queue, merged)) for queue in queues}
        try:
            chunk = b"retry: 1000\n\n"
            while await _bounded(send, chunk, STALLED_S):
                chunk = await self._next_chunk(merged)
        finally:
            await _cancelled(forwards)

    async def _next_chunk(self, merged: EventQueue) -> bytes:
        try:
            async with asyncio.timeout(self._keep_alive_s):
                return encode(await merged.get())
        except TimeoutError:
            return b": keep-alive\n\n"


def encode(event: Event) -> bytes:
    """One event on the wire. JSON escapes line breaks, so that an event is always one line."""
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


async def _forward(queue: EventQueue, merged: EventQueue) -> None:
    while True:
        await merged.put(await queue.get())


async def _bounded(send: Send, chunk: bytes, timeout_s: float, *, more: bool = True) -> bool:
    """Whether the chunk went out in time."""
    try:
        async with asyncio.timeout(timeout_s):
            await send({"type": "http.response.body", "body": chunk, "more_body": more})
    except (OSError, TimeoutError):
        return False
    return True


async def _left(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel what still runs, wait for all of it, and raise what failed by itself."""
    failures = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for failure in failures:
        if failure is not None:
            raise failure
