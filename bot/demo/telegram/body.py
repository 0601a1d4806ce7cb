"""The three kinds of body in which a Bot API request comes, and the query string."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from bot.demo.telegram.errors import ApiError, bad_request
from bot.demo.telegram.params import Params, Upload, decode

LIMIT_BYTES = 64 * 1024 * 1024


async def read(scope: Scope, receive: Receive) -> Params:
    """The request's parameters. Raises ApiError 400 when the body is not what its type says."""
    request = Request(scope, receive)
    raw: dict[str, Any] = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        raw |= await _multipart(request)
    else:
        raw |= _plain(kind, await _whole(request))
    values = decode(raw)
    return Params(values, {name: value for name, value in values.items() if isinstance(value, Upload)})


async def _whole(request: Request) -> bytes:
    if int(request.headers.get("content-length") or 0) > LIMIT_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    try:
        return await request.body()
    except ClientDisconnect:
        raise bad_request("the client has gone") from None


def _plain(kind: str, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        if kind == "application/json":
            return _object(json.loads(body))
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise bad_request("can't parse request: the body is not what its Content-Type says") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_request("can't parse request: JSON object expected")
    return {name: item for name, item in value.items() if item is not None}


async def _multipart(request: Request) -> dict[str, Any]:
    try:
        async with request.form(max_part_size=LIMIT_BYTES) as form:
            return {name: await _part(value) for name, value in form.items()}
    except MultiPartException as error:
        raise bad_request(f"can't parse request: {error.message}") from None


async def _part(value: UploadFile | str) -> Upload | str:
    if isinstance(value, str):
        return value
    return Upload(value.filename or "file", value.content_type or "application/octet-stream", await value.read())
