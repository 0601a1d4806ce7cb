"""`python -m bot.domain.codes`: texts from standard input, their codes to standard output.

One text in a line, one code in a line, empty where there is none. With --json, NUL ends each text, so that it may have
lines, and an object with `code`, `kind` and `confidence` stands in a line for each. What is no UTF-8 is read as U+FFFD.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from bot.domain.codes.extract import extract

CHUNK = 65_536
"""Bytes that are read at a time."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bot.domain.codes", description="Find the verification code in each SMS of standard input."
    )
    parser.add_argument("--json", action="store_true", help="texts end with NUL; one JSON object for each")
    as_json = parser.parse_args(arguments).json
    try:
        for text in texts(sys.stdin.buffer, b"\0" if as_json else b"\n"):
            line = _object(text) if as_json else _line(text)
            sys.stdout.buffer.write(line.encode() + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _hush()
        return 1
    return 0


def texts(source: BinaryIO, end: bytes) -> Iterator[str]:
    """What stands between the ends; the last one may lack its own."""
    rest = b""
    while chunk := source.read1(CHUNK) if hasattr(source, "read1") else source.read(CHUNK):
        *whole, rest = (rest + chunk).split(end)
        yield from (text.decode("utf-8", "replace") for text in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def _line(text: str) -> str:
    found = extract(text)
    return found.value if found else ""


def _object(text: str) -> str:
    found = extract(text)
    shown = (
        {"code": found.value, "kind": found.kind.value, "confidence": round(found.confidence, 4)}
        if found
        else {"code": None, "kind": None, "confidence": 0.0}
    )
    return json.dumps(shown, ensure_ascii=False)


def _hush() -> None:
    """The reader is gone: what is left in the buffer has nowhere to go, and the exit must not complain of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
