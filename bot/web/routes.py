"""The routes that are always there: health, providers' webhooks, Telegram's webhook."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from bot import __version__
from bot.domain.errors import ProviderError
from bot.providers.base import BadWebhook, WebhookRequest
from bot.services.health import Health
from bot.services.inbox import Inbox, NoSuchHook
from storage.db import StorageError

log = logging.getLogger(__name__)

LARGEST_BODY = 1_000_000
TELEGRAM_PATH = "/telegram/webhook"
TELEGRAM_SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name


class TooLarge(Exception):
    """A body over LARGEST_BODY bytes."""


@dataclass(frozen=True, slots=True)
class TelegramHook:
    """Telegram's webhook: the header's secret, and what takes an update in.

    `take` returns once the effect is safe: False where it took nothing, because the program is about to end.
    """

    secret: str
    take: Callable[[bytes], Awaitable[bool]]


def create_app(
    health: Health, inbox: Inbox, telegram: TelegramHook | None, extend: Callable[[FastAPI], None] | None = None
) -> FastAPI:
    """`extend` adds what is served besides, such as the demo."""
    app = FastAPI(title="codepigeon", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_health_routes(health))
    app.include_router(_provider_routes(inbox))
    if telegram is not None:
        app.include_router(_telegram_routes(telegram))
    if extend is not None:
        extend(app)
    return app


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
        """Answered after the commit. A body that is no event is answered 200, so that its sender stops."""
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            received = await inbox.webhook(provider, secret, WebhookRequest(headers, await _body(request)))
        except NoSuchHook:
            return _said("not found", 404)
        except TooLarge:
            return _said("body too large", 413)
        except BadWebhook as error:
            log.warning("a webhook of %s was not believed: %s", provider, error)
            return _said("signature refused", 401) if error.forged else _said("ignored", 200)
        except (ProviderError, StorageError) as error:
            log.warning("a webhook of %s could not be taken: %s", provider, type(error).__name__)
            return _said("try again", 503)
        return JSONResponse({"status": "ok", "new": received.fresh})

    return router


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
        except ValueError:
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
