"""The stream of a caller's events, as server-sent events."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse

from bot.domain.keys import Caller
from bot.domain.people import User
from bot.domain.time import HOUR
from bot.services.feed import event_id
from bot.web.api.auth import Gate, secret_of
from bot.web.api.deps import ApiDeps
from bot.web.api.errors import ApiError, bad_request
from bot.web.api.schema import Responses, refusals
from storage.db import StorageDown

KEEP_ALIVE_S = 15.0
AT_ONCE = 100
MOST_STREAMS = 500
MOST_OF_ONE = 20
BACK = HOUR
"""How long ago the last event may be after which a stream goes on."""

_ID = re.compile(r"e([0-9]{1,18})", re.ASCII)
_STREAM: Responses = {
    200: {
        "description": "Events as they happen, until either side ends it.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


class Streams:
    """How many are open, of everybody and of each."""

    def __init__(self) -> None:
        self._open: dict[int, int] = {}

    def enter(self, user_id: int) -> None:
        """Raises ApiError where there is no room."""
        mine = self._open.get(user_id, 0)
        if mine >= MOST_OF_ONE:
            raise ApiError("limit_reached", "Too many streams are open.", limit="streams", allowed=MOST_OF_ONE)
        if sum(self._open.values()) >= MOST_STREAMS:
            raise ApiError("unavailable", "Too many streams are open. Come again later.", {"Retry-After": "30"})
        self._open[user_id] = mine + 1

    def leave(self, user_id: int) -> None:
        self._open[user_id] -= 1
        if not self._open[user_id]:
            del self._open[user_id]


def routes(deps: ApiDeps) -> APIRouter:
    router = APIRouter(tags=["events"])
    reader = Annotated[Caller, Depends(Gate(deps).read)]
    streams = Streams()

    @router.get(
        "/events",
        response_class=StreamingResponse,
        responses=_STREAM | refusals("limit_reached"),
    )
    async def events(
        request: Request, who: reader, last: Annotated[str | None, Header(alias="Last-Event-ID")] = None
    ) -> StreamingResponse:
        """The caller's events from now on, or after `Last-Event-ID`, for up to an hour back."""
        after = await deps.feed.newest(who.user) if last is None else _number(last)
        secret = await secret_of(request)
        streams.enter(who.user.id)
        body = _told(deps, streams, who.user, secret, after)
        return StreamingResponse(body, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router


def _number(last: str) -> int:
    match = _ID.fullmatch(last)
    if match is None:
        raise bad_request("Last-Event-ID", "Last-Event-ID is none of ours.")
    return int(match[1])


async def _told(deps: ApiDeps, streams: Streams, user: User, secret: str, after: int) -> AsyncIterator[bytes]:
    """Ends when the program stops, and when the key or its owner may not read any longer."""
    try:
        with deps.bells.of(user.id) as bell:
            yield b": here\n\n"
            while not deps.bells.closed and await deps.keys.still_works(secret):
                found = await deps.feed.after(user, after, deps.clock() - BACK, AT_ONCE)
                for event in found:
                    yield _lines(event_id(event.id), event.type, await deps.feed.body(event))
                    after = event.id
                if not found and not await bell.wait(KEEP_ALIVE_S):
                    yield b": still here\n\n"
    except StorageDown:  # its caller comes back, and goes on where it broke off
        return
    finally:
        streams.leave(user.id)


def _lines(id_: str, kind: str, body: bytes) -> bytes:
    """JSON escapes line breaks, so that a body is always one line."""
    return f"id: {id_}\nevent: {kind}\ndata: ".encode() + body + b"\n\n"
