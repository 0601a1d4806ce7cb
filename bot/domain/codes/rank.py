"""The numbers of a message in the order in which they may be its code."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import exp

from bot.domain.codes.atom import Atom
from bot.domain.codes.code import normalised
from bot.domain.codes.evidence import of_atoms
from bot.domain.codes.fold import fold_words
from bot.domain.codes.lexicon import Label
from bot.domain.codes.message import Message

SURE = 0.5
STALE, FRESH, ADDRESSED = -8.0, 3.0, 3.0
"""What it is worth, among several codes, that one is said to be old, or new, or to be of the service in question."""


@dataclass(frozen=True, slots=True)
class Ranked:
    atom: Atom
    value: str
    odds: float
    """The logarithm of the odds that this is the code."""

    @property
    def confidence(self) -> float:
        return 1 / (1 + exp(-max(-30.0, min(30.0, self.odds))))


def ranked(message: Message, names: Collection[str], weights: Mapping[str, float]) -> list[Ranked]:
    """Each value once, the likeliest first. `names` are those of the message's service, and its sender."""
    found = [one for one in _scored(message, weights) if one.value not in names]
    likely = [one for one in found if one.confidence >= SURE]
    if len(likely) > 1:
        shifts = _shifts(message, likely, names)
        found = [Ranked(one.atom, one.value, one.odds + shifts.get(one.value, 0.0)) for one in found]
    return sorted(found, key=lambda one: (-one.odds, one.atom.start))


def _scored(message: Message, weights: Mapping[str, float]) -> list[Ranked]:
    best: dict[str, Ranked] = {}
    for atom, evidence in of_atoms(message):
        value = normalised(message.folded.shape[atom.start : atom.end])
        odds = weights["bias"] + sum(weights[name] * worth for name, worth in evidence.items())
        known = best.get(value)
        if known is None or known.odds < odds:
            best[value] = Ranked(atom, value, odds)
    return list(best.values())


def _shifts(message: Message, likely: list[Ranked], names: Collection[str]) -> dict[str, float]:
    shifts: dict[str, float] = {}
    for labels, worth in (
        (message.spans["stale"].all, STALE),
        (message.spans["fresh"].all, FRESH),
        (_mentions(message, names), ADDRESSED),
    ):
        for value in {one.value for label in labels if (one := _nearest(message, likely, label))}:
            shifts[value] = shifts.get(value, 0.0) + worth
    return shifts


def _nearest(message: Message, likely: Iterable[Ranked], label: Label) -> Ranked | None:
    """The number that a word belongs to: the nearest in its sentence, either way."""

    def cost(one: Ranked) -> int:
        atom = one.atom
        return message.cost(label.end, atom.start) if atom.start >= label.end else message.cost(atom.end, label.start)

    here = [one for one in likely if message.sentence(one.atom.start) == message.sentence(label.start)]
    return min(here, key=cost, default=None)


def _mentions(message: Message, names: Collection[str]) -> list[Label]:
    words = message.folded.words
    found = []
    for name in {fold_words(name) for name in names}:
        start = words.find(name) if len(name) > 1 else -1
        while start >= 0:
            found.append(Label(start, start + len(name), "name"))
            start = words.find(name, start + len(name))
    return [label for label in found if not any(atom.start <= label.start < atom.end for atom in message.atoms)]
