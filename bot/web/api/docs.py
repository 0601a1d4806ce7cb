"""The page at /docs: Swagger UI over the API's own document, with every file served from here."""

import hashlib
import json
from importlib import resources

from fastapi import APIRouter, FastAPI, Request, Response

from bot.web.api.schema import document

TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
SHIPPED = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>codepigeon: the HTTP API</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""


def routes(api: FastAPI) -> APIRouter:
    """`api`: whose routes the document tells of."""
    router = APIRouter(include_in_schema=False)
    files = {name: _shipped(name) for name in SHIPPED} | {"start.js": START.encode()}

    @router.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        return _answer(request, json.dumps(document(api)).encode(), "application/json")

    @router.get("/docs")
    async def page(request: Request) -> Response:
        return _answer(request, PAGE.encode(), "text/html; charset=utf-8")

    @router.get("/docs/{name}")
    async def file(request: Request, name: str) -> Response:
        if name not in files:
            return Response(status_code=404, headers=HEADERS)
        return _answer(request, files[name], TYPES["." + name.rpartition(".")[2]])

    return router


def _shipped(name: str) -> bytes:
    return resources.files("fastapi_offline").joinpath("static", name).read_bytes()


def _answer(request: Request, body: bytes, media_type: str) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
