"""Keeps the demo to the machine it runs on.

A page elsewhere can make a browser send requests to 127.0.0.1, and a name under its owner's control can be made to
point there (DNS rebinding). So everything of the demo answers only under a loopback name, only to its own page or to
a program that is no browser, and takes nothing that an HTML form could send.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
LARGEST_BODY_BYTES = 64 * 1024

_HTTP_PORT = 80
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Refusal:
    status: HTTPStatus
    sentence: str


class Guard:
    """ASGI middleware in front of `/` and `/demo`; requests for other paths pass untouched.

    `port` is the one people type; 0 stands for whichever port the request came in on.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not _is_ours(scope["path"]):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        await JSONResponse({"error": refusal.sentence}, refusal.status)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = _single(scope)
        if headers is None:
            return Refusal(HTTPStatus.BAD_REQUEST, "A header that may stand only once was sent twice.")
        hosts = _hosts(self._port or scope["server"][1])
        if headers.get("host", "").lower() not in hosts:
            return Refusal(HTTPStatus.FORBIDDEN, f"The demo answers only under http://{hosts[0]}.")
        if not _from_here(headers, scope):
            return Refusal(HTTPStatus.FORBIDDEN, "The demo takes no requests from other sites.")
        if scope.get("method") in _READS:
            return None
        return _refused_write(headers, hosts)


def _refused_write(headers: Mapping[str, str], hosts: tuple[str, ...]) -> Refusal | None:
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in {f"http://{host}" for host in hosts}:
        return Refusal(HTTPStatus.FORBIDDEN, "The demo takes no requests from other sites.")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with Content-Type: application/json.")
    if "transfer-encoding" in headers:
        return Refusal(HTTPStatus.LENGTH_REQUIRED, "Send the body with a Content-Length.")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length[:12]) > LARGEST_BODY_BYTES:
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have {LARGEST_BODY_BYTES} bytes.")
    return None


def _from_here(headers: Mapping[str, str], scope: Scope) -> bool:
    """False for what a browser says comes from another site or port; a followed link to the page itself is fine."""
    site = headers.get("sec-fetch-site", "none").lower()
    if site in ("none", "same-origin"):
        return True
    return scope["path"] == "/" and scope.get("method") in _READS and headers.get("sec-fetch-mode") == "navigate"


def _hosts(port: int) -> tuple[str, ...]:
    """The Host headers that name this port of this machine."""
    with_port = tuple(f"{name}:{port}" for name in LOOPBACK_NAMES)
    return with_port + LOOPBACK_NAMES if port == _HTTP_PORT else with_port


def _is_ours(path: str) -> bool:
    return path == "/" or path == "/demo" or path.startswith("/demo/")


_DECISIVE = frozenset({"host", "origin", "sec-fetch-site", "sec-fetch-mode", "content-type", "content-length"})


def _single(scope: Scope) -> dict[str, str] | None:
    """The headers by lower-case name; None when one that we decide by is there twice."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name in headers and name in _DECISIVE:
            return None
        headers[name] = raw_value.decode("latin-1").strip()
    return headers
