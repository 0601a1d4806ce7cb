"""A line between an adapter and a program on loopback: it passes requests on, and loses or garbles chosen answers.

reset    the deed is done, and the connection reset        cut    the deed is done, and half of the answer is sent
garbage  the deed is done, and what the program said is replaced by one of `garbage` in turn
"""

import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import httpx
from starlette.types import Receive, Scope, Send

from tests.simulators.spoiling import PAGE, Asked, body_of, reset

FAULTS = ("reset", "cut", "garbage")
Answer = tuple[int, bytes]
_NOT_PASSED_ON = {b"host", b"connection", b"content-length", b"transfer-encoding", b"content-encoding"}


class Relay:
    """`ready` is awaited, with the verb, before a request is passed on; while `down`, none is."""

    def __init__(
        self,
        target: str,
        client: httpx.AsyncClient,
        *,
        verb_of: Callable[[Asked], str],
        garbage: Sequence[Answer],
        ready: Callable[[str], Awaitable[None]],
    ) -> None:
        self.down = False
        self.asked: list[str] = []
        """The verbs, in their order."""
        self._target = target
        self._client = client
        self._verb_of = verb_of
        self._garbage = itertools.cycle(garbage)
        self._ready = ready
        self._due: deque[tuple[str, str]] = deque()

    def spoil(self, verb: str, kind: str) -> None:
        """The next answer to that verb."""
        assert kind in FAULTS
        self._due.append((verb, kind))

    def mend(self) -> None:
        self._due.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query, body = scope["query_string"].decode(), await body_of(receive)
        asked = Asked(scope["method"], scope["path"], dict(httpx.QueryParams(query)), body)
        self.asked.append(self._verb_of(asked))
        if self.down:
            await _say(send, 502, PAGE)
            return
        await self._ready(self.asked[-1])
        headers = [(name, value) for name, value in scope["headers"] if name not in _NOT_PASSED_ON]
        url = f"{self._target}{scope['path']}?{query}"
        answer = await self._client.request(asked.method, url, headers=headers, content=body)
        await self._answer(self._take(self.asked[-1]), answer, receive, send)

    def _take(self, verb: str) -> str:
        for place, (wanted, kind) in enumerate(self._due):
            if wanted == verb:
                del self._due[place]
                return kind
        return ""

    async def _answer(self, fault: str, answer: httpx.Response, receive: Receive, send: Send) -> None:
        if fault == "garbage":
            await _say(send, *next(self._garbage))
        elif fault:
            await _break_off(fault, answer, receive, send)
        else:
            kept = [(name, value) for name, value in answer.headers.raw if name.lower() not in _NOT_PASSED_ON]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
            await send({"type": "http.response.body", "body": answer.content})


async def _break_off(fault: str, answer: httpx.Response, receive: Receive, send: Send) -> None:
    if fault == "cut":
        length = [(b"content-length", str(len(answer.content)).encode())]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": length})
        half = answer.content[: len(answer.content) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
    reset(send)
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": body})
