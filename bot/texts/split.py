"""Messages longer than Telegram takes, cut where a reader would cut them.

Telegram counts UTF-16 code units of what remains after it has parsed tags and entities.
"""

import html as stdlib_html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from bot.texts.html import Html

LIMIT = 4096
_UNSEEN = frozenset(["\u2800", "\ufffc", "\u030a", "\u0333", "\u033f", *map(chr, range(0xE0000, 0xE0080))])
"""Beside white space and marks of format: what Telegram takes for nothing, or takes out of a text."""

# The named entities are all that the Bot API knows; any other is shown as it stands.
_TOKEN = re.compile(
    r"(?P<tag></?(?P<name>[a-zA-Z][\w-]*)[^<>]*>)"
    r"|(?P<entity>&(?:lt|gt|amp|quot|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});)"
    r"|(?s:.)"
)


@dataclass(frozen=True, slots=True)
class _Token:
    """A tag, or one character of text, as written and as seen."""

    raw: str
    seen: str
    tag: str = ""

    @property
    def closes(self) -> bool:
        return bool(self.tag) and self.raw.startswith("</")

    @property
    def opens(self) -> bool:
        return bool(self.tag) and not self.closes


class _Break(IntEnum):
    WORD = 1
    LINE = 2
    PARAGRAPH = 3


def plain(html: Html) -> str:
    """What a reader sees, for places without parse mode: buttons, alerts."""
    return "".join(token.seen for token in _tokens(html))


def visible_length(html: Html) -> int:
    """In UTF-16 code units, after parsing."""
    return _units(plain(html))


def split(html: Html, limit: int = LIMIT) -> list[Html]:
    """`html` as messages of at most `limit` UTF-16 code units each, with tags closed and opened again at the cuts.

    A cut falls after a paragraph or a line if that fills half a message, else after a word, else anywhere. Nothing
    visible is lost; a message that would be blank, which Telegram refuses, is left out.
    """
    if limit < 2:  # one character may take two units
        raise ValueError("limit below 2")
    if visible_length(html) <= limit:
        return [html]
    return list(_parts(list(_tokens(html)), limit))


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _tokens(html: Html) -> Iterator[_Token]:
    for match in _TOKEN.finditer(html):
        raw = match[0]
        if match["tag"]:
            yield _Token(raw, "", match["name"].lower())
        else:
            yield _Token(raw, stdlib_html.unescape(raw) if match["entity"] else raw)


def _parts(tokens: Sequence[_Token], limit: int) -> Iterator[Html]:
    opened: list[_Token] = []
    start = 0
    while start < len(tokens):
        end = _beside_tags(tokens, _cut(tokens, start, limit))
        body = tokens[start:end]
        before = "".join(token.raw for token in opened)
        opened = _opened_after(opened, body)
        after = "".join(f"</{token.tag}>" for token in reversed(opened))
        if not _is_blank(body):
            yield Html(before + "".join(token.raw for token in body) + after)
        start = end


def _cut(tokens: Sequence[_Token], start: int, limit: int) -> int:
    """The index after the last token of the part that begins at `start`."""
    used = 0
    breaks: dict[_Break, tuple[int, int]] = {}
    last = ""
    for at in range(start, len(tokens)):
        seen = tokens[at].seen
        used += _units(seen)
        if used > limit:
            return _best(breaks, limit) or at
        if seen and seen.isspace():
            breaks[_kind_of_break(last, seen)] = (used, at + 1)
        last = seen or last
    return len(tokens)


def _kind_of_break(before: str, space: str) -> _Break:
    if space != "\n":
        return _Break.WORD
    return _Break.PARAGRAPH if before == "\n" else _Break.LINE


def _best(breaks: dict[_Break, tuple[int, int]], limit: int) -> int:
    """The index to cut at, 0 where there is no break."""
    for kind in (_Break.PARAGRAPH, _Break.LINE):
        used, index = breaks.get(kind, (0, 0))
        if used * 2 >= limit:
            return index
    return max((index for _, index in breaks.values()), default=0)


def _beside_tags(tokens: Sequence[_Token], end: int) -> int:
    """`end` moved so that no empty element stands at either side of the cut."""
    while end < len(tokens) and tokens[end - 1].opens:
        end -= 1
    while end < len(tokens) and tokens[end].closes:
        end += 1
    return end


def _opened_after(opened: Sequence[_Token], body: Sequence[_Token]) -> list[_Token]:
    stack = list(opened)
    for token in body:
        if token.opens:
            stack.append(token)
        elif token.closes and stack and stack[-1].tag == token.tag:
            stack.pop()
    return stack


def _is_blank(tokens: Sequence[_Token]) -> bool:
    return all(
        c.isspace() or c in _UNSEEN or unicodedata.category(c) == "Cf" for token in tokens for c in token.seen
    )
