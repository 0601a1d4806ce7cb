"""What an answer says, whatever its content type and status: a success to be read, or a word that refuses.

The order is that of docs/providers.md: JSON before text, an error in JSON before the HTTP status, the status before
the text. Whatever is neither (a page of HTML, nothing, half of an answer) is Malformed and never a success.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from bot.domain.errors import CancelTooEarly, ProviderError, Throttled
from bot.domain.time import SECOND, Ms
from bot.providers.handler_api.dialects import Dialect
from bot.providers.handler_api.words import BY_STATUS, PHRASES, SUCCESSES, WORDS
from bot.providers.http import Answer

_BREAK = re.compile(r"[:\s]")
_PLAIN = re.compile(r"[A-Z0-9_]{2,40}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d[:-]\d\d[:-]\d\d", re.ASCII)
_BAN_S = (60.0, 1800.0)
"""A ban whose end cannot be read lasts the first; none is taken to last longer than the second."""


class Malformed(ValueError):
    """No answer of the protocol. The text says what is wrong with it and repeats nothing of it."""


class Rejected(Exception):
    """The member says no. `word` is what it said; `error` is None where the word is not known."""

    def __init__(self, word: str, error: ProviderError | None) -> None:
        super().__init__(word if _PLAIN.fullmatch(word) else "a sentence")
        self.word = word
        self.error = error


class Banned(Throttled):
    """No purchases until then, of anything."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A success: its text, and its JSON where it is JSON."""

    text: str
    data: object = None

    def after(self, *prefixes: str) -> str:
        """What follows `PREFIX:`, unsplit, since a code may hold a colon. Raises Malformed."""
        prefix, _, rest = self.text.partition(":")
        if self.data is not None or prefix not in prefixes:
            raise Malformed("another answer than the one expected")
        return rest


def classify(answer: Answer, dialect: Dialect, now: Ms) -> Reply:
    """Raises Rejected or Malformed."""
    text = answer.text()
    text, data = _parsed(text, answer)
    if isinstance(data, dict) and (said := _error_in(data)) is not None:
        raise Rejected(said, error_of(said, answer, dialect, now, data))
    if not 200 <= answer.status < 300:
        raise _by_status(text, answer, dialect, now)
    if data is not None:
        return Reply("", data)
    return _plain(text, answer, dialect, now)


def _parsed(text: str, answer: Answer) -> tuple[str, object]:
    """Text and JSON, one of them nothing. Some members put their words, and even `{}`, between quotes."""
    if text[:1] not in ("{", "[", '"') and text != "null":
        return text, None
    try:
        data = answer.json()
    except ValueError as why:
        raise Malformed(str(why)) from None
    if isinstance(data, str):
        return ("", {}) if data.strip() == "{}" else (data.strip(), None)
    return "", [] if data is None else data


def _error_in(row: Mapping[str, object]) -> str | None:
    if isinstance(title := row.get("title"), str) and title:
        return title
    status = row.get("status")
    failed = status is False or (isinstance(status, int) and status == 0)
    if failed or (isinstance(status, str) and status.lower() in ("error", "false")):
        said = next((row[key] for key in ("message", "msg", "error") if isinstance(row.get(key), str)), "")
        return str(said) or "ERROR"
    error = row.get("error")
    return error if isinstance(error, str) and error else None


def _by_status(text: str, answer: Answer, dialect: Dialect, now: Ms) -> Exception:
    """A 5xx says nothing but its fault; below that, a known word says more than the number."""
    if answer.status < 500 and (error := error_of(text, answer, dialect, now, {})) is not None:
        return Rejected(_token(text), error)
    kind = BY_STATUS.get(answer.status)
    if kind is None:
        return Malformed(f"HTTP {answer.status}")
    word = f"HTTP_{answer.status}"
    return Rejected(word, Throttled(answer.retry_after_s() or 10.0) if kind is Throttled else kind(word))


def _plain(text: str, answer: Answer, dialect: Dialect, now: Ms) -> Reply:
    if (error := error_of(text, answer, dialect, now, {})) is not None:
        raise Rejected(_token(text), error)
    token = _token(text)
    if token in SUCCESSES:
        return Reply(text)
    if not text:
        raise Malformed("empty")
    if _PLAIN.fullmatch(text.partition(":")[0]):
        raise Rejected(token, None)
    raise Malformed("not a word of the protocol")


def error_of(said: str, answer: Answer, dialect: Dialect, now: Ms, row: Mapping[str, object]) -> ProviderError | None:
    """The typed error of a word or sentence; None where nobody knows it."""
    word = _token(said)
    kind = dialect.words.get(word) or WORDS.get(word) or _phrase(said, dialect)
    if kind is None:
        return None
    if kind is Throttled:
        info = row.get("info")
        wide = word in ("BANNED", "BANNED_GLOBAL") and not (isinstance(info, dict) and info.get("scope") == "specific")
        return (Banned if wide else Throttled)(_wait_s(said, word, answer, dialect, now, info))
    return CancelTooEarly() if kind is CancelTooEarly else kind(word if _PLAIN.fullmatch(word) else "in words")


def _token(text: str) -> str:
    """The word before the first colon or blank."""
    return _BREAK.split(text, maxsplit=1)[0]


def _phrase(said: str, dialect: Dialect) -> type[ProviderError] | None:
    upper = said.upper()
    every = {**PHRASES, **{phrase: kind for phrase, kind in dialect.words.items() if " " in phrase}}
    return next((kind for phrase, kind in every.items() if upper.startswith(phrase)), None)


def _wait_s(said: str, word: str, answer: Answer, dialect: Dialect, now: Ms, info: object) -> float:
    seconds = answer.retry_after_s()
    named = info.get("retry_after_seconds") if isinstance(info, dict) else None
    if seconds is None and isinstance(named, int | float) and not isinstance(named, bool):
        seconds = max(0.0, float(named))
    if seconds is not None:
        return min(seconds, _BAN_S[1])
    return _ban_s(said, dialect, now) if word == "BANNED" else 10.0


def _ban_s(said: str, dialect: Dialect, now: Ms) -> float:
    match = _DATE.search(said)
    if match is None:
        return _BAN_S[0]
    day, clock = match[0][:10], match[0][11:].replace("-", ":")
    try:
        until = datetime.fromisoformat(f"{day}T{clock}").replace(
            tzinfo=timezone(timedelta(hours=dialect.ban_utc_offset_h))
        )
        left = until.timestamp() - now / SECOND
    except (ValueError, OverflowError):
        return _BAN_S[0]
    return min(max(left, _BAN_S[0]), _BAN_S[1])
