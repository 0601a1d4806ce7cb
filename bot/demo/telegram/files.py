"""Files that bots send, kept in memory, and what can be read from a picture."""

import mimetypes
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from bot.demo.telegram.params import Upload

KEPT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    file_id: str
    unique_id: str
    path: str
    upload: Upload

    def view(self) -> dict[str, Any]:
        """The fields that every kind of file object has."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": len(self.upload.data),
        }


class FileStore:
    """The newest files, up to KEPT_BYTES together."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, StoredFile] = OrderedDict()
        self._by_path: dict[str, StoredFile] = {}
        self._bytes = 0
        self._count = 0

    def add(self, folder: str, upload: Upload) -> StoredFile:
        suffix = mimetypes.guess_extension(upload.mime_type) or ".bin"
        if "." in upload.file_name:
            suffix = "." + upload.file_name.rpartition(".")[2]
        number = self._count
        self._count += 1
        stored = StoredFile(f"DEMO{number:08d}file", f"DEMO{number:08d}", f"{folder}/file_{number}{suffix}", upload)
        self._by_id[stored.file_id] = self._by_path[stored.path] = stored
        self._bytes += len(upload.data)
        while self._bytes > KEPT_BYTES and len(self._by_id) > 1:
            _, oldest = self._by_id.popitem(last=False)
            del self._by_path[oldest.path]
            self._bytes -= len(oldest.upload.data)
        return stored

    def by_id(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        return self._by_path.get(path)


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG; None when it is none of them."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, (length,) = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
