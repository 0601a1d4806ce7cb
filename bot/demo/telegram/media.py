"""Methods that send files and give them back."""

from typing import Any

from bot.demo.telegram.access import writable
from bot.demo.telegram.compose import caption_of, send
from bot.demo.telegram.errors import ApiError, bad_request
from bot.demo.telegram.files import StoredFile, picture_size
from bot.demo.telegram.params import Params, Upload
from bot.demo.telegram.registry import method
from bot.demo.telegram.state import Message
from bot.demo.telegram.world import TelegramWorld

DOCUMENT_LIMIT_BYTES = 50 * 1024 * 1024
PHOTO_LIMIT_BYTES = 10 * 1024 * 1024


@method("sendDocument")
def send_document(world: TelegramWorld, params: Params) -> Message:
    chat = writable(world, params)
    caption = caption_of(world, params)
    stored = _file(world, params, "document", DOCUMENT_LIMIT_BYTES)
    document = {"file_name": stored.upload.file_name, "mime_type": stored.upload.mime_type, **stored.view()}
    return send(world, chat, params, {"document": document, **caption.fields("caption")})


@method("sendPhoto")
def send_photo(world: TelegramWorld, params: Params) -> Message:
    chat = writable(world, params)
    caption = caption_of(world, params)
    stored = _file(world, params, "photo", PHOTO_LIMIT_BYTES)
    size = picture_size(stored.upload.data)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if sum(size) > 10_000 or max(size) > 20 * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    photo = [{"width": size[0], "height": size[1], **stored.view()}]
    return send(world, chat, params, {"photo": photo, **caption.fields("caption")})


@method("getFile")
def get_file(world: TelegramWorld, params: Params) -> dict[str, Any]:
    if "file_id" not in params:
        raise bad_request("file_id not specified")
    stored = world.files.by_id(params.text("file_id"))
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    return {**stored.view(), "file_path": stored.path}


def _file(world: TelegramWorld, params: Params, name: str, limit_bytes: int) -> StoredFile:
    """The file named by an upload, `attach://<part>` or a known file_id."""
    value = params.values.get(name)
    if isinstance(value, str) and value.startswith("attach://"):
        value = params.files.get(value.removeprefix("attach://"))
    if isinstance(value, Upload):
        if not value.data:
            raise bad_request("file must be non-empty")
        if len(value.data) > limit_bytes:
            raise ApiError(413, "Request Entity Too Large")
        return world.files.add(f"{name}s", value)
    if not value:
        raise bad_request(f"there is no {name} in the request")
    stored = world.files.by_id(value)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return stored
