"""A message taken apart: its words that tell something, its numbers, and how far they stand from each other."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain
from math import exp

from bot.domain.codes.addresses import Address, addresses
from bot.domain.codes.atom import Atom, Form
from bot.domain.codes.fold import Folded
from bot.domain.codes.lexicon import FAMILIES, Label, Lexicon
from bot.domain.codes.shapes import atoms

STOP = 14
"""A full stop between a word and a number counts like so many characters, and so on."""
BREAK = 4
COMMA = 5
OTHER_CODE = 10
OTHER_NUMBER = 4
AS_SUBJECT = 28
"""How far behind the number a code may be named."""

NAMES = ("secret", "code", "figure")
NOISE = ("other", "record", "account", "money", "phone", "place")

_STOPS = re.compile(r"[!?。！？؟।॥።۔၊။។։︒]+|[.;](?=\s|$|[^\W\d_])")
_BREAKS = re.compile("\n")
_DASH = re.compile(r"\W{0,2} ?[-=] ")
_COMMAS = re.compile(r"[,،](?=\s)|[，、]")
_OF = (" de ", " di ", " del ", " de la ", " du ", " d'", " da ", " van ", " von ", " la ")
"""What may stand between a code and what it is of."""


class Spans:
    """The labels of a family, or of several, in order."""

    def __init__(self, labels: Iterable[Label]) -> None:
        self.all = sorted(labels)
        self._by_end = sorted(self.all, key=lambda label: label.end)
        self._starts = [label.start for label in self.all]
        self._ends = [label.end for label in self._by_end]

    def __len__(self) -> int:
        return len(self.all)

    def before(self, place: int) -> Label | None:
        """The last one that ends at `place` or earlier."""
        index = bisect_right(self._ends, place)
        return self._by_end[index - 1] if index else None

    def behind(self, place: int) -> Label | None:
        """The first one that starts at `place` or later."""
        index = bisect_left(self._starts, place)
        return self.all[index] if index < len(self._starts) else None

    def within(self, start: int, end: int) -> list[Label]:
        return self.all[bisect_left(self._starts, start) : bisect_left(self._starts, end)]


class Message:
    def __init__(self, folded: Folded, lexicon: Lexicon) -> None:
        self.folded = folded
        self.addresses: Sequence[Address] = addresses(folded.shape)
        self.atoms = atoms(folded.shape, self.addresses)
        self.spans = _by_family(folded.words, self._outside(lexicon.labels(folded)))
        self.atoms = self._whole(self.atoms)
        self.names = Spans(chain.from_iterable(self.spans[family].all for family in NAMES))
        self.asked = Spans(chain.from_iterable(self.spans[family].all for family in (*NAMES, "enter")))
        self._stops = [match.start() for match in _STOPS.finditer(folded.words)]
        self._breaks = [match.start() for match in _BREAKS.finditer(folded.words)]
        self._commas = [match.start() for match in _COMMAS.finditer(folded.words)]
        self._codes = sorted({atom.start for atom in self.atoms if atom.form is not Form.NOISE})
        self._numbers = [atom.start for atom in self.atoms if atom.form is Form.NOISE]
        self._warned = {self.sentence(label.start) for label in self.spans["keep"].all}
        self._warned -= {self.sentence(start) for start in self._codes}

    def _whole(self, found: list[Atom]) -> list[Atom]:
        """Of two readings, the one that fits what follows: 4821 10 is a code of its own, 4821 10 min is not."""
        grouped = {atom.start: atom for atom in found if atom.form is Form.GROUPED}
        double = {atom.start for atom in found if atom.form is Form.DIGITS and atom.start in grouped}
        spans = {start for start in double if self._is_span(grouped[start])}
        return [a for a in found if a.start not in double or (a.form is Form.GROUPED) != (a.start in spans)]

    def _is_span(self, grouped: Atom) -> bool:
        follows = self.spans["amount"].behind(grouped.end)
        return follows is not None and follows.start - grouped.end <= 1

    def _outside(self, labels: list[Label]) -> list[Label]:
        """Without what happens to stand in an address."""
        inside = _Marks(self.folded.words, [Label(address.start, address.end, "") for address in self.addresses])
        return [label for label in labels if not inside.cover(label)]

    def cost(self, start: int, end: int) -> int:
        """How far apart two places are, in characters."""
        return (
            max(0, end - start)
            + STOP * _count(self._stops, start, end)
            + BREAK * _count(self._breaks, start, end)
            + COMMA * _count(self._commas, start, end)
            + OTHER_CODE * _count(self._codes, start, end)
            + OTHER_NUMBER * _count(self._numbers, start, end)
        )

    def is_said(self, atom: Atom) -> bool:
        """Whether a colon or a word such as `is` stands right before a number."""
        lead = self.folded.words[max(0, atom.before - 3) : atom.before].rstrip(' "\n([<「『【«“*')
        said = self.spans["is"].before(atom.before)
        return lead.endswith((":", "=")) or bool(said and atom.before - said.end <= 2)

    def is_told(self, atom: Atom) -> bool:
        """Whether a code was named earlier in the sentence, and the number follows a colon or a word such as `is`."""
        name = self.names.before(atom.before)
        return bool(
            name
            and self.sentence(name.start) == self.sentence(atom.start)
            and not _count(self._breaks, name.end, atom.before - 1)
            and self.is_said(atom)
        )

    def is_subject(self, atom: Atom) -> bool:
        """Whether the number is said to be a code: 4482 is your code, 4482 - the code for ..."""
        said = self.spans["is"].behind(atom.after)
        end = said.end if said and said.start - atom.after <= 3 else 0
        if not end and (dash := _DASH.match(self.folded.words, atom.after)):
            end = dash.end()
        name = self.names.behind(end) if end else None
        return bool(name and self.cost(end, name.start) <= AS_SUBJECT)

    def clause_end(self, place: int, most: int) -> int:
        """Where the sentence of a place ends, `most` at the latest."""
        index = bisect_left(self._stops, place)
        return min(
            most, self._stops[index] if index < len(self._stops) else len(self.folded.words), len(self.folded.words)
        )

    def clause_start(self, place: int, least: int) -> int:
        index = bisect_left(self._stops, place)
        return max(least, self._stops[index - 1] if index else 0, 0)

    def sentence(self, place: int) -> int:
        return bisect_left(self._stops, place)

    def told(self, spans: "Spans") -> int:
        """How many of the labels stand outside of sentences that only warn: never tell anybody your code."""
        return sum(self.sentence(label.start) not in self._warned for label in spans.all)

    def has_number(self, start: int, end: int) -> bool:
        return bool(_count(self._codes, start, end) or _count(self._numbers, start, end))


def near(cost: float, reach: float) -> float:
    """1 at no distance, less further away."""
    return exp(-cost / reach)


def _count(places: Sequence[int], start: int, end: int) -> int:
    return bisect_left(places, end) - bisect_left(places, start) if end > start else 0


def _by_family(words: str, labels: Sequence[Label]) -> dict[str, Spans]:
    """With the names of codes judged by the words beside them: a login code is one, a promo code something else."""
    found: dict[str, list[Label]] = {family: [] for family in FAMILIES}
    for label in labels:
        if label.family not in NOISE or _is_meant(words, label):
            found[label.family].append(label)
    purpose = _Marks(words, [*found["purpose"], *found["errand"]])
    foreign = _Marks(words, [*found["offer"], *found["record"], *found["other"]])
    others = _Marks(words, found["other"])
    elsewhere = _Marks(words, [label for family in NOISE for label in found[family]])
    names = [
        label
        for family in NAMES
        for label in found.pop(family)
        if not (elsewhere if family == "figure" else others).cover(label)
    ]
    keeps = _Marks(words, found["keep"])
    found["enter"] = [label for label in found["enter"] if not keeps.cover(label) and not elsewhere.cover(label)]
    judged: dict[str, list[Label]] = {family: [] for family in NAMES}
    secrets = _Marks(words, [label for label in names if label.family == "secret"])
    for label in names:
        if label.family != "secret" and secrets.cover(label):
            continue
        if label.family == "code" and purpose.touch(label):
            judged["secret"].append(label)
        elif label.family != "secret" and foreign.touch(label):
            found["other"].append(label)
        else:
            judged[label.family].append(label)
    return {family: Spans(there) for family, there in {**found, **judged}.items()}


def _is_meant(words: str, label: Label) -> bool:
    """A single sign of a script without blanks is found inside of all kinds of words: it has to follow a number."""
    if label.end - label.start > 1 or words[label.start] < "\u0e00" or label.family == "phone":
        return True
    return words[max(0, label.start - 2) : label.start].rstrip(" ")[-1:].isdigit()


class _Marks:
    """The places that some labels cover."""

    def __init__(self, words: str, labels: Iterable[Label]) -> None:
        self._words = words
        self._marks = bytearray(len(words) + 1)
        for label in labels:
            self._marks[label.start : label.end] = b"\x01" * (label.end - label.start)

    def cover(self, label: Label) -> bool:
        return all(self._marks[label.start : label.end])

    def touch(self, label: Label) -> bool:
        """In the same word, right before it, or right behind it."""
        start, end, marks = label.start, label.end, self._marks
        if any(marks[start:end]) or (start and marks[start - 1]) or marks[end]:
            return True
        if start > 1 and self._words[start - 1] in " -" and marks[start - 2]:
            return True
        behind = self._words[end : end + 1]
        if behind in (" ", "-") and end + 1 < len(marks) and marks[end + 1]:
            return True
        return any(self._words.startswith(of, end) and marks[end + len(of)] for of in _OF)
