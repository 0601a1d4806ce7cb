"""What in a text looks like a number or a code, by its characters alone."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice, pairwise

from bot.domain.codes.addresses import Address

MOST_ATOMS = 64
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
_SYMBOLS = re.compile(r"(?<![!-~])[A-Za-z0-9]++(?:[!@#$%^&*=?_~+.-]{1,3}[A-Za-z0-9]++){1,8}[#$%&*@]?(?![A-Za-z0-9])")
_SYMBOL = re.compile(r"[!@#$%^&*=?_~+]")
_CHAT = re.compile(r"(?<![A-Za-z0-9])(?:[a-z]{1,8}[235679]){1,4}[a-z]{0,8}(?![A-Za-z0-9])|(?<![A-Za-z0-9])[23579][a-z]{2,9}(?![A-Za-z0-9])")
_HASH = re.compile(r"(?:^|(?<![:：])\s)(?![A-Z]?[a-z]+[0-9]*\s*$)(?=[A-Za-z0-9+/]{0,10}[A-Z+/])(?=[A-Za-z0-9+/]{0,10}[a-z+/])([A-Za-z0-9+/]{11})\s*$")
"""The application's hash that ends a message for Android's SMS Retriever."""
_AREA = re.compile(r"\([0-9]{1,5}\) ?$|\+$")
_PAIR = re.compile(r"(?<![A-Za-z0-9-])(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{3,4} (?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{3,4}(?![A-Za-z0-9-])")


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
    found = [_with_neighbours(shape, atom) for atom in _joined(shape, found)]
    passwords = list(_passwords(shape, addresses))
    taken = [(atom.start, atom.end) for atom in passwords]
    found = [atom for atom in found if not _is_inside(atom, taken)]
    found += [Atom(*match.span(), Form.MIXED) for match in _PAIR.finditer(shape)]
    noise = _chatted(shape) + [match.span(1) for match in [_HASH.search(shape)] if match]
    found = [replace(atom, form=Form.NOISE) if _is_inside(atom, noise) else atom for atom in found]
    return sorted([*found, *passwords], key=lambda atom: (atom.start, atom.end))


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
    if part.tie == "," and len(before.text) >= 4 and len(part.text) <= 2 and "\u2e80" <= shape[part.end : part.end + 1]:
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
    if len(digits) >= 4 and (letters.islower() or not letters.isascii()):
        yield Atom(part.start, part.start + len(digits), Form.GLUED if len(digits) <= 10 else Form.NOISE)
    elif len(part.text) >= 5 and letters.isascii() and len(letters) > 1 and len(digits) > 1:
        yield Atom(part.start, part.end, _mixed_form(part.text))
    elif len(part.text) >= 4 and letters.isascii() and letters.isupper() and len(digits) > 2:
        yield Atom(part.start, part.end, Form.MIXED)
    else:
        yield Atom(part.start, part.end, Form.NOISE)


def _mixed_form(text: str) -> Form:
    size = sum(character.isalnum() for character in text)
    is_plain = text.isascii() or text.isupper()
    return Form.MIXED if is_plain and 3 <= size <= 12 else Form.NOISE


def _chain(piece: list[_Part]) -> Iterator[Atom]:
    """Runs tied by hyphens, some with letters."""
    while not piece[-1].text.isascii() and piece[0].text.isascii() and len(piece) > 1 and piece[-1].text.isalpha():
        piece = piece[:-1]  # xR5q6g-ро
    if len(piece) == 1:
        yield from _read(piece)
        return
    head = piece[0]
    tail = piece[1:]
    if len(piece) == 2 and head.text.isalpha() and head.text.isascii() and len(head.text) <= 3 and tail[0].text.isdecimal():
        is_code = 4 <= len(tail[0].text) <= 8 and head.text not in "xX"
        yield Atom(head.start, tail[0].end, Form.PREFIXED if is_code else Form.NOISE)
        return
    numbers = [part for part in piece if part.text.isdecimal()]
    if numbers and piece[: len(numbers)] == numbers and all(_is_ending(part.text) for part in piece[len(numbers) :]):
        ending = piece[-1].end
        yield from (replace(atom, around=(atom.start, ending)) for atom in _read(numbers))  # 838-014-ро, 1117-es
    elif numbers and piece[-len(numbers) :] == numbers and all(_is_word(part.text) for part in piece[: -len(numbers)]):
        yield from _read(numbers)  # kode-1234
    elif any(not part.text.isalpha() for part in piece):
        yield Atom(head.start, piece[-1].end, _mixed_form("".join(part.text for part in piece)))


def _is_ending(text: str) -> bool:
    return text.isalpha() and (text.islower() or not text.isascii())


def _is_word(text: str) -> bool:
    return text.isalpha() and (len(text) > 3 or not text.isascii())


def _joined(shape: str, found: list[Atom]) -> Iterator[Atom]:
    """Numbers with one blank between them are one code, one phone number, one amount, or know their neighbours."""
    run: list[Atom] = []
    for atom in [*found, None]:
        is_next = atom is not None and run and shape[run[-1].end : atom.start] in (" ", " - ")
        if run and not (is_next and _is_number(shape, atom)):
            yield from _run(shape, run)
            run = []
        if atom is not None and _is_number(shape, atom):
            run.append(atom)
        elif atom is not None:
            yield atom


def _is_number(shape: str, atom: Atom | None) -> bool:
    return atom is not None and not any(character.isalpha() for character in shape[atom.start : atom.end])


def _run(shape: str, run: list[Atom]) -> Iterator[Atom]:
    start, end = run[0].start, run[-1].end
    sizes = [sum(character.isdigit() for character in shape[atom.start : atom.end]) for atom in run]
    plain = all(shape[atom.start : atom.end].isdecimal() for atom in run)
    dashed = " - " in shape[start:end]
    if _AREA.search(shape[max(0, start - 8) : start]):
        yield Atom(start, end, Form.NOISE)
    elif len(run) == 1:
        yield run[0]
    elif plain and _is_groupable(sizes) and not (dashed and (len(set(sizes)) > 1 or sum(sizes) < 6)):
        yield Atom(start, end, Form.GROUPED)
        if sizes[0] == 4 and sizes[-1] < 3:
            yield run[0]  # 4821 10 min
    elif dashed:
        yield from (replace(atom, around=(start, end)) for atom in run)
    elif (plain and max(sizes) <= 4 and sum(sizes) > 6) or (not plain and (sum(sizes) >= 9 or max(sizes) <= 3 or sizes[0] <= 3)):
        yield Atom(start, end, Form.NOISE)
    else:
        yield from (replace(atom, around=(start, end)) for atom in run)


def _is_groupable(sizes: list[int]) -> bool:
    if set(sizes) == {1}:
        return 3 <= len(sizes) <= 10
    size = sum(sizes)
    return sizes == [5, 5] or (min(sizes) >= 2 and max(sizes) <= 4 and (4 <= size <= 8 or set(sizes) == {3}))


def _with_neighbours(shape: str, atom: Atom) -> Atom:
    before, after = shape[max(0, atom.before - 3) : atom.before], shape[atom.after : atom.after + 2]
    is_noise = _is_tail(before, after, atom) or _is_money(before, after) or after[:1] in ("%", "‰", "°", "٪")
    return replace(atom, form=Form.NOISE) if is_noise and atom.form is not Form.NOISE else atom


def _is_tail(before: str, after: str, atom: Atom) -> bool:
    """What stars or dots stand for the start of, or what is dialled: *4821, ..4821, *100#."""
    last = before[-1:]
    if last == "*":
        return after[:1] != "*" or (len(after) > 1 and after[1].isdigit()) or before[-2:] == "**"
    return before[-2:] == ".." or last in ("…", "•", "⁎", "∗", "·") or (last == "#" and after[:1] == "*") or after[:2] == "**"


def _is_money(before: str, after: str) -> bool:
    return any(_is_currency(edge) for edge in (before.rstrip(" ")[-1:], after.lstrip(" ")[:1]))


def _is_currency(character: str) -> bool:
    return bool(character) and unicodedata.category(character) == "Sc"
