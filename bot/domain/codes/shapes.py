"""What in a text looks like a number or a code, by its characters alone."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from bot.domain.codes.addresses import Address
from bot.domain.codes.atom import Atom, Form
from bot.domain.codes.runs import joined, with_neighbours

MOST_ATOMS = 32
"""Numbers that are looked at: no SMS has half of them."""
LETTERS = "A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052f\u0531-\u0587"

_WORD = re.compile(rf"[{LETTERS}0-9]++(?:[-.,:/'·][{LETTERS}0-9]++)*+")
_DIGIT = re.compile("[0-9]")
_PART = re.compile(rf"([-.,:/'·]?)([{LETTERS}0-9]+)")
_DATE = re.compile(
    r"(?:[0-3]?[0-9][-./][01]?[0-9]|[01]?[0-9][-./][0-3]?[0-9])[-./][12][0-9]{3}"
    r"|[12][0-9]{3}[-./][01]?[0-9][-./][0-3]?[0-9]"
)
_SHORT_DATE = re.compile(r"(?:[0-3]?[0-9][-.][01]?[0-9]|[01]?[0-9][-.][0-3]?[0-9])[-.][0-9]{2}")
_MASKED = re.compile(r"[xX]{1,20}[0-9]{2,6}|[0-9]*[xX]{2,20}[0-9]*")
_HOUR = re.compile(r"[0-2]?[0-9][hHчг][0-5][0-9]")
_DIGITS_FIRST = re.compile(r"([0-9]+)([^0-9]+)")
_DIGITS_LAST = re.compile(r"([^0-9]{2,})([0-9]+)")
_SYMBOLS = re.compile(r"(?<![!-~])[A-Za-z0-9]++(?:[!@#$%^&*?_~+.-]{1,3}[A-Za-z0-9]++){1,8}[#$%&*@]?(?![A-Za-z0-9])")
_SYMBOL = re.compile(r"[!@#$%^&*=?_~+]")
_CHAT = re.compile(
    r"(?<![A-Za-z0-9])(?:[a-z]{1,8}[235679]){1,4}[a-z]{0,8}(?![A-Za-z0-9])|(?<![A-Za-z0-9])[23579][a-z]{2,9}(?![A-Za-z0-9])"
)
_HASH = re.compile(
    r"(?:^|(?<![:：])\s)(?![A-Z]?[a-z]+[0-9]*\s*$)(?=[A-Za-z0-9+/]{0,10}[A-Z+/])(?=[A-Za-z0-9+/]{0,10}[a-z+/])([A-Za-z0-9+/]{11})\s*$"
)
"""The application's hash that ends a message for Android's SMS Retriever."""
_PAIR = re.compile(
    r"(?<![A-Za-z0-9-])(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{3,4} "
    r"(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{3,4}(?![A-Za-z0-9-])"
)


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of letters and digits, and what ties it to the one before it."""

    start: int
    text: str
    tie: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def atoms(shape: str, addresses: Sequence[Address]) -> list[Atom]:
    """In the order of their starts; a number may come in two readings."""
    found: list[Atom] = []
    for pieces in _pieces(shape, addresses):
        found += _read(pieces)
        if len(found) >= MOST_ATOMS:
            break
    found = [with_neighbours(shape, atom) for atom in joined(shape, found)]
    noise = _chatted(shape) + [match.span(1) for match in [_HASH.search(shape)] if match]
    passwords = [atom for atom in _passwords(shape, addresses) if not _is_inside(atom, noise)]
    taken = [(atom.start, atom.end) for atom in passwords]
    found = [atom for atom in found if not _is_inside(atom, taken)]
    found += [Atom(*match.span(), Form.MIXED) for match in islice(_PAIR.finditer(shape), MOST_ATOMS)]
    found = [replace(atom, form=Form.NOISE) if _is_inside(atom, noise) else atom for atom in found]
    return sorted([*found, *passwords], key=lambda atom: (atom.start, atom.end))[:MOST_ATOMS]


