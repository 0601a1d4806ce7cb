"""The corpus of SMS in `tests/data/sms`: what a message of it is, and what makes a file of it well formed."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "data" / "sms"
TUNING, HELD_OUT = "tuning", "held-out"
HALVES = (TUNING, HELD_OUT)
KEYS = ("id", "lang", "script", "service", "sender", "text", "code", "shown", "kind", "why")

_BLANKS = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufe0e\ufe0f\ufeff]")
_PREFIX = re.compile(r"[A-Za-z]{1,3}-(?=[\d -]+$)")


@dataclass(frozen=True, slots=True)
class Message:
    """The keys of a line; the README beside the files says what each one means."""

    id: str
    lang: str
    script: str
    service: str
    sender: str
    text: str
    code: str | None
    shown: str | None
    kind: str | None
    why: str


def load(half: str) -> list[Message]:
    return [Message(**row) for row in _rows(half)]


def problems(half: str) -> Iterator[str]:
    """What is wrong with a half, by the ids of its messages alone."""
    rows = _rows(half)
    for key in ("id", "text"):
        for value, times in Counter(row.get(key) for row in rows).items():
            if times > 1:
                yield f"one {key}: {[row['id'] for row in rows if row.get(key) == value]}"
    for row in rows:
        yield from (f"{row.get('id')}: {problem}" for problem in _problems_of(row))


def _problems_of(row: dict[str, Any]) -> Iterator[str]:
    if tuple(row) != KEYS:
        yield "other keys, or in another order"
        return
    message = Message(**row)
    if message.code is None or message.shown is None or message.kind is None:
        if (message.code, message.shown, message.kind) != (None, None, None):
            yield "code, shown and kind are neither all there nor all null"
        return
    if message.shown not in message.text:
        yield "what is shown does not stand in the text"
    if message.code != normalised(message.shown, message.kind):
        yield "the code is not what is shown, normalised"
    if message.kind != _kind(message.code):
        yield "the code is of another kind"


def normalised(shown: str, kind: str) -> str:
    """By the rules of the README; written apart from the program's own, so that the two check each other."""
    if kind == "link":
        return shown
    seen = _INVISIBLE.sub("", shown)
    ascii_digits = "".join(str(int(character)) if character.isdecimal() else character for character in seen)
    bare = _PREFIX.sub("", ascii_digits)
    if any(character.isalpha() for character in bare):
        return _BLANKS.sub("", ascii_digits)
    return re.sub(r"[^0-9]", "", bare)


def _kind(code: str) -> str:
    if code.startswith(("http://", "https://")):
        return "link"
    return "digits" if code.isascii() and code.isdigit() else "alphanumeric"


def _rows(half: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
