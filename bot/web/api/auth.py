"""Whose call it is: a key or a token, as bearer, in the JSON body (also of a GET), or in the query."""

import json
from typing import Any

from fastapi import Request

from bot.domain.errors import NotInvited, Unauthorized
from bot.domain.keys import Caller
from bot.services.keys import require_full
from bot.web.api.deps import ApiDeps
from bot.web.api.errors import bad_request, stopping

API_KEY = "apiKey"
_BEARER = "bearer "


class Gate:
    """`read` and `full` are dependencies of routes: the caller, once they may call, or an error of the contract."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps

    async def read(self, request: Request) -> Caller:
        """Any key will do."""
        refuse_repetition(request)
        return await self.caller(request, await secret_of(request))

    async def full(self, request: Request) -> Caller:
        """The key may spend and change."""
        caller = await self.read(request)
        require_full(caller)
        return caller

    async def caller(self, request: Request, secret: str) -> Caller:
        """Raises Unauthorized, NotInvited or TooOften; who keeps trying in vain is told to go slower, too.

        While the program stops, nothing is begun any more.
        """
        if self._deps.bells.closed:
            raise stopping()
        try:
            caller = await self._deps.keys.identify(secret) if secret else None
        except (Unauthorized, NotInvited):
            self._deps.allowance.take(("address", address_of(request)))
            raise
        if caller is None:
            raise Unauthorized
        self._deps.allowance.take(caller.key_id)
        return caller


async def secret_of(request: Request) -> str:
    """The key or token that came with a call; empty where there is none."""
    header = request.headers.get("authorization", "")
    if header[: len(_BEARER)].lower() == _BEARER:
        return header[len(_BEARER) :].strip()
    in_body = (await body_of(request, lenient=True)).get(API_KEY)
    if isinstance(in_body, str):
        return in_body
    return request.query_params.get(API_KEY, "")


async def body_of(request: Request, *, lenient: bool = False) -> dict[str, Any]:
    """The JSON object of the body, whatever its Content-Type says; `lenient`: empty where there is none."""
    raw = await request.body()
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    if lenient:
        return {}
    raise bad_request(None, "The body is no JSON object.")


def refuse_repetition(request: Request) -> None:
    """A parameter that stands there twice could be read either way."""
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name in seen:
            raise bad_request(name[:64], "A parameter is given twice.")
        seen.add(name)


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""
