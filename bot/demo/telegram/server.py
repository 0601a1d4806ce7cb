"""The Bot API over HTTP: `/bot<token>/<method>` and `/file/bot<token>/<path>`.

A bare ASGI application rather than a framework's: it serves benchmarks, and a fault has to reach the connection itself.
"""

import asyncio
import inspect
import json
import re
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Message, Receive, Scope, Send

from bot.demo.telegram import about, answers, fetching, media, messages
from bot.demo.telegram.body import read
from bot.demo.telegram.errors import ApiError
from bot.demo.telegram.faults import DROPS, Fault
from bot.demo.telegram.params import Params, Upload
from bot.demo.telegram.registry import METHODS, Described
from bot.demo.telegram.state import Recorded
from bot.demo.telegram.world import TelegramWorld

T = TypeVar("T")

METHOD_PATH = re.compile(r"/bot([^/]+)/(?:test/)?([A-Za-z]+)")
FILE_PATH = re.compile(r"/file/bot([^/]+)/(.+)")
PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
"""What stands before Telegram's servers answers in HTML."""
GROUPS_OF_METHODS = (about, answers, fetching, media, messages)
"""Importing them fills METHODS."""


def create_app(world: TelegramWorld) -> "BotApi":
    """To be served as a root application by uvicorn: elsewhere a dropped connection turns into a 500.

    Await its `before_stop()` before stopping the server, for a long poll would hold it for up to 50 s.
    """
    return BotApi(world)


class BotApi:
    def __init__(self, world: TelegramWorld) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def before_stop(self) -> None:
        """End the long poll and the webhook's deliveries; served again, the application takes them up."""
        await self.world.close()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.world.reopen()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.world.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if wanted := METHOD_PATH.fullmatch(path):
            await self._method(scope, receive, send, *wanted.groups())
        elif wanted := FILE_PATH.fullmatch(path):
            await self._file(send, *wanted.groups())
        else:
            await _refuse(send, ApiError(404, "Not Found"))

    async def _file(self, send: Send, token: str, path: str) -> None:
        stored = self.world.files.by_path(path)
        if token != self.world.token:
            await _refuse(send, ApiError(401, "Unauthorized"))
        elif stored is None:
            await _refuse(send, ApiError(404, "Not Found"))
        else:
            await _respond(send, 200, stored.upload.data, stored.upload.mime_type)

    async def _method(self, scope: Scope, receive: Receive, send: Send, token: str, name: str) -> None:
        if token != self.world.token:
            await _refuse(send, ApiError(401, "Unauthorized"))
            return
        try:
            params = await read(scope, receive)
        except ApiError as error:
            await _refuse(send, error)
            return
        self._record(name, params)
        fault = self.world.faults.take(name, _chat_id(params))
        if fault is not None and fault.kind == "drop_before":
            await _drop(receive, send)
            return
        if name.lower() == "getupdates":
            answer = await _while_connected(receive, self._answer(name, params, fault))
        else:
            answer = await self._answer(name, params, fault)
        if fault is not None and fault.kind == "drop_after":
            await _drop(receive, send)
            return
        if fault is not None and fault.kind == "timeout_after":
            await _while_connected(receive, asyncio.sleep(fault.delay_s))
        if answer is not None:
            await _respond(send, *answer)

    def _record(self, name: str, params: Params) -> None:
        files = {n: v for n, v in params.values.items() if isinstance(v, Upload)}
        described = {
            n: {"file_name": f.file_name, "mime_type": f.mime_type, "file_size": len(f.data)} for n, f in files.items()
        }
        self.world.requests.append(Recorded(name, {**params.values, **described}, self.world.clock()))

    async def _answer(self, name: str, params: Params, fault: Fault | None) -> tuple[int, bytes]:
        """The response's status and body."""
        try:
            if fault is not None and fault.kind not in DROPS:
                self._suffer(fault, params)
            handler = METHODS.get(name.lower())
            if handler is None:
                raise ApiError(404, "Not Found: method not found")
            result = handler(self.world, params)
            if inspect.isawaitable(result):
                result = await result
        except ApiError as error:
            return error.code, _error_body(error)
        if isinstance(result, Described):
            return 200, _json({"ok": True, "result": result.result, "description": result.description})
        return 200, _json({"ok": True, "result": result})

    def _suffer(self, fault: Fault, params: Params) -> None:
        error = fault.error()
        if error is not None:
            raise error
        chat = self.world.chats.get(params.number("chat_id"))
        if chat is not None and chat.view["type"] == "group":
            self.world.migrate_group(chat.id)


def _chat_id(params: Params) -> int | None:
    return params.number("chat_id") or None


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _error_body(error: ApiError) -> bytes:
    if error.code == 502:
        return PROXY_PAGE
    body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return _json(body)


async def _refuse(send: Send, error: ApiError) -> None:
    await _respond(send, error.code, _error_body(error))


async def _respond(send: Send, status: int, body: bytes, content_type: str = "application/json") -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _drop(receive: Receive, send: Send) -> None:
    """Close the connection with no answer; ASGI has no word for it, so uvicorn's transport is taken by the hand."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionAbortedError("a fault closed this connection")
    transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    message: Message = {}
    while message.get("type") != "http.disconnect":
        message = await receive()


async def _while_connected(receive: Receive, awaited: Coroutine[Any, Any, T]) -> T | None:
    """What is awaited; None when the client left before it was there, which gives up a long poll."""
    answer = asyncio.ensure_future(awaited)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else None
    finally:
        answer.cancel()
        gone.cancel()
