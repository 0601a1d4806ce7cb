"""Messages by the author of the rules, for finding the weights; they prove nothing, so nothing is scored on them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.codes.corpus import normalised

FILE = Path(__file__).parent / "workshop.txt"
_MARKED = re.compile(r"\{\{(.*?)\}\}")


@dataclass(frozen=True, slots=True)
class Sample:
    text: str
    code: str | None


def load() -> list[Sample]:
    return list(_samples())


def _samples() -> Iterator[Sample]:
    """One message in a line, its code between double braces; `\\n` and `\\u....` as in JSON."""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        written = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), line.replace("\\n", "\n"))
        marked = _MARKED.search(written)
        shown = marked[1] if marked else None
        kind = "link" if shown and shown.startswith("http") else ""
        if written:
            yield Sample(_MARKED.sub(r"\1", written), normalised(shown, kind) if shown else None)
