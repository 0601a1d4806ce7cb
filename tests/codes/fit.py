"""Finds what each piece of evidence is worth: `python -m tests.codes.fit` prints the table for `weights.py`.

Logistic regression over the numbers of the tuning half and of the workshop, never of the held-out half. Each message is
seen several times with words of it forgotten at random: a message of tomorrow uses some that no table has.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp

from bot.domain.codes.code import normalised
from bot.domain.codes.evidence import of_atoms
from bot.domain.codes.fold import Folded, fold
from bot.domain.codes.lexicon import Label, Lexicon, lexicon
from bot.domain.codes.message import NOISE, Message
from tests.codes import corpus, workshop
from tests.codes.prior import PRIOR

FORGOTTEN = (0.0, 0.0, 0.0, 0.1, 0.2, 0.3)
"""The share of words that each copy of a message lacks."""
WELL_KNOWN = 0.2
"""Words that speak against a code are forgotten so many times as rarely: to miss one misleads."""
EPOCHS, RATE, DECAY = 40, 0.04, 0.001
FALSE_ALARM = 1.1
"""A wrong code is so many times as bad as a missed one."""

FREE = frozenset(("bias", "4 digits", "5 digits", "7 digits", "8 digits", "grouped", "interleaved"))
"""What may speak for or against; of the rest, chance must not turn round what common sense says."""

WARNING = frozenset((*NOISE, "offer", "told", "alarm", "amount", "phone"))

Case = tuple[Mapping[str, float], bool]


@dataclass(frozen=True, slots=True)
class Forgetful:
    """A lexicon that lacks words at random."""

    whole: Lexicon
    share: float
    chance: random.Random

    def labels(self, folded: Folded) -> list[Label]:
        def lacks(label: Label) -> bool:
            return self.chance.random() < self.share * (WELL_KNOWN if label.family in WARNING else 1.0)

        return [label for label in self.whole.labels(folded) if not lacks(label)]


def cases(texts: Sequence[tuple[str, str | None]], chance: random.Random) -> Iterator[Case]:
    for share in FORGOTTEN:
        for text, code in texts:
            message = Message(fold(text), Forgetful(lexicon(), share, chance))  # type: ignore[arg-type]
            is_choice = code is not None and bool(message.spans["stale"].all or message.spans["fresh"].all)
            for atom, evidence in of_atoms(message):
                is_code = normalised(message.folded.shape[atom.start : atom.end]) == code
                if is_code or not is_choice:  # a code of yesterday looks like one
                    yield evidence, is_code


def fit(found: list[Case], chance: random.Random) -> dict[str, float]:
    weights = dict(PRIOR)
    for epoch in range(EPOCHS):
        rate = RATE * (1 - epoch / EPOCHS) + 0.002
        chance.shuffle(found)
        for evidence, is_code in found:
            odds = weights["bias"] + sum(weights.get(name, 0.0) * worth for name, worth in evidence.items() if worth)
            error = (1 / (1 + exp(-max(-30.0, min(30.0, odds)))) - is_code) * (1.0 if is_code else FALSE_ALARM)
            for name, worth in (("bias", 1.0), *evidence.items()):
                if worth:
                    weight = weights.get(name, 0.0)
                    weights[name] = _sensible(
                        name, weight - rate * (error * worth + DECAY * (weight - PRIOR.get(name, 0.0)))
                    )
    return weights


def _sensible(name: str, weight: float) -> float:
    guess = 0.0 if name in FREE else PRIOR.get(name, 0.0)
    if guess > 0:
        return max(0.0, weight)
    return min(0.0, weight) if guess < 0 else weight


def main() -> None:
    chance = random.Random(7)
    texts = [(one.text, one.code) for one in corpus.load(corpus.TUNING)] + [
        (one.text, one.code) for one in workshop.load()
    ]
    found = list(cases(texts, chance))
    names = dict.fromkeys(name for evidence, _ in found for name in evidence)
    weights = fit(found, chance)
    print("WEIGHTS = {")
    for name in ("bias", *names):
        print(f'    "{name}": {weights.get(name, 0.0):.2f},')
    print("}")


if __name__ == "__main__":
    main()
