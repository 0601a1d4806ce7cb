"""Calls of the documented API: access tokens, the envelope, and which failures surely had no effect (docs/api.md)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.errors import BadKey, ProviderError, ProviderFault, Throttled
from bot.domain.time import MINUTE, SECOND, Ms
from bot.providers import fields
from bot.providers.fields import Malformed, Row
from bot.providers.http import Answer, NoAnswer, ProviderHttp
from bot.providers.rest import wire

_MOST_PAGES = 1000


class Lost(Exception):
    """No usable answer: the call may have taken effect. The text carries no secret."""


class _Unauthorized(Exception):
    """The token has ended; the call was not done."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    good_until: Ms


class Session:
    """`url` with or without `/api` at its end. A token is made at the first call, and again before it ends."""

    def __init__(self, http: ProviderHttp, *, url: str, api_key: str, clock: Callable[[], Ms]) -> None:
        base = url.rstrip("/")
        self._base = base if base.endswith("/api") else f"{base}/api"
        self._http = http
        self._api_key = api_key
        self._clock = clock
        self._token: _Token | None = None
        self._making = asyncio.Lock()

    async def get(self, path: str, params: Mapping[str, Any], key: str = "") -> Row:
        """A successful answer; `status` tells `success` from `pending`.

        Raises ProviderError where surely nothing was done, Lost where nobody knows. `key` makes it idempotent.
        """
        return await self._call("GET", path, params=params, key=key)

    async def post(self, path: str, body: Mapping[str, Any], key: str = "") -> Row:
        return await self._call("POST", path, json=body, key=key)

    async def pages(self, path: str, params: Mapping[str, Any]) -> AsyncIterator[Row]:
        """All pages of a list. Raises Malformed when they never end."""
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self.get(path, {**params, **({"cursor": cursor} if cursor else {})})
            yield page
            following = page.get("next_cursor")
            if following is None:
                return
            cursor = fields.name(page, "next_cursor", 2000)
        raise Malformed("next_cursor never ends")

    async def _call(self, method: str, path: str, *, params: Any = None, json: Any = None, key: str = "") -> Row:
        token = await self._current()
        try:
            return await self._send(method, path, token, params, json, key)
        except _Unauthorized:
            self._forget(token)
        try:
            return await self._send(method, path, await self._current(), params, json, key)
        except _Unauthorized:
            raise BadKey("unauthorized with a fresh token") from None

    async def _send(self, method: str, path: str, token: _Token, params: Any, json: Any, key: str) -> Row:
        headers = {"Authorization": f"Bearer {token.text}", "Accept": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        answer = await self._request(method, path, params=params, json=json, headers=headers)
        return self._read(answer)

    async def _request(self, method: str, path: str, **options: Any) -> Answer:
        try:
            return await self._http.request(method, f"{self._base}/{path}", **options)
        except NoAnswer as why:
            if why.sent:
                raise Lost(str(why)) from None
            raise ProviderFault(f"not reached: {why}") from None

    def _read(self, answer: Answer) -> Row:
        try:
            row = fields.as_row(answer.json(), "answer")
        except ValueError:
            row = {}
        if answer.status == 401:
            raise _Unauthorized
        if answer.status in (200, 202) and row.get("status") in ("success", "pending"):
            return row
        error = self._refusal(answer, row)
        if error is None:
            raise Lost(f"HTTP {answer.status}, no usable answer")
        raise error

    def _refusal(self, answer: Answer, row: Row) -> ProviderError | None:
        """The refusal that says, in the contract's form, that nothing was done; None where nobody knows."""
        if answer.status == 429:
            throttled = Throttled(answer.retry_after_s() or 5.0)
            self._http.pause(throttled.retry_after_s)
            return throttled
        if 300 <= answer.status < 400:
            return ProviderFault("a redirect, which is not followed: check URL")
        return wire.refusal(row, answer.status)

    def _forget(self, token: _Token) -> None:
        if self._token is token:
            self._token = None

    async def _current(self) -> _Token:
        async with self._making:
            if self._token is None or self._clock() >= self._token.good_until:
                self._token = await self._make()
            return self._token

    async def _make(self) -> _Token:
        """Whatever goes wrong here, the call that wanted the token has not been sent."""
        try:
            answer = await self._request("POST", "auth", json={"apiKey": self._api_key})
            row = self._read(answer)
            lasts = fields.whole(row, "expires_in") * SECOND
            return _Token(fields.name(row, "access_token", 512), self._clock() + lasts - min(MINUTE, lasts // 10))
        except _Unauthorized:
            raise BadKey("the API key is not accepted") from None
        except (Lost, Malformed) as why:
            raise ProviderFault(f"auth: {why}") from None
