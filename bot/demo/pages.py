"""The page at `/` and its files under `/demo/page/`."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

FOLDER: Final = Path(__file__).parent / "page"

CONTENT_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        # Makes innerHTML and its like throw: whatever a message says, it stays text.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    body: bytes
    content_type: str
    etag: str


def load(folder: Path = FOLDER) -> dict[str, PageFile]:
    """The page's files by name, read once; nothing outside `folder` can be asked for."""
    return {path.name: _page_file(path) for path in sorted(folder.iterdir()) if path.suffix in CONTENT_TYPES}


def create_pages() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    files = load()

    @router.api_route("/", methods=["GET", "HEAD"])
    async def index(request: Request) -> Response:
        return _answer(request, files["index.html"])

    @router.api_route("/demo/page/{name}", methods=["GET", "HEAD"])
    async def page_file(request: Request, name: str) -> Response:
        found = files.get(name)
        if found is None:
            return JSONResponse({"error": "The page has no such file."}, 404, _HEADERS)
        return _answer(request, found)

    return router


def _answer(request: Request, file: PageFile) -> Response:
    headers = {**_HEADERS, "ETag": file.etag}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if file.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers, media_type=file.content_type)


def _page_file(path: Path) -> PageFile:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:32]
    return PageFile(body, CONTENT_TYPES[path.suffix], f'"{digest}"')
