"""A text made comparable, character by character, so that every place in it still points into the text as given."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LONGEST_TEXT = 3_000
"""Characters; what is longer is cut. The longest SMS that networks pass on has about 1,500."""

_GONE = "\x00"
_REMEMBERED = 8192
"""As many characters keep their folded form at most: a text of all of Unicode must not fill the memory."""

_DASHES = frozenset("-‐‑‒–—―−﹣־᠆・·•∙⋅") - frozenset("・·•∙⋅")
_DOTS = frozenset("·•∙⋅・‧")
_APOSTROPHES = frozenset("'’‘ʼʻ`´′׳ʹ＇")
_QUOTES = frozenset('"“”„‟«»″״＂')
_BREAKS = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")

# Letters that are written one for another: look-alikes of two alphabets, letters that an accent is part of, and the
# Arabic ones that keyboards of different countries send differently.
_SAME = dict(
    zip(
        "ıłđøəðħ" + "асеорхукмтнвіјѕ" + "یىکكةھہۀۂ",
        "ildoedh" + "aceopxykmthbijs" + "ييككههههه",
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Folded:
    """`words` is for finding words: lower case, no accents. `shape` is for finding codes: case and accents are kept.

    Both are equally long, show every digit as 0-9 and lack invisible characters; `origin` tells for each of their
    characters its place in `text`, with one more at the end.
    """

    text: str
    words: str
    shape: str
    origin: Sequence[int]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The span in `text` of a span that is not empty."""
        return self.origin[start], self.origin[end - 1] + 1


def fold(text: str) -> Folded:
    text = text[:LONGEST_TEXT]
    words, shape = text.translate(_words), text.translate(_shape)
    if _GONE not in words:
        return Folded(text, words, shape, range(len(text) + 1))
    origin = [place for place, character in enumerate(words) if character != _GONE]
    return Folded(text, words.replace(_GONE, ""), shape.replace(_GONE, ""), [*origin, len(text)])


def fold_words(text: str) -> str:
    """A word of the rules as it stands in `Folded.words`."""
    return text.translate(_words).replace(_GONE, "")


class Table(dict[int, str]):
    """A table for str.translate that fills itself."""

    def __init__(self, folded: Callable[[str], str]) -> None:
        super().__init__()
        self._folded = folded

    def __missing__(self, ordinal: int) -> str:
        character = self._folded(chr(ordinal))
        if len(self) < _REMEMBERED:
            self[ordinal] = character
        return character


def _is_gone(character: str, category: str) -> bool:
    """Marks that are not seen, and accents; the vowels and tones of Asian scripts are letters here."""
    if category in ("Cf", "Me") or character in "\x00ـ":
        return True
    if category != "Mn":
        return False
    kind = unicodedata.combining(character)
    return (
        kind >= 200 or kind == 7 or 10 <= kind <= 35 or "\ufe00" <= character <= "\ufe0f" or character >= "\U000e0100"
    )


def _plain(character: str, category: str) -> str:
    """What both forms share; empty for anything else."""
    if character in _BREAKS:
        return "\n"
    if category in ("Zs", "Cc"):
        return " "
    if category == "Nd":
        return str(unicodedata.digit(character))
    if character in _DASHES:
        return "-"
    if character in _DOTS:
        return "·"
    return "'" if character in _APOSTROPHES else ""


def _fold_word(character: str) -> str:
    category = unicodedata.category(character)
    if _is_gone(character, category):
        return _GONE
    if plain := _plain(character, category):
        return plain
    if character in _QUOTES:
        return '"'
    parts = unicodedata.normalize("NFKD", character)
    bare = "".join(part for part in parts if not _is_gone(part, unicodedata.category(part)))
    base = unicodedata.normalize("NFC", bare).lower()
    if len(base) != 1:
        base = character.lower()[:1]
    return _SAME.get(base, base)


def _fold_shape(character: str) -> str:
    category = unicodedata.category(character)
    if _is_gone(character, category):
        return _GONE
    if plain := _plain(character, category):
        return plain
    wide = unicodedata.normalize("NFKD", character) if category in ("Lu", "Ll") else character
    return wide if len(wide) == 1 and wide.isascii() else character


_words = Table(_fold_word)
_shape = Table(_fold_shape)
