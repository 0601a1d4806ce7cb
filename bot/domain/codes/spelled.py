"""Codes without a digit: a temporary password, a code word, a few capitals."""

import re
from collections.abc import Iterator
from itertools import islice, pairwise

from bot.domain.codes.lexicon import Label
from bot.domain.codes.message import Message

SURE = 0.8
"""How sure it is that a word told as a password is one."""
MOST_NAMES = 12
REACH = 60
"""How far behind a name the word may stand, in characters."""
IS_REACH = 24
AHEAD = 40
"""The same for a word that comes first."""

_CLOSE = "[»”“\"'」』›】>*]"
_QUOTED = re.compile(
    rf"(?:(?<![^\W_])[\"'*<]|[«“„「『‹【”])(?P<code>[^\W_]+(?:[-_. ][^\W_]+){{0,3}}){_CLOSE}(?![^\W_])"
)
_TOKEN = re.compile(r"[^\W_]+(?:[-_.!@#$%&*+][^\W_]+){0,4}")
_CAPITALS = re.compile(r"[A-Z]{4,10}|[A-Z]{3,5}(?:-[A-Z]{3,5}){1,2}")
_HYPHENS = re.compile(r"[^\W\d_]{3,12}(?:[-_.][^\W\d_]{3,12}){1,4}")
_SAID = re.compile(r"[ ]{0,2}(?:[:=：,、]|[-–—>→]{1,2})?\s{0,2}$")
_ENDS = re.compile(r"[\"'*]?(?:$|\s*[\n(（;。!！،,，]|\.(?:\s|$)| - )")
_BEHIND = re.compile(r"[»”“\"'」』›】>*]?\s{0,2}(?:[-=:]\s)?")
_FAMILIES = (
    "secret",
    "code",
    "figure",
    "purpose",
    "enter",
    "keep",
    "lasts",
    "stale",
    "told",
    "record",
    "account",
    "phone",
)


def spelled(message: Message) -> tuple[int, int] | None:
    """The span in Folded.shape of a word told as a code, or None."""
    return next((span for span in _words(message) if not _is_told_of(message, *span)), None)


def _words(message: Message) -> Iterator[tuple[int, int]]:
    is_shouted = _is_shouted(message.folded.shape)
    is_offer = len(message.spans["offer"]) > 0
    labels = [*message.spans["secret"].all, *message.spans["code"].all, *message.spans["enter"].all]
    for label in islice(labels, MOST_NAMES):
        if label.family == "secret" or not is_offer:  # a word told as a code, where something is sold, is a promo code
            yield from _behind(message, label, is_shouted)
            yield from _ahead(message, label, is_shouted)


def _behind(message: Message, label: Label, is_shouted: bool) -> Iterator[tuple[int, int]]:
    shape, end = message.folded.shape, label.end
    last = message.clause_end(end, end + REACH)
    quoted = _QUOTED.search(shape, end, last + 1)
    is_word = label.family == "secret"
    if quoted and _is_long(quoted["code"]) and (is_word or _is_lettered(quoted["code"], is_shouted)):
        yield quoted.span("code")
    for token in islice(_TOKEN.finditer(shape, end, last), 8):
        is_next = bool(_SAID.fullmatch(shape, end, token.start()))
        is_said = _is_said(message, label, token.start())
        if (is_next or is_said) and _is_code(message, label, token, is_said, is_shouted):
            yield token.span()


def _is_code(message: Message, label: Label, token: re.Match[str], is_said: bool, is_shouted: bool) -> bool:
    word, is_word = token[0], label in message.spans["secret"].all
    if not _is_long(word):
        return False
    if label.family == "enter":
        return bool(_CAPITALS.fullmatch(word)) and (_is_random(word) or "-" in word)
    if _is_lettered(word, is_shouted):
        return True
    if not is_word:
        return False
    if _HYPHENS.fullmatch(word) and word.islower() and (is_said or word.isascii()):
        return True
    ends = bool(_ENDS.match(message.folded.shape, token.end()))
    is_foreign = word.isascii() and not message.folded.shape[label.start : label.end].isascii()
    return ends and (is_said or is_foreign or _is_odd(word))


def _ahead(message: Message, label: Label, is_shouted: bool) -> Iterator[tuple[int, int]]:
    """A word that comes first: KQXZT is your code."""
    if label.family == "enter":
        return
    shape = message.folded.shape
    first = message.clause_start(label.start, label.start - AHEAD)
    for token in islice(_TOKEN.finditer(shape, first, label.start), 5):
        gap = _BEHIND.match(shape, token.end())
        after = gap.end() if gap else token.end()
        said = message.spans["is"].behind(token.end())
        is_subject = bool(said and said.start - after <= 1) or bool(gap and gap[0].strip())
        if is_subject and _is_long(token[0]) and _is_lettered(token[0], is_shouted):
            yield token.span()


def _is_said(message: Message, label: Label, start: int) -> bool:
    """Whether a colon or a word such as `is` stands between a name and what follows, right before it."""
    lead = message.folded.words[label.end : start].rstrip(" \n\"'*-")
    if lead.endswith((":", "=", "→", ">")):
        return True
    said = message.spans["is"].before(start)
    if said is None or not label.end - 1 <= said.start <= label.end + IS_REACH:
        return False
    is_dense = lead[-1:] >= "\u2e80"
    return said.end == start if is_dense else start - said.end <= 2 and said.end - said.start > 1


def _is_long(word: str) -> bool:
    if any(character.isdigit() for character in word) and not any(character.isalpha() for character in word):
        return False
    return 4 <= len(word) <= 28 if word[0] < "\u2e80" else 2 <= len(word) <= 6


def _is_lettered(word: str, is_shouted: bool) -> bool:
    """Letters that no sentence has: KQXZT, kTmPzQ, WDJB-MJHT."""
    if _CAPITALS.fullmatch(word):
        return _is_random(word) or not is_shouted
    if not word.isascii() or not word.isalpha():
        return False
    changes = sum(before.islower() and after.isupper() for before, after in pairwise(word))
    return changes > 1 or (changes == 1 and _is_random(word.upper()))


def _is_odd(word: str) -> bool:
    """Not what a sentence goes on with: a capital inside, a digit, or a sign."""
    return word.isascii() and not word.isalpha() and not word.replace("-", "").isalpha()


def _is_random(capitals: str) -> bool:
    """No word: hardly a vowel."""
    return sum(character in "AEIOUY" for character in capitals) * 4 < len(capitals)


def _is_shouted(shape: str) -> bool:
    letters = [character for character in shape[:400] if character.isalpha()]
    return sum(character.isupper() for character in letters) * 2 > len(letters)


def _is_told_of(message: Message, start: int, end: int) -> bool:
    """Whether a word of the rules stands in it: `Password: changed`."""
    return any(label.start < end and start < label.end for family in _FAMILIES for label in message.spans[family].all)
