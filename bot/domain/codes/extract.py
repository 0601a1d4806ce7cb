"""Finds the code that an SMS was sent for, and what else in it could be the code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from bot.domain.catalogue import Catalogue
from bot.domain.codes.code import Code, Kind, kind_of, normalised
from bot.domain.codes.fold import Folded, fold
from bot.domain.codes.lexicon import Lexicon, lexicon
from bot.domain.codes.links import link_of
from bot.domain.codes.machine import origin_bound
from bot.domain.codes.message import Message
from bot.domain.codes.rank import SURE, ranked
from bot.domain.codes.spelled import SURE as WORD_SURE
from bot.domain.codes.spelled import spelled
from bot.domain.codes.weights import WEIGHTS

PARTS = frozenset(("machine", "spelled", "link", "number"))
"""The kinds of codes that are looked for: lines for machines, words, links, numbers with or without letters."""


def extract(text: str, sender: str | None = None, service: str | None = None) -> Code | None:
    """The code that the user of `service` (a code of the catalogue) is to use, or None. A wrong one is worse than none.

    Nothing is fetched, and the time is bounded whatever the text is: what stands behind LONGEST_TEXT is not read.
    """
    return _reader().extract(text, sender, service)


def candidates(text: str, sender: str | None = None, service: str | None = None) -> Sequence[Code]:
    """All that could be the code, the likeliest first, each value once. Spans refer to `text` as given.

    The first is what `extract` returns, unless that is None; then none of them is likely.
    """
    return _reader().candidates(text, sender, service)


@dataclass(frozen=True, slots=True)
class Reader:
    """The rules that codes are found by. Only measurements use others than the shipped ones."""

    lexicon: Lexicon
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    parts: frozenset[str] = PARTS

    def extract(self, text: str, sender: str | None, service: str | None) -> Code | None:
        found = self.candidates(text, sender, service)
        return found[0] if found and found[0].confidence >= SURE else None

    def candidates(self, text: str, sender: str | None, service: str | None) -> Sequence[Code]:
        folded = fold(text)
        message = Message(folded, self.lexicon)
        found = list(self._numbers(message, _names(sender, service)))
        if "machine" in self.parts and (span := origin_bound(folded)):
            told = _code(folded, *span, 1.0)
            return [told, *(one for one in found if one.value != told.value)]
        if found and found[0].confidence >= SURE:
            return found
        if "spelled" in self.parts and (span := spelled(message)):
            return [_code(folded, *span, WORD_SURE), *found]
        if "link" in self.parts and (link := link_of(message)):
            found.append(_link(folded, link.start, link.end, link.confidence))
        return sorted(found, key=lambda one: -one.confidence)

    def _numbers(self, message: Message, names: Sequence[str]) -> Sequence[Code]:
        if "number" not in self.parts:
            return ()
        found = ranked(message, names, self.weights)
        return [_code(message.folded, one.atom.start, one.atom.end, one.confidence) for one in found]


def _code(folded: Folded, start: int, end: int, confidence: float) -> Code:
    value = normalised(folded.shape[start:end])
    first, after = folded.source(start, end)
    return Code(folded.text[first:after], value, (first, after), confidence, kind_of(value))


def _link(folded: Folded, start: int, end: int, confidence: float) -> Code:
    first, after = folded.source(start, end)
    shown = folded.text[first:after]
    return Code(shown, shown, (first, after), confidence, Kind.LINK)


def _names(sender: str | None, service: str | None) -> Sequence[str]:
    known = _catalogue().services.get(service or "")
    names = [sender or "", *((known.name, *known.aliases) if known else ())]
    return [name for name in names if name]


@cache
def _catalogue() -> Catalogue:
    return Catalogue.shipped()


@cache
def _reader() -> Reader:
    return Reader(lexicon())
