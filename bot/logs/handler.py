"""One handler for everything that is logged, in this process and its libraries; no secret passes it."""

import contextlib
import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, TextIO, TypeAlias

from bot.logs.redaction import Redactor

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

CHATTY = (
    "aiosqlite",
    "aiohttp",
    "apscheduler",
    "asyncio",
    "hpack",
    "httpcore",
    "httpx",
    "telegram",
    "telegram.ext",
    "uvicorn.access",
    "uvicorn.error",
)
"""Libraries that log SQL parameters, payloads or addresses below WARNING: no pattern would find an SMS text in them."""

_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 9}


class _Text(logging.Formatter):
    """`2026-01-31 12:00:00.000Z INFO bot.app: started`, then the traceback. A message keeps to its line."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage().translate(_CONTROL)
        line = f"{_utc(record):%Y-%m-%d %H:%M:%S}.{int(record.msecs):03d}Z {record.levelname} {record.name}: {message}"
        trace = _traceback(self, record)
        return f"{line}\n{trace}" if trace else line


class _Json(logging.Formatter):
    """One object a line: time, level, logger, message, and error (the traceback) where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _utc(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := _traceback(self, record):
            entry["error"] = trace
        return json.dumps(entry, ensure_ascii=False)


def _utc(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    # Not kept in record.exc_text, as the base class does: another handler would print it as it is.
    parts = [formatter.formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


class _Redacting(logging.Formatter):
    """Redacts what `inner` made: the message with its arguments, and the traceback."""

    def __init__(self, inner: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._inner = inner
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor(self._inner.format(record))


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        # The inherited one prints the record's arguments to stderr past every formatter.
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"a record of {record.name} at {record.filename}:{record.lineno} could not be logged\n")


def install(
    level: Level,
    fmt: Literal["text", "json"],
    secrets: Iterable[str],
    *,
    redact: bool = True,
    stream: TextIO | None = None,
) -> logging.Handler:
    """Send all logging to `stream` (None: stderr), in place of an earlier call's; the handler is for who removes it.

    `redact=False` shows everything, at `level` in every library: only for a test that has to see what would leak.
    uvicorn has to be run with `log_config=None`, or it takes its loggers back.
    """
    handler = _Handler(sys.stderr if stream is None else stream)
    formatter: logging.Formatter = _Json() if fmt == "json" else _Text()
    handler.setFormatter(_Redacting(formatter, Redactor(secrets)) if redact else formatter)
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(level)
    _set_up_libraries(logging.getLevelNamesMapping()[level], redact=redact)
    return handler


def _set_up_libraries(level: int, *, redact: bool) -> None:
    for name in _UVICORN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING) if redact else level)
    # It logs a whole answer that is no JSON, with whatever it echoes of a message, at ERROR.
    logging.getLogger("telegram.request.BaseRequest").setLevel(logging.CRITICAL if redact else level)
