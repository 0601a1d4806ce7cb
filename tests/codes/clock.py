"""How long the extractor takes, on usual texts and on the worst that are known."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from bot.domain.codes import extract
from tests.codes.corpus import Message

BOUND_MS, LONGEST = 20.0, 10_000
PARTS = (
    "1 ", "1-", "1.", "123 ", "1234-", "12 34 ", "A1B2C ", "A-1-", "kode-1 ", "code ", "code 1234 ", "код 1234\n",
    "1,2 ", "@a.b #", "@a #1\n", "http://a.b/c1 ", "a.b.c.", "a@", "a!1!", "x1x1", "[(", "“code” ", "password: abc ",
    "验证码1234,5", "码", "は", "รหัส", "рез", "\u0301", "\u200f", "\n", " ", ": ", "is ", "is:", "AB12 CD34 ",
    "kod kod-", "٣", "1️⃣", "ABCDEF ", "a", "1", "aA1+", "₽1", "*1", "use ABCDE ", "don't share code ",
    "old code 1234 new code 5678. ", "abcdefghijK ", "confirm", "verify 1234. ",
)  # fmt: skip
"""Each repeated to the longest text that is read."""


@dataclass(frozen=True, slots=True)
class Times:
    """In milliseconds; `worst` is for the slowest of PARTS, named by it."""

    median_ms: float
    slowest_ms: float
    worst_ms: float
    worst: str


def measure(messages: Iterable[Message]) -> Times:
    usual = [_of_three(lambda m=message: extract(m.text, m.sender, m.service)) for message in messages]  # type: ignore[misc]
    hard = [(_of_three(lambda t=text: extract(t)), part) for part, text in hard_texts()]  # type: ignore[misc]
    worst_ms, worst = max(hard)
    return Times(median(usual), max(usual), worst_ms, worst)


def hard_texts() -> Iterator[tuple[str, str]]:
    for part in PARTS:
        yield part, (part * (LONGEST // len(part) + 1))[:LONGEST]


def _of_three(call: Callable[[], object]) -> float:
    return median(_once(call) for _ in range(3))


def _once(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