def _passwords(shape: str, addresses: Sequence[Address]) -> Iterator[Atom]:
    """Letters and digits with signs between them: Kp7!x2Qd."""
    for match in islice(_SYMBOLS.finditer(shape), MOST_ATOMS):
        written = match[0]
        is_mixed = any(map(str.isalpha, written)) and any(map(str.isdigit, written)) and 6 <= len(written) <= 20
        is_address = any(address.start < match.end() and match.start() < address.end for address in addresses)
        if is_mixed and _SYMBOL.search(written) and not is_address:
            yield Atom(*match.span(), Form.MIXED)


def _chatted(shape: str) -> list[tuple[int, int]]:
    """Words of Arabic as chats write them in Latin letters: ta7a9o9, 3ala, ta2keed. One alone may be a password."""
    spans = [match.span() for match in islice(_CHAT.finditer(shape), MOST_ATOMS)]
    return spans if len({shape[start:end] for start, end in spans}) > 1 else []


def _is_inside(atom: Atom, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= atom.start and atom.end <= end for start, end in spans)


def _pieces(shape: str, addresses: Sequence[Address]) -> Iterator[list[_Part]]:
    """Runs that stand together, outside of addresses, with a digit in them or a hyphen."""
    ahead = list(reversed(addresses))
    for match in _WORD.finditer(shape):
        while ahead and ahead[-1].end <= match.start():
            ahead.pop()
        if not _DIGIT.search(match[0]) or (ahead and ahead[-1].start < match.end()):
            continue
        parts = [_Part(part.start(2), part[2], part[1]) for part in _PART.finditer(shape, *match.span())]
        piece = [parts[0]]
        for before, part in pairwise(parts):
            if _breaks(shape, before, part):
                yield piece
                piece = []
            piece.append(part)
        yield piece


def _breaks(shape: str, before: _Part, part: _Part) -> bool:
    if part.tie in "-·":
        return False
    if part.tie == "," and len(before.text) >= 4 and len(part.text) <= 2 and shape[part.end : part.end + 1] >= "\u2e80":
        return True  # 验证码1234,5分钟内有效
    if part.tie == ".":
        return before.text.isalpha() or part.text.isalpha() or part.text[:3].isalpha()
    return not (before.text.isdecimal() and part.text.isdecimal())


def _read(piece: list[_Part]) -> Iterator[Atom]:
    start, end = piece[0].start, piece[-1].end
    if all(part.text.isdecimal() for part in piece):
        yield Atom(start, end, _number_form(piece))
    elif any(part.tie not in "-·" for part in piece[1:]):
        yield Atom(start, end, Form.NOISE)
    elif len(piece) == 1:
        yield from _word(piece[0])
    else:
        yield from _chain(piece)


def _number_form(piece: list[_Part]) -> Form:
    sizes = [len(part.text) for part in piece]
    if len(piece) == 1:
        return Form.DIGITS if 3 <= sizes[0] <= 10 else Form.NOISE
    ties = {part.tie for part in piece[1:]}
    written = "".join(part.tie + part.text for part in piece).lstrip("-.,:/'·")
    if _DATE.fullmatch(written):
        return Form.NOISE
    if ties <= {"-", "·"}:
        is_phone = sum(sizes) >= 9 and len(set(sizes)) > 1
        return Form.GROUPED if max(sizes) <= 4 and 4 <= sum(sizes) <= 10 and not is_phone else Form.NOISE
    if ties == {"."} and not _SHORT_DATE.fullmatch(written) and set(sizes) in ({2}, {3}) and 6 <= sum(sizes) <= 8:
        return Form.GROUPED
    if sizes == [3, 3] and ties <= {",", "/", ":", "'"}:
        return Form.GROUPED  # 482,910 is an amount, unless it is named
    if len(ties) == 1 and set(sizes) == {1} and 4 <= len(sizes) <= 8:
        return Form.GROUPED  # 4.8.1.9
    return Form.NOISE


