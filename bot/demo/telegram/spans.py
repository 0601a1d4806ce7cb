"""Stretches of a text with a meaning, and the rules by which Telegram keeps them apart.

Positions here count code points; `to_entities` turns them into the UTF-16 units of the Bot API.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

SPLITTABLE = ("bold", "italic", "underline", "strikethrough", "spoiler")
"""May overlap each other and are cut at each other's borders; all other types stay whole."""
PRE = frozenset({"pre", "code"})
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
PRIORITY = {
    "blockquote": 0,
    "expandable_blockquote": 0,
    "pre": 11,
    "code": 20,
    "date_time": 30,
    "text_link": 49,
    "text_mention": 49,
    "bold": 90,
    "italic": 91,
    "underline": 92,
    "strikethrough": 93,
    "spoiler": 94,
    "custom_emoji": 99,
}
FOUND_PRIORITY = 50


@dataclass(frozen=True, slots=True)
class Span:
    type: str
    start: int
    end: int
    extra: dict[str, Any] = field(default_factory=dict)
    """Further fields of the MessageEntity, such as `url` or `language`."""


def order(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda s: (s.start, -s.end, PRIORITY.get(s.type, FOUND_PRIORITY)))


def settle(spans: Iterable[Span], found: Sequence[Span] = ()) -> list[Span]:
    """The spans that remain when whole ones don't cross and splittable ones are merged, then cut at borders.

    `found` are spans read from the text itself: each gives way to a given whole span that it touches.
    """
    given = order(s for s in spans if s.start < s.end)
    splittable = [s for s in given if s.type in SPLITTABLE]
    quotes = _apart([s for s in given if s.type in QUOTES])
    whole = _apart([s for s in given if s.type not in SPLITTABLE and s.type not in QUOTES])
    whole += [f for f in found if not any(f.start < w.end and w.start < f.end for w in whole)]
    whole = [w for w in whole if not any(_crosses(w, quote) for quote in quotes)]
    borders = order(whole + quotes)
    return order(borders + _Splitter(splittable).split(borders))


def _apart(spans: list[Span]) -> list[Span]:
    """Sorted spans without those that begin before an earlier one has ended."""
    kept: list[Span] = []
    for span in spans:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def _crosses(span: Span, quote: Span) -> bool:
    inside = quote.start <= span.start and span.end <= quote.end
    return not inside and span.start < quote.end and quote.start < span.end


class _Splitter:
    """Cuts splittable spans at the borders of whole ones and at each other's beginnings; none survives inside pre."""

    def __init__(self, spans: list[Span]) -> None:
        self._rest = spans[::-1]
        self._active: dict[str, tuple[int, int]] = {}
        self._result: list[Span] = []

    def split(self, borders: list[Span]) -> list[Span]:
        if not self._rest:
            return []
        last = max(s.end for s in [*self._rest, *borders])
        stack: list[Span] = []
        for border in borders:
            self._pass(border.start, stack)
            stack.append(border)
        self._pass(last, stack)
        return self._result

    def _pass(self, position: int, stack: list[Span]) -> None:
        while stack and position >= stack[-1].end:
            mark = len(self._result)
            self._advance(stack[-1].end)
            if stack.pop().type in PRE:
                del self._result[mark:]
        self._advance(position)

    def _advance(self, limit: int) -> None:
        while self._rest and self._rest[-1].start < limit:
            span = self._rest.pop()
            begin, end = self._active.get(span.type, (0, -1))
            if span.start <= end:
                self._active[span.type] = (begin, max(end, span.end))
            else:
                self._flush(span.start)
                self._active[span.type] = (span.start, span.end)
        self._flush(limit)

    def _flush(self, position: int) -> None:
        for kind in SPLITTABLE:
            begin, end = self._active.get(kind, (position, position))
            if begin >= position:
                continue
            self._result.append(Span(kind, begin, min(end, position)))
            if end <= position:
                del self._active[kind]
            else:
                self._active[kind] = (position, end)


def trim(text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """Without spaces and line feeds at the end, and at the beginning up to the first span."""
    end = len(text.rstrip(" \n"))
    spans = [replace(s, end=min(s.end, end)) for s in spans if s.start < end]
    first = min((s.start for s in spans), default=end)
    head = text[:first]
    cut = len(head) - len(head.lstrip(" \n"))
    if cut:
        spans = [replace(s, start=s.start - cut, end=s.end - cut) for s in spans]
    return text[cut:end], spans


def to_entities(text: str, spans: Iterable[Span]) -> list[dict[str, Any]]:
    """MessageEntity objects, with offsets in UTF-16 units."""
    units = _units(text)
    return [
        {"type": s.type, "offset": units[s.start], "length": units[s.end] - units[s.start], **s.extra} for s in spans
    ]


def from_units(text: str, offset: int, length: int) -> tuple[int, int] | None:
    """Code point positions of a stretch given in UTF-16 units; None when it lies outside or cuts a character."""
    positions = {unit: index for index, unit in enumerate(_units(text))}
    start, end = positions.get(offset), positions.get(offset + length)
    return None if start is None or end is None else (start, end)


def _units(text: str) -> Sequence[int]:
    """UTF-16 offset of each code point, and of the end."""
    if not text or max(text) <= "\uffff":
        return range(len(text) + 1)
    return list(accumulate((1 + (char > "\uffff") for char in text), initial=0))
