"""Around every call of the API: a body no larger than allowed, nothing cached, and an answer whatever goes wrong."""

import logging
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.api.errors import ApiError

log = logging.getLogger(__name__)

LARGEST_BODY = 1_000_000
HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Frame:
    """ASGI middleware. A body is read before its call begins, so that no part of the call meets half of one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            body = await _whole(receive)
            if body is None:
                return
            await self._app(scope, _again(body, receive), send_with_headers)
        except Exception as error:
            if not isinstance(error, ApiError):
                log.exception("a call of the API failed: %s", scope["path"])
                error = ApiError("internal", "Something went wrong here. What became of this call is not known.")
            if started:
                raise
            await error.response()(scope, receive, send_with_headers)


async def _whole(receive: Receive) -> bytes | None:
    """The body; None where the caller has gone. Raises ApiError for one that is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise ApiError("too_large", f"A body may have {LARGEST_BODY} bytes.")
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, and then what comes after it."""
    handed_out = False

    async def next_message() -> Message:
        nonlocal handed_out
        if handed_out:
            return await receive()
        handed_out = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message
