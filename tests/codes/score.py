"""How well a reader of codes does on a list of messages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from bot.domain.codes import extract
from tests.codes.corpus import Message

Reader: TypeAlias = Callable[[Message], str | None]
"""The normalised code of a message, or None."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`wrong` gave another code than the right one, `missed` gave none, `false` gave one where there is none."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.right + other.right, self.wrong + other.wrong, self.missed + other.missed, self.false + other.false
        )

    @property
    def total(self) -> int:
        return self.right + self.wrong + self.missed + self.false

    @property
    def accuracy(self) -> float:
        """In per cent: the exact code, and none where there is none."""
        return 100 * self.right / self.total if self.total else 100.0

    @property
    def misleading(self) -> float:
        """In per cent of all messages: the codes given that are not the right one."""
        return 100 * (self.wrong + self.false) / self.total if self.total else 0.0


def judge(message: Message, found: str | None) -> Tally:
    if found == message.code:
        return Tally(right=1)
    if found is None:
        return Tally(missed=1)
    return Tally(false=1) if message.code is None else Tally(wrong=1)


def tally(messages: Iterable[Message], reader: Reader) -> Tally:
    return sum((judge(message, reader(message)) for message in messages), Tally())


def ours(message: Message) -> str | None:
    found = extract(message.text, message.sender, message.service)
    return found.value if found else None
