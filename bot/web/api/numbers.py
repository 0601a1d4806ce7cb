"""The caller's numbers and their messages."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from bot.domain.keys import Caller
from bot.domain.people import User
from bot.domain.sms import Sms
from bot.domain.time import Ms
from bot.services.listing import NEWEST, Listing, Which
from bot.services.wire import api_state, message_body, number_id
from bot.web.api.auth import Gate
from bot.web.api.deps import ApiDeps
from bot.web.api.errors import bad_request
from bot.web.api.models import MessagesAnswer, NumbersAnswer
from bot.web.api.params import (
    CursorText,
    IdempotencyKey,
    IdText,
    PhoneText,
    TimeText,
    Whole,
    cursor_to,
    id_at,
    moment,
    number_of,
)
from bot.web.api.schema import answers
from storage.listing import Shown

LONGEST_WAIT_S = 30
MOST_IDS = 100


class NumbersQuery(BaseModel):
    ids: Annotated[str, Field(max_length=6600, examples=["n1842,n1843"])] | None = None
    idempotency_key: IdempotencyKey | None = None
    state: Literal["open", "closed", "all"] | None = None
    messages: Literal["0", "1"] = "0"
    limit: Annotated[Whole, Field(ge=1, le=500)] = 100
    cursor: CursorText | None = None


class MessagesQuery(BaseModel):
    number: PhoneText | None = None
    id: IdText | None = None
    since: TimeText | None = None
    wait: Annotated[Whole, Field(ge=0, le=LONGEST_WAIT_S)] = 0
    limit: Annotated[Whole, Field(ge=1, le=200)] = 100
    cursor: CursorText | None = None


def routes(deps: ApiDeps) -> APIRouter:
    router = APIRouter(tags=["numbers"])
    reader = Annotated[Caller, Depends(Gate(deps).read)]
    listed = answers(NumbersAnswer)

    @router.get("/numbers", responses=listed)
    async def numbers(who: reader, query: Annotated[NumbersQuery, Query()]) -> JSONResponse:
        """The caller's numbers, newest first: the one request by which many are watched."""
        return await _numbers(deps.listing, who.user, query, "open")

    @router.get("/history", responses=listed)
    async def history(who: reader, query: Annotated[NumbersQuery, Query()]) -> JSONResponse:
        """The caller's closed numbers, newest first."""
        return await _numbers(deps.listing, who.user, query, "closed")

    @router.get("/fetch_messages", responses=answers(MessagesAnswer, "not_found"))
    async def fetch_messages(who: reader, query: Annotated[MessagesQuery, Query()]) -> JSONResponse:
        """The SMS of one number, oldest first; with `wait`, once there is one."""
        shown = await find(deps.listing, who.user, query.id, query.number)
        since, after_id = moment(query.since, "since"), id_at(query.cursor, 0)
        messages = await _waited(deps, who.user, shown, query, since, after_id)
        shown = await deps.listing.one(who.user, shown.number.id)
        page = messages[: query.limit]
        answer = {
            "status": "success",
            "number": shown.number.phone,
            "id": number_id(shown.number.id),
            "state": api_state(shown.number),
            "messages": [message_body(one) for one in page],
            "next_cursor": cursor_to(str(page[-1].id)) if len(messages) > len(page) else None,
        }
        return JSONResponse(answer)

    return router


async def find(listing: Listing, user: User, id_: str | None, phone: str | None) -> Shown:
    """The number that a call is about, by either of its handles. Raises NotFound, ApiError where there is none."""
    if id_ is not None:
        return await listing.one(user, number_of(id_))
    if phone is None:
        raise bad_request("number", "number or id is missing.")
    return await listing.by_phone(user, "+" + phone.strip().lstrip("+"))


async def _waited(deps: ApiDeps, user: User, shown: Shown, query: MessagesQuery, since: Ms, after_id: int) -> list[Sms]:
    """One more than a page, so that its end is known."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + query.wait
    with deps.bells.of(user.id) as bell:
        while True:
            messages = await deps.listing.messages(shown, since, after_id, query.limit + 1)
            left = deadline - loop.time()
            if messages or left <= 0 or deps.bells.closed:
                return messages
            await bell.wait(left)


async def _numbers(listing: Listing, user: User, query: NumbersQuery, which: Which) -> JSONResponse:
    before_id = id_at(query.cursor, NEWEST)
    if query.state is not None and (query.ids is not None or query.idempotency_key is not None):
        raise bad_request("state", "state goes neither with ids nor with idempotency_key.")
    if query.idempotency_key is not None:
        found = await listing.by_key(user, query.idempotency_key)
    elif query.ids is not None:
        asked = _ids(query.ids)
        found = await listing.by_ids(user, asked) if asked else []
    else:
        found = await listing.page(user, query.state or which, before_id, query.limit + 1)
    found = [one for one in found if one.number.id < before_id]
    page = found[: query.limit]
    answer = {
        "status": "success",
        "numbers": [await _body(listing, one, messages=query.messages == "1") for one in page],
        "next_cursor": cursor_to(str(page[-1].number.id)) if len(found) > len(page) else None,
    }
    return JSONResponse(answer)


async def _body(listing: Listing, shown: Shown, *, messages: bool) -> dict[str, Any]:
    body = listing.body(shown)
    if messages:
        body["messages"] = [message_body(one) for one in await listing.newest_messages(shown)]
    return body


def _ids(text: str) -> list[int]:
    """Those that can be ours; what is not is left out without a word."""
    asked = text.split(",")
    if len(asked) > MOST_IDS:
        raise bad_request("ids", f"ids may hold {MOST_IDS} of them.")
    return [known for one in asked if (known := number_of(one.strip()))]
