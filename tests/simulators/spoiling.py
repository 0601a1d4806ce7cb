"""A bad line in front of a simulator: chosen answers are spoilt on their way, after the deed is done.

cut      half of the answer, and then the connection is gone      html     a page instead of the answer, under 200
reset    nothing, and the connection is reset                     500      a page instead of the answer, under 500
timeout  nothing, for as long as the caller waits
"""

import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = b"<!DOCTYPE html><html><head><title>Oops</title></head><body>Something went wrong.</body></html>"
FAULTS = ("cut", "reset", "timeout", "500", "html")


@dataclass(frozen=True)
class Asked:
    """One request, as far as it tells what is wanted."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes


@dataclass
class Heard:
    """An answer that has been kept back."""

    status: int = 500
    headers: Iterable[tuple[bytes, bytes]] = ()
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", ())
        else:
            self.body += message.get("body", b"")


class Spoiler:
    """`verb_of` names what a request wants; `spoil` orders a fault for the next requests of a verb."""

    def __init__(self, app: ASGIApp, verb_of: Callable[[Asked], str]) -> None:
        self._app = app
        self._verb_of = verb_of
        self._due: deque[tuple[str, str]] = deque()
        self.asked: list[str] = []
        """The verbs, in their order."""
        self.before: dict[str, Callable[[], object]] = {}
        """What happens at the supplier when the next request of a verb arrives, before it is looked at."""

    def spoil(self, verb: str, kind: str, times: int = 1) -> None:
        assert kind in FAULTS
        self._due.extend([(verb, kind)] * times)

    def mend(self) -> None:
        """The line is good from now on."""
        self._due.clear()

    @property
    def all_spoilt(self) -> bool:
        """Whether every fault that was ordered has met its request."""
        return not self._due

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await body_of(receive)
        query = dict(parse_qsl(scope["query_string"].decode()))
        verb = self._verb_of(Asked(scope["method"], scope["path"], query, body))
        self.asked.append(verb)
        if (happens := self.before.pop(verb, None)) is not None:
            happens()
        fault = self._take(verb)
        if not fault:
            await self._app(scope, _replayed(body, receive), send)
            return
        heard = Heard()
        await self._app(scope, _replayed(body, receive), heard.send)
        await _answer(fault, heard, receive, send)

    def _take(self, verb: str) -> str:
        for place, (wanted, kind) in enumerate(self._due):
            if wanted == verb:
                del self._due[place]
                return kind
        return ""


async def body_of(receive: Receive) -> bytes:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What was read already, and then what really comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


async def _answer(fault: str, heard: Heard, receive: Receive, send: Send) -> None:
    if fault in ("500", "html"):
        status = 500 if fault == "500" else 200
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": PAGE})
        return
    if fault == "cut":
        headers = [(name, value) for name, value in heard.headers if name.lower() != b"content-length"]
        headers.append((b"content-length", str(len(heard.body)).encode()))
        await send({"type": "http.response.start", "status": heard.status, "headers": headers})
        half = bytes(heard.body[: len(heard.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
    if fault == "reset":
        reset(send)
    elif fault == "cut":
        _transport(send).close()
    while (await receive())["type"] != "http.disconnect":
        pass


def reset(send: Send) -> None:
    """End the connection of an answer as a crashed machine does: what was not read is lost, on both sides."""
    transport = _transport(send)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _transport(send: Send) -> Any:
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionError("only a server that shows its transport can break a connection")
    return transport
