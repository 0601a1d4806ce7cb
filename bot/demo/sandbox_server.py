"""The sandbox over HTTP: its verbs for customers, its panel for scripts and tests. For loopback only: no key is asked.

    POST /sandbox/{verb}            a verb's arguments → its answer; 502 while the supplier is down
    POST /sandbox/panel/sms         {"phone", "sender", "text"} → {"id"}; 404 when nobody has had that phone
    POST /sandbox/panel/mode        {"mode"} or {} → {"mode"}
    POST /sandbox/panel/faults      {"verb", "kind", "times"} → {}
    POST /sandbox/panel/record      {} → {"numbers": […]}
    POST /sandbox/panel/phones      {} → {"phones": […]}
    POST /sandbox/panel/typical     {"service", "index"} → {"texts": […]}

Errors of the panel: {"error": "a sentence"} with 4xx.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.providers import fields
from bot.providers.fields import Row
from bot.providers.sandbox.backend import ConnectionLost, NotReached
from bot.providers.sandbox.world import SandboxWorld

PanelAction: TypeAlias = Callable[[Row], dict[str, Any]]

_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def create_app(world: SandboxWorld) -> Starlette:
    return Starlette(
        routes=[
            Route("/sandbox/panel/{action}", _Panel(world).handle, methods=["POST"]),
            Route("/sandbox/{verb}", _Counter(world).handle, methods=["POST"]),
        ]
    )


class _Counter:
    def __init__(self, world: SandboxWorld) -> None:
        self._world = world

    async def handle(self, request: Request) -> Response:
        try:
            return JSONResponse(await self._world.call(request.path_params["verb"], dict(await _json(request))))
        except ValueError as why:
            return JSONResponse({"ok": False, "error": "bad_request", "detail": str(why)})
        except NotReached:
            return HTMLResponse(_BAD_GATEWAY, 502)
        except ConnectionLost:
            return _CutOff()


class _Panel:
    """Each action raises ValueError for what it cannot read."""

    def __init__(self, world: SandboxWorld) -> None:
        self._world = world
        self._actions: dict[str, PanelAction] = {
            "sms": self._sms,
            "mode": self._mode,
            "faults": self._faults,
            "record": lambda body: {"numbers": world.record()},
            "phones": lambda body: {"phones": world.phones()},
            "typical": self._typical,
        }

    async def handle(self, request: Request) -> Response:
        action = self._actions.get(request.path_params["action"])
        if action is None:
            return JSONResponse({"error": "The panel has no such action."}, 404)
        try:
            return JSONResponse(action(await _json(request)))
        except ValueError as why:
            return JSONResponse({"error": f"Not understood: {why}."}, 400)
        except LookupError:
            return JSONResponse({"error": "Nobody has had that phone."}, 404)

    def _sms(self, body: Row) -> dict[str, Any]:
        given = (fields.text(body, key) for key in ("phone", "sender", "text"))
        sms_id = self._world.receive(*given)
        if sms_id is None:
            raise LookupError
        return {"id": sms_id}

    def _mode(self, body: Row) -> dict[str, Any]:
        if "mode" in body:
            self._world.mode = fields.text(body, "mode")
        return {"mode": self._world.mode}

    def _faults(self, body: Row) -> dict[str, Any]:
        times = fields.optional_whole(body, "times")
        verb, kind = fields.name(body, "verb"), fields.name(body, "kind")
        self._world.faults.add(verb, kind, 1 if times is None else times)
        return {}

    def _typical(self, body: Row) -> dict[str, Any]:
        index = fields.optional_whole(body, "index")
        return {"texts": self._world.typical(fields.name(body, "service"), index=index)}


class _CutOff(Response):
    """Promises a body and sends none: the server then closes the connection, and the caller has no answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4096")]})


async def _json(request: Request) -> Row:
    body = await request.body()
    return fields.as_row(await request.json(), "body") if body else {}
