"""Taking secrets out of text that is about to be written somewhere."""

import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

GONE: Final = "[redacted]"

# Between a name and its value: `=`, `:`, `: `, or `', '` of a printed tuple; quotes may be escaped by JSON or repr.
_JOINT = r"""\\*["']?(?:\s*[=:,]\s*|%3[AD])b?\\*["']?"""
_VALUE = r"""[^\s"'\\&,;)}\]<>]+"""

_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # A bot token, wherever it stands; its colon may be percent-encoded, once or twice.
        (r"[0-9]{3,20}(?::|%(?:25)*3A)[A-Za-z0-9_-]{30,64}", GONE),
        # Authorization and Proxy-Authorization, whatever the scheme, to the end of the value.
        (rf"(authorization{_JOINT})[^\r\n\"'\\)}}\]]+", rf"\1{GONE}"),
        # A key of our API and a token made from one, wherever they stand.
        (r"\bcp[kt]_[A-Za-z0-9_-]{16,}", GONE),
        # What webhooks are signed with.
        (r"\bwhsec_[A-Za-z0-9+/=_-]+", GONE),
        (r"\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}", rf"\1{GONE}"),
        (rf"(api[_-]?key{_JOINT}){_VALUE}", rf"\1{GONE}"),
        (rf"(secret[_-]?token{_JOINT}){_VALUE}", rf"\1{GONE}"),
        (r"((?:/|%2F)hooks(?:/|%2F)(?:(?!%2F)[^\s/])+(?:/|%2F))(?:(?!%2F)[^\s/?#\"'\\,)])+", rf"\1{GONE}"),
        # user:password@ of an address
        (r"(https?://)[^\s/@\"'\\]+@", rf"\1{GONE}@"),
    )
)


class Redactor:
    """Takes `secrets`, in each spelling that a log may carry, and everything that looks like a secret out of a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
        # The longest first, so that a secret inside another one leaves no rest of it.
        ordered = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        if self._known:
            text = self._known.sub(GONE, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


def _spellings(secret: str) -> set[str]:
    """As it is, in an address (either case of hex digits), in JSON and in Python's repr."""
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lowered = {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), text) for text in quoted}
    shown = {secret, repr(secret)[1:-1]}
    in_json = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in shown for ascii_only in (True, False)}
    return (shown | in_json | quoted | lowered) - {""}
