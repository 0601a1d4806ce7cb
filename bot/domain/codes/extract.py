"""Finds the code that an SMS was sent for, and what else in it could be the code."""

from functools import cache

from bot.domain.catalogue import Catalogue
from bot.domain.codes.code import Code, Kind, kind_of, normalised
from bot.domain.codes.fold import Folded, fold
from bot.domain.codes.lexicon import lexicon
from bot.domain.codes.machine import origin_bound
from bot.domain.codes.message import Message
from bot.domain.codes.rank import SURE, ranked
from bot.domain.codes.links import link_of
from bot.domain.codes.spelled import SURE as WORD_SURE
from bot.domain.codes.spelled import spelled


def extract(text: str, sender: str | None = None, service: str | None = None) -> Code | None:
    """The code that the user of `service` (a code of the catalogue) is to use, or None. A wrong one is worse than none.

    Nothing is fetched, and the time is bounded whatever the text is: what stands behind LONGEST_TEXT is not read.
    """
    found = candidates(text, sender, service)
    return found[0] if found and found[0].confidence >= SURE else None


def candidates(text: str, sender: str | None = None, service: str | None = None) -> list[Code]:
    """All that could be the code, the likeliest first, each value once. Spans refer to `text` as given."""
    folded = fold(text)
    message = Message(folded, lexicon())
    found = [_code(folded, one.atom.start, one.atom.end, one.confidence) for one in ranked(message, _names(sender, service))]
    if span := origin_bound(folded):
        told = _code(folded, *span, 1.0)
        return [told, *(one for one in found if one.value != told.value)]
    if found and found[0].confidence >= SURE:
        return found
    if span := spelled(message):
        return [_code(folded, *span, WORD_SURE), *found]
    if link := link_of(message):
        start, end = folded.source(link.start, link.end)
        shown = text[start:end]
        found.append(Code(shown, shown, (start, end), link.confidence, Kind.LINK))
    return sorted(found, key=lambda one: -one.confidence)


def _code(folded: Folded, start: int, end: int, confidence: float) -> Code:
    value = normalised(folded.shape[start:end])
    first, after = folded.source(start, end)
    return Code(folded.text[first:after], value, (first, after), confidence, kind_of(value))


def _names(sender: str | None, service: str | None) -> list[str]:
    known = _catalogue().services.get(service or "")
    names = [sender or "", *((known.name, *known.aliases) if known else ())]
    return [name for name in names if name]


@cache
def _catalogue() -> Catalogue:
    return Catalogue.shipped()
