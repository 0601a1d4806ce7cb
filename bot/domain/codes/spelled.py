"""Codes without a digit: a temporary password, a code word, a few capitals."""

import re
from collections.abc import Iterator
from itertools import islice

from bot.domain.codes.lexicon import Label
from bot.domain.codes.message import Message

SURE = 0.8
"""How sure it is that a word told as a password is one."""
MOST_WORDS = 20
_WORD = r"[^\W_]+(?:[-_.][^\W_]+){0,3}"
_QUOTED = re.compile(rf"[«“„\"'「『‹](?P<code>{_WORD})[»”“\"'」』›]")
_AT_END = re.compile(rf"(?P<code>{_WORD})(?=[\"'*]?(?:$|\s*[\n(（;。!]|[.,](?:\s|$)))")
_CAPITALS = re.compile(r"(?P<code>[A-Z]{5,10})(?![^\W_]|-)")
_HYPHENS = re.compile(r"(?P<code>[a-z]{3,12}(?:-[a-z]{3,12}){1,3})(?![^\W_]|-)")
_SAID = re.compile(r"[ ]{0,2}(?:[:=：]|[-–—])?\s{0,2}[*]?")


def spelled(message: Message) -> tuple[int, int] | None:
    """The span in Folded.shape of a word told as a code, or None. Where something is advertised, words are promo codes."""
    if message.spans["offer"].all:
        return None
    words = islice(_words(message), MOST_WORDS)
    return next((span for span in words if not _is_told_of(message, *span)), None)


def _words(message: Message) -> Iterator[tuple[int, int]]:
    is_shouted = _is_shouted(message.folded.shape)
    for label in [*message.spans["secret"].all, *message.spans["code"].all, *message.spans["enter"].all]:
        for start, is_said in _starts(message, label):
            match = _match(message, label, start, is_said, is_shouted)
            if match and _is_long(match["code"]):
                yield match.span("code")


def _starts(message: Message, label: Label) -> Iterator[tuple[int, bool]]:
    """Where the word may start: right behind the name, or behind `is` or a colon in the same sentence."""
    shape = message.folded.shape
    gap = _SAID.match(shape, label.end)
    if gap:
        yield gap.end(), ":" in gap[0] or "：" in gap[0]
    said = message.spans["is"].behind(label.end)
    if said and message.sentence(said.start) == message.sentence(label.end) and said.start - label.end <= 40:
        after = _SAID.match(shape, said.end)
        yield (after.end() if after else said.end), shape[said.start : said.end] in (":", "：")


def _match(message: Message, label: Label, start: int, is_said: bool, is_shouted: bool) -> re.Match[str] | None:
    shape, is_word = message.folded.shape, label.family == "secret"
    if label.family == "enter":
        match = _CAPITALS.match(shape, start)
        return match if match and _is_random(match["code"]) else None
    if is_word and (match := _QUOTED.match(shape, start)):
        return match
    if (match := _CAPITALS.match(shape, start)) and (_is_random(match["code"]) or not is_shouted):
        return match
    if is_word and (match := _HYPHENS.match(shape, start)):
        return match
    match = _AT_END.match(shape, start) if is_word else None
    return match if match and (is_said or _is_odd(match["code"])) else None


def _is_long(word: str) -> bool:
    if word.isdecimal():
        return False
    return 4 <= len(word) <= 24 or (len(word) > 1 and word[0] >= "\u2e80")


def _is_odd(word: str) -> bool:
    """Not what a sentence goes on with: a capital inside, a digit, or a name."""
    return not word.islower() and word.isascii()


def _is_random(capitals: str) -> bool:
    """No word: hardly a vowel."""
    return sum(character in "AEIOUY" for character in capitals) * 4 < len(capitals)


def _is_shouted(shape: str) -> bool:
    letters = [character for character in shape[:400] if character.isalpha()]
    return sum(character.isupper() for character in letters) * 2 > len(letters)


def _is_told_of(message: Message, start: int, end: int) -> bool:
    """Whether a word of the rules stands in it: `Password: changed`."""
    return any(
        label.start < end and start < label.end
        for family, spans in message.spans.items()
        if family in ("secret", "code", "figure", "purpose", "enter", "keep", "lasts", "stale", "told", "record", "account", "phone")
        for label in spans.all
    )
