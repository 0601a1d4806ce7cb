"""Every refusal as the contract has it: a stable code with its HTTP status, a sentence, and what else belongs to it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bot.domain import errors as e
from bot.services.wire import instant, money
from storage.db import StorageDown

STATUS: Mapping[str, int] = {
    "bad_request": 400,
    "unknown_country": 400,
    "unknown_service": 400,
    "unauthorized": 401,
    "insufficient_funds": 402,
    "forbidden": 403,
    "not_found": 404,
    "no_such_call": 404,
    "method_not_allowed": 405,
    "no_numbers": 409,
    "price_risen": 409,
    "wrong_state": 409,
    "not_refundable": 409,
    "cancel_too_early": 409,
    "idempotency_mismatch": 409,
    "limit_reached": 409,
    "too_large": 413,
    "rate_limited": 429,
    "internal": 500,
    "provider_fault": 502,
    "unavailable": 503,
}

_PLAIN: Mapping[type[e.CodepigeonError], tuple[str, str]] = {
    e.Unauthorized: (
        "unauthorized",
        "There is no such key, or it was revoked, or the token has ended. /apikey in the chat makes keys.",
    ),
    e.NotInvited: ("forbidden", "The key's owner may not use this bot any more. Its operator can let them in again."),
    e.NotAllowed: ("forbidden", "That is for admins only."),
    e.OutOfScope: ("forbidden", "This key may only read. /apikey full in the chat makes one that may buy."),
    e.NotFound: ("not_found", "There is no such thing, or it is not yours."),
    e.NoOffer: ("no_numbers", "Nobody sells this now. /api/prices says what is on sale."),
    e.QuoteGone: ("no_numbers", "The price has lapsed. Ask for it again."),
    e.NothingToSell: ("no_numbers", "Nothing is on sale here yet: its operator has to connect a provider."),
    e.NoNumbers: ("no_numbers", "Nobody sells this now. /api/prices says what is on sale."),
    e.KeyReused: (
        "idempotency_mismatch",
        "The Idempotency-Key was used with other parameters. Take a new one for another order.",
    ),
    e.NoAnswer: (
        "internal",
        "The supplier has not answered yet. Ask again under the same Idempotency-Key, or see /api/numbers.",
    ),
}
_ADDRESSES: Mapping[str, str] = {
    "no_url": "url is no address of the form https://host/path.",
    "not_reachable": "url leads to no public address.",
    "not_secure": "url must begin with https://.",
}
_RETRY_AFTER = "Retry-After"
_STOPPED_S, _UNSAVED_S = "5", "15"


class ApiError(Exception):
    """`fields` stand beside the code; the HTTP status follows it."""

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.fields = fields

    def response(self) -> Response:
        headers = self.headers | ({"WWW-Authenticate": "Bearer"} if self.code == "unauthorized" else {})
        body = {"status": "error", "code": self.code, "message": self.message, **self.fields}
        return JSONResponse(body, STATUS[self.code], headers)


def bad_request(field: str | None, message: str) -> ApiError:
    return ApiError("bad_request", message, field=field)


def stopping() -> ApiError:
    return ApiError("unavailable", "The server is stopping.", {_RETRY_AFTER: _STOPPED_S})


def unsaved() -> ApiError:
    """Of StorageDown, which storage has logged once already."""
    message = "Nothing can be saved here right now. Nothing was bought; ask again in a while."
    return ApiError("unavailable", message, {_RETRY_AFTER: _UNSAVED_S})


def translated(error: e.CodepigeonError) -> ApiError:
    """What the services refused, in the contract's words."""
    telling = _telling(error)
    if telling is not None:
        return telling
    for kind, (code, message) in _PLAIN.items():
        if isinstance(error, kind):
            return ApiError(code, message)
    if isinstance(error, e.ProviderError):
        return ApiError(
            "provider_fault", "The supplier could not serve this now. Nothing was done; try again in a while."
        )
    return bad_request(None, "That cannot be done.")


def _telling(error: e.CodepigeonError) -> ApiError | None:
    """Of those with further fields."""
    match error:
        case e.TooLittleMoney():
            missing = money(error.missing)
            return ApiError(
                "insufficient_funds", f"The balance is {missing} short. It has to be topped up first.", missing=missing
            )
        case e.LimitReached():
            sentence = f"The limit {error.limit} of {error.allowed} is reached."
            return ApiError("limit_reached", sentence, limit=error.limit, allowed=error.allowed)
        case e.TooOften():
            return ApiError(
                "rate_limited",
                "Too many calls. Wait as long as Retry-After says.",
                {_RETRY_AFTER: _seconds(error.retry_after_s)},
            )
        case e.PriceRisen():
            price = None if error.price is None else money(error.price)
            sentence = (
                "The price has risen. Raise max_price, or see /api/prices."
                if price is None
                else f"The price is now {price}."
            )
            return ApiError("price_risen", sentence, price=price)
        case e.AddressRefused():
            return ApiError("bad_request", _ADDRESSES[error.reason], field="url")
        case e.WebhookOff():
            return ApiError("wrong_state", "The webhook is switched off. Switch it on first.", state="off")
        case e.CancelTooEarly():
            return ApiError(
                "cancel_too_early", "It cannot be given back before cancel_from.", cancel_from=instant(error.at)
            )
    return None


def _seconds(span_s: float) -> str:
    return str(max(1, math.ceil(span_s)))


def install(app: FastAPI, methods_of: Callable[[str], list[str]]) -> None:
    """`methods_of` a path of the app: what may be asked there."""

    @app.exception_handler(ApiError)
    async def refused(_request: Request, error: ApiError) -> Response:
        return error.response()

    @app.exception_handler(e.CodepigeonError)
    async def refused_by_a_service(_request: Request, error: e.CodepigeonError) -> Response:
        return translated(error).response()

    @app.exception_handler(StorageDown)
    async def not_written(_request: Request, _error: StorageDown) -> Response:
        return unsaved().response()

    @app.exception_handler(RequestValidationError)
    async def unreadable(_request: Request, error: RequestValidationError) -> Response:
        return of_validation(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        return _of_http(request, error.status_code, methods_of).response()


def of_validation(problems: Any) -> ApiError:
    """The first thing wrong, named by its field. Nothing of what was sent is repeated: it may be a key."""
    first = problems[0]
    names = [str(part) for part in first["loc"] if part not in ("query", "body", "header", "path")]
    field = names[0] if names else None
    message = "is missing" if first["type"] == "missing" else "cannot be read as what docs/api.md asks for"
    return bad_request(field, f"{field or 'The body'} {message}.")


def _of_http(request: Request, status: int, methods_of: Callable[[str], list[str]]) -> ApiError:
    if status == 405:
        methods = methods_of(request.scope["path"].removeprefix(request.scope["root_path"]))
        return ApiError("method_not_allowed", f"Use {' or '.join(methods)}.", {"Allow": ", ".join(methods)})
    if status == 404:
        return ApiError("no_such_call", "There is no such call. /docs lists all of them.")
    return bad_request(None, "The request cannot be read.")
