"""How the adapter reaches the supplier: in process, or over HTTP. Both take and give JSON objects."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import httpx

Backend: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Takes a verb and its arguments. Raises NotReached or ConnectionLost."""


class NotReached(Exception):
    """The supplier took nothing in: surely not done."""


class ConnectionLost(Exception):
    """No usable answer came: the verb may have taken effect. The text carries no secret."""


class HttpBackend:
    """POSTs to `<url>/<verb>`.

    Whatever goes wrong is a ConnectionLost, a refused connection too: transports report a reset after sending
    under the same names as a failed connect, and a gateway's 502 may come from an upstream that had done the work.
    """

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._client = client

    async def __call__(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._client.post(f"{self._url}/{verb}", json=args)
        except httpx.HTTPError as error:
            raise ConnectionLost(type(error).__name__) from None
        if response.status_code != httpx.codes.OK:
            raise ConnectionLost(f"HTTP {response.status_code}")
        try:
            answer = response.json()
        except ValueError:
            raise ConnectionLost("no JSON") from None
        if not isinstance(answer, dict):
            raise ConnectionLost("no JSON object")
        return answer