def _word(part: _Part) -> Iterator[Atom]:
    """A single run with letters in it."""
    text, start, end = part.text, part.start, part.end
    if text.isalpha():
        return
    if _MASKED.fullmatch(text) or _HOUR.fullmatch(text):
        yield Atom(start, end, Form.NOISE)
    elif match := _DIGITS_FIRST.fullmatch(text):
        yield from _digits_first(part, match[1], match[2])
    elif match := _DIGITS_LAST.fullmatch(text):
        letters, digits = match.groups()
        if 3 <= len(digits) <= 10 and (not letters.isupper() or len(digits) == 6 or not text.isascii()):
            yield Atom(start + len(letters), end, Form.GLUED)
        if text.isascii() and not (letters.islower() and len(digits) > 4):
            yield Atom(start, end, _mixed_form(text))
    else:
        yield Atom(start, end, _mixed_form(text))


def _digits_first(part: _Part, digits: str, letters: str) -> Iterator[Atom]:
    glued = Atom(part.start, part.start + len(digits), Form.GLUED if len(digits) <= 10 else Form.NOISE)
    is_latin = letters.isascii()
    if len(digits) >= 4 and (letters.islower() or not is_latin):
        yield glued
        if is_latin and len(digits) < 6 and len(letters) <= 3:
            yield Atom(part.start, part.end, _mixed_form(part.text))
    elif (
        is_latin
        and (min(len(letters), len(digits)) > 1 or letters.isupper())
        and len(part.text) >= 4 + (len(digits) == 2)
    ):
        yield Atom(part.start, part.end, _mixed_form(part.text))
        if len(digits) >= 4 and len(letters) > 1:
            yield glued
    else:
        yield Atom(part.start, part.end, Form.NOISE)


def _mixed_form(text: str) -> Form:
    size = sum(character.isalnum() for character in text)
    is_plain = text.isascii() or text.isupper()
    return Form.MIXED if is_plain and 3 <= size <= 16 else Form.NOISE


def _chain(piece: list[_Part]) -> Iterator[Atom]:
    """Runs tied by hyphens, some with letters."""
    ending = piece[-1].end
    while not piece[-1].text.isascii() and piece[0].text.isascii() and len(piece) > 1 and piece[-1].text.isalpha():
        piece = piece[:-1]  # xR5q6g-ро
    if len(piece) == 1 or piece[-1].end != ending:
        yield from (replace(atom, around=(atom.start, ending)) for atom in _read(piece))
        return
    head = piece[0]
    tail = piece[1:]
    if (
        head.text.isalpha()
        and head.text.isascii()
        and len(head.text) <= 3
        and all(part.text.isdecimal() for part in tail)
    ):
        size = sum(len(part.text) for part in tail)
        is_code = 4 <= size <= 8 and len(tail) < 3 and head.text not in "xX"
        yield Atom(head.start, tail[-1].end, Form.PREFIXED if is_code else Form.NOISE)
        return
    numbers = [part for part in piece if part.text.isdecimal()]
    if numbers and piece[: len(numbers)] == numbers and all(_is_ending(part.text) for part in piece[len(numbers) :]):
        ending = piece[-1].end
        yield from (replace(atom, around=(atom.start, ending)) for atom in _read(numbers))  # 838-014-ро, 1117-es
    elif numbers and piece[-len(numbers) :] == numbers and all(_is_word(part.text) for part in piece[: -len(numbers)]):
        if len(numbers[0].text) < 3 and len(piece) > 2 and head.text.isascii():
            yield Atom(head.start, piece[-1].end, Form.MIXED)  # sunny-otter-48
        else:
            yield from _read(numbers)  # kode-1234
    elif any(not part.text.isalpha() for part in piece):
        yield Atom(head.start, piece[-1].end, _mixed_form("".join(part.text for part in piece)))


def _is_ending(text: str) -> bool:
    return text.isalpha() and (text.islower() or not text.isascii())


def _is_word(text: str) -> bool:
    return text.isalpha() and (len(text) > 3 or not text.isascii())
