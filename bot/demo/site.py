"""The whole demo as one addition to an app: page, control API, event stream, and the guard before them."""

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.demo.control import SandboxWorldLike, TelegramWorldLike, create_router
from bot.demo.events import Streams
from bot.demo.guard import Guard
from bot.demo.pages import create_pages

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def mount(app: FastAPI, telegram: TelegramWorldLike, sandbox: SandboxWorldLike, port: int) -> Streams:
    """Add the page, the control API and their guard to `app`, before it starts.

    `port` is the one in people's address bar, 0 for whichever the app is bound to. Call `close` on what comes back
    before the HTTP server stops: it ends the event streams, which would otherwise hold the server.
    """
    streams = Streams(telegram, sandbox)
    app.include_router(create_pages())
    app.include_router(create_router(telegram, sandbox))
    app.router.routes.append(Route("/demo/events", streams, methods=["GET"]))
    app.router.routes.append(Route("/demo/{rest:path}", _no_such_call, methods=_METHODS))
    app.add_middleware(Guard, port=port)
    return streams


async def _no_such_call(request: Request) -> JSONResponse:
    return JSONResponse({"error": "The demo has no such call."}, 404)
