"""The words that tell what a number is, read once from the tables in `rules/`, and where they stand in a text.

A word stands for itself; a star says where it may go on: `verif*`, `*code`, `*kod*`. After `=` a word counts only as it
is written there, accents and script included, and in capitals if it is in capitals. In scripts that set no blanks
between words, every word may stand anywhere.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import chain
from typing import TypeAlias

from bot.domain.codes.fold import Folded, Table, fold_words

FAMILIES = (
    "secret", "code", "figure", "purpose", "errand", "enter", "keep", "lasts", "fresh", "stale",
    "offer", "record", "other", "account", "money", "amount", "phone", "place", "link", "is",
    "told", "alarm",
)  # fmt: skip
LONGEST_ENDING = 24
"""Letters that a star takes in at most."""
MOST_LABELS = 300
"""What stands behind so many words that tell something is not looked at: no SMS has half of them."""

SHORT, SPOKEN = 4, 0.6
"""Words of so few letters count only if their table explains that share of what the best one does."""
ANY = "any"
"""The table of what is written alike in many languages."""

# The first character after each alphabet whose words stand apart, with blanks between them.
_ANY = "0"
_ALPHABETS = (
    (0x600, "2"),
    (0x900, "3"),
    (0xE00, "4"),
    (0x10A0, _ANY),
    (0x1100, "5"),
    (0x1200, _ANY),
    (0x13A0, "6"),
)
_RUN = re.compile("1+|2+|3+|4+|5+|6+")


@dataclass(frozen=True, slots=True)
class Entry:
    family: str
    prefixes: frozenset[str] | None
    """What may precede it in its word; None for anything."""
    goes_on: bool
    exact: str
    """How it has to be written; empty where that does not matter."""
    table: str


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """A word of a family at a place of Folded.words, with its ending."""

    start: int
    end: int
    family: str


HEAD = 3
Lengths: TypeAlias = Mapping[str, tuple[int, ...]]
"""How long the words are that begin so: by their first HEAD characters; those that are shorter by their first one."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    entries: Mapping[str, tuple[Entry, ...]]
    lengths: Lengths
    inner: Lengths
    """The same for the words that may begin inside of a longer one."""

    @classmethod
    def of(cls, tables: Iterable[tuple[str, Mapping[str, list[str]]]]) -> "Lexicon":
        entries: dict[str, dict[Entry, None]] = {}
        lengths: dict[str, set[int]] = {}
        inner: dict[str, set[int]] = {}
        for bare, entry in chain.from_iterable(_entries(*table) for table in tables):
            head = bare[:HEAD] if len(bare) >= HEAD else bare[0]
            entries.setdefault(bare, {})[entry] = None
            lengths.setdefault(head, set()).add(len(bare))
            if entry.prefixes != frozenset():
                inner.setdefault(head, set()).add(len(bare))
        return cls({word: tuple(found) for word, found in entries.items()}, _ordered(lengths), _ordered(inner))

    def labels(self, folded: Folded) -> list[Label]:
        """In the order of their starts, one of each family at a place. The time is linear, whatever the text is."""
        text = _Text(folded)
        words, begins = text.words, text.begins
        outer, inner = self.lengths.get, self.inner.get
        found: list[tuple[Label, Entry, int]] = []
        for start, character in enumerate(words):
            get = outer if begins[start] == start else inner
            long, short = get(words[start : start + HEAD]), get(character)
            if long or short:
                found += self._at(text, start, (*(long or ()), *(short or ())))
                if len(found) >= MOST_LABELS:
                    break
        return _spoken(found)

    def _at(self, text: "_Text", start: int, lengths: Iterable[int]) -> Iterator[tuple[Label, Entry, int]]:
        for length in lengths:
            for entry in self.entries.get(text.words[start : start + length], ()):
                if label := text.label(start, start + length, entry):
                    yield label, entry, length


def _spoken(found: Sequence[tuple[Label, Entry, int]]) -> list[Label]:
    """Without the short words of languages that the rest does not look like: they mean something else here."""
    weight: dict[str, int] = {}
    seen: set[tuple[int, str]] = set()
    for label, entry, length in found:
        if (label.start, entry.table) not in seen:
            seen.add((label.start, entry.table))
            weight[entry.table] = weight.get(entry.table, 0) + length
    least = SPOKEN * max((worth for table, worth in weight.items() if table != ANY), default=0)
    kept: dict[tuple[int, str], Label] = {}
    for label, entry, length in found:
        if length > SHORT or entry.exact or entry.table == ANY or weight[entry.table] >= least:
            kept.setdefault((label.start, label.family), label)
    return list(kept.values())


class _Text:
    """A text with the bounds of the word that each of its characters belongs to."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self.words = folded.words.replace("\n", " ")
        self.begins, self.ends = list(range(len(self.words))), list(range(1, len(self.words) + 1))
        for match in _RUN.finditer(self.words.translate(_alphabets)):
            start, end = match.span()
            self.begins[start:end] = [start] * (end - start)
            self.ends[start:end] = [end] * (end - start)

    def label(self, start: int, end: int, entry: Entry) -> Label | None:
        if end > len(self.words) or (entry.exact and not _is_written(self._folded, start, end, entry.exact)):
            return None
        first, after = self.begins[start], self.ends[end - 1]
        if after != end and not entry.goes_on:
            return None
        if first != start and entry.prefixes is not None and self.words[first:start] not in entry.prefixes:
            return None
        return Label(max(first, start - LONGEST_ENDING), min(after, end + LONGEST_ENDING), entry.family)


@cache
def lexicon() -> Lexicon:
    return Lexicon.of(tables())


def tables() -> Iterator[tuple[str, Mapping[str, list[str]]]]:
    """The name of each table of `rules/`, and its lists of words."""
    for file in sorted(resources.files("bot.domain.codes").joinpath("rules").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            yield from tomllib.loads(file.read_text(encoding="utf-8")).items()


def _ordered(lengths: Mapping[str, set[int]]) -> Lengths:
    return {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}


def _entries(name: str, table: Mapping[str, list[str]]) -> Iterator[tuple[str, Entry]]:
    prefixes = frozenset(fold_words(prefix) for prefix in table.get("prefixes", ()))
    for family in FAMILIES:
        for written in table.get(family, ()):
            yield _entry(family, written, prefixes, name)


def _entry(family: str, written: str, prefixes: frozenset[str], table: str) -> tuple[str, Entry]:
    exact = written[1:] if written.startswith("=") else ""
    word = exact or written
    bare = fold_words(word.strip("*"))
    is_free = word.startswith("*") or _alphabet(bare[0]) == _ANY
    return bare, Entry(family, None if is_free else prefixes, word.endswith("*"), exact, table)


def _is_written(folded: Folded, start: int, end: int, exact: str) -> bool:
    first, after = folded.source(start, end)
    seen = folded.text[first:after]
    return seen == exact or (not exact.isupper() and seen.lower() == exact)


def _alphabet(character: str) -> str:
    """Equal for letters that can be of one word; `_ANY` where words run on without blanks, and for other signs."""
    code = ord(character)
    if code < 0x590:
        return "1" if character.isalpha() else _ANY
    if character in "।॥۔؟،؛":
        return _ANY
    return next((number for first_after, number in _ALPHABETS if code < first_after), _ANY)


_alphabets = Table(_alphabet)
