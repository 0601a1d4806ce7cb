"""The OpenAPI document: exactly the routes that are served, with every error that each may answer."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from bot.web.api.errors import STATUS
from bot.web.api.models import Error

MOUNTED_AT = "/api"
DESCRIPTION = (
    "Rent a number, read its SMS, give it back, from a program. Make a key by `/apikey` in the chat with the bot. "
    'Besides the two ways below, `"apiKey"` may stand in the JSON body of any call, also of a GET.'
)
ALWAYS = ("bad_request", "unauthorized", "forbidden", "too_large", "rate_limited", "internal", "unavailable")
"""What any call may be refused with."""

Responses: TypeAlias = dict[int | str, dict[str, Any]]

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, or an access token made from it."},
    "apiKey": {"type": "apiKey", "in": "query", "name": "apiKey", "description": "Queries end up in logs."},
}
_FURTHER: Mapping[str, Any] = {
    "bad_request": {"field": "country"},
    "insufficient_funds": {"missing": "0.1250"},
    "price_risen": {"price": "0.4200"},
    "wrong_state": {"state": "finished"},
    "not_refundable": {"state": "received"},
    "cancel_too_early": {"cancel_from": "2026-11-23T10:17:30.250Z"},
    "limit_reached": {"limit": "active_numbers", "allowed": 10},
}


def answers(model: type[BaseModel], *codes: str, pending: str = "") -> Responses:
    """What a route may answer: `model`, also with 202 where it can be `pending` (which says why), or a refusal."""
    good: Responses = {200: {"model": model}}
    if pending:
        good[202] = {"model": model, "description": pending}
    return good | refusals(*codes)


def refusals(*codes: str) -> Responses:
    """The answers with which a route may refuse, besides ALWAYS: by HTTP status, with an example of each code."""
    refused: Responses = {}
    for code in (*ALWAYS, *codes):
        answer = refused.setdefault(STATUS[code], {"description": "", "content": {"application/json": {}}})
        answer["description"] = f"{answer['description']}, {code}".strip(", ")
        content = answer["content"]["application/json"]
        content.setdefault("examples", {})[code] = {"value": _example(code)}
        known = [*content.get("schema", {}).get("allOf", [{}, {"properties": {"code": {"enum": []}}}])[1:]]
        known[0]["properties"]["code"]["enum"].append(code)
        content["schema"] = {"allOf": [{"$ref": "#/components/schemas/Error"}, *known]}
        if code in ("rate_limited", "unavailable"):
            answer["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds."}}
    return refused


def _example(code: str) -> dict[str, Any]:
    return {"status": "error", "code": code, "message": "A sentence for people.", **_FURTHER.get(code, {})}


def methods_of(app: FastAPI, path: str) -> list[str]:
    return sorted(method.upper() for method in document(app)["paths"].get(path, ()))


def document(app: FastAPI) -> dict[str, Any]:
    """Made once and kept: routes do not change while the program runs."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=DESCRIPTION,
            routes=app.routes,
            servers=[{"url": MOUNTED_AT}],
        )
        components = made.setdefault("components", {})
        components["securitySchemes"] = _SECURITY
        schemas = components.setdefault("schemas", {})
        schemas["Error"] = Error.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for operations in made["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                operation["security"] = [{name: []} for name in _SECURITY]
        app.openapi_schema = made
    return app.openapi_schema
