"""The routes that are always there: health, providers' webhooks, Telegram's webhook."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from bot import __version__
from bot.domain.errors import ProviderError
from bot.providers.base import BadWebhook, WebhookRequest
from bot.services.health import Health
from bot.services.inbox import Inbox, NoSuchHook, Stranger
from bot.web.api import docs
from bot.web.api.app import create_api
from bot.web.api.deps import ApiDeps
from bot.web.api.schema import MOUNTED_AT
from bot.web.compat import routes as compat
from storage.db import StorageError

log = logging.getLogger(__name__)

LARGEST_BODY = 1_000_000
TELEGRAM_PATH = "/telegram/webhook"
TELEGRAM_SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name


class TooLarge(Exception):
    """A body over LARGEST_BODY bytes."""


_NOT_TAKEN = (Stranger, TooLarge, ClientDisconnect, BadWebhook, ProviderError, StorageError)
_PROXY = "if that is a proxy of yours, name it in TRUSTED_PROXIES"


@dataclass(frozen=True, slots=True)
class TelegramHook:
    """Telegram's webhook: the header's secret, and what takes an update in.

    `take` returns once the effect is safe: False where it took nothing, because the program is about to end.
    """

    secret: str
    take: Callable[[bytes], Awaitable[bool]]


def create_app(
    health: Health,
    inbox: Inbox,
    telegram: TelegramHook | None,
    extend: Callable[[FastAPI], None] | None = None,
    api: ApiDeps | None = None,
) -> FastAPI:
    """`extend` adds what is served besides, such as the demo; `api` is None where programs are not served."""
    app = FastAPI(title="codepigeon", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_health_routes(health))
    app.include_router(_provider_routes(inbox))
    if telegram is not None:
        app.include_router(_telegram_routes(telegram))
    if api is not None:
        _open_to_programs(app, api)
    if extend is not None:
        extend(app)
    return app


def _open_to_programs(app: FastAPI, deps: ApiDeps) -> None:
    api = create_api(deps)
    app.include_router(docs.routes(api))
    app.include_router(compat.routes(deps))
    app.mount(MOUNTED_AT, api)


def _health_routes(health: Health) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process runs and its loop turns."""
        return {"status": "ok", "version": __version__}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        """The program can do its work: 200, or 503 with the part that cannot."""
        report = await health.report()
        return JSONResponse({"ready": report.ready, **report.parts}, 200 if report.ready else 503)

    return router


def _provider_routes(inbox: Inbox) -> APIRouter:
    router = APIRouter()

    @router.post("/hooks/{provider}/{secret}")
    async def provider_webhook(provider: str, secret: str, request: Request) -> Response:
        """Answered after the commit. Nothing of the body is read before its sender is known."""
        try:
            sender = inbox.admit(provider, secret, request.client.host if request.client else "")
            headers = {name.lower(): value for name, value in request.headers.items()}
            received = await inbox.webhook(sender, WebhookRequest(headers, await _body(request)))
        except NoSuchHook:
            return _said("not found", 404)
        except _NOT_TAKEN as why:
            return _refused(provider, why)
        return JSONResponse({"status": "ok", "new": received.fresh})

    return router


def _refused(provider: str, why: Exception) -> Response:
    """The answer to a webhook that was not taken, and a line in the log with nothing of what it holds."""
    match why:
        case Stranger():
            line, status, code = f"came from {why}, which its WEBHOOK_FROM does not have; {_PROXY}", "refused", 403
        case TooLarge():
            line, status, code = "was too large", "body too large", 413
        case BadWebhook(forged=True):
            line, status, code = f"was not believed: {why}", "signature refused", 401
        case BadWebhook():  # answered as if taken, so that its sender does not send it again
            line, status, code = f"was not understood: {why}", "ignored", 200
        case _:
            line, status, code = f"could not be taken: {type(why).__name__}", "try again", 503
    log.warning("a webhook of %s %s", provider, line)
    return _said(status, code)


def _telegram_routes(telegram: TelegramHook) -> APIRouter:
    router = APIRouter()

    @router.post(TELEGRAM_PATH)
    async def telegram_webhook(request: Request) -> Response:
        """Answered after the update's effect is safe, since an answer of 200 makes Telegram forget it."""
        given = request.headers.get(TELEGRAM_SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), telegram.secret.encode()):
            return _said("not found", 404)
        try:
            taken = await telegram.take(await _body(request))
        except TooLarge:
            return _said("body too large", 413)
        except (ValueError, ClientDisconnect):
            return _said("not an update", 400)
        return Response(status_code=200) if taken else _said("try again", 503)

    return router


async def _body(request: Request) -> bytes:
    """The body, read no further than LARGEST_BODY. Raises TooLarge."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise TooLarge
    return bytes(body)


def _said(status: str, code: int) -> Response:
    return JSONResponse({"status": status}, code)


__all__ = ["TELEGRAM_PATH", "TelegramHook", "create_app"]
