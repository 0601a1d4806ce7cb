"""A number of a text, and what its characters say of it."""

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    DIGITS = "digits"
    GROUPED = "grouped"
    PREFIXED = "prefixed"
    """`G-123456`"""
    GLUED = "glued"
    """Digits at one end of a word: a blank was forgotten."""
    MIXED = "mixed"
    """Letters and digits."""
    LETTERS = "letters"
    NOISE = "noise"
    """A number that cannot be a code: an amount, a date, a time, a phone number, a card's tail."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A span of Folded.shape. `around` is the run of numbers that it is part of, or itself."""

    start: int
    end: int
    form: Form
    around: tuple[int, int] = (0, 0)

    @property
    def before(self) -> int:
        return self.around[0] if self.around[1] else self.start

    @property
    def after(self) -> int:
        return self.around[1] or self.end
