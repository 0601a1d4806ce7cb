"""Serving an ASGI application on loopback, in the test's own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which belong to the program (here: to pytest)."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """The base URL (`http://127.0.0.1:<port>`) of `app`, served until the block ends.

    An application with a `before_stop()` coroutine method is asked first to end its long polls and streams.
    """
    # Named as TCP, for asyncio switches off Nagle's delay (40 ms an answer) only where the protocol says so.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    # uvicorn's loggers are the process's: a level set here would silence those of the program under test.
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.up.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        before_stop = getattr(app, "before_stop", None)
        if before_stop is not None:
            await before_stop()
        server.should_exit = True
        await task
        listener.close()
