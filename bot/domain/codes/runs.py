"""Numbers as their neighbours show them: groups of one code, of a phone number, or of an amount."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from bot.domain.codes.atom import Atom, Form

_AREA = re.compile(r"\([0-9]{1,5}\) ?$|\+$")
_GAPS = frozenset((" ", "  ", "   ", " - ", " · "))
"""What may stand between the groups of one number."""


def joined(shape: str, found: list[Atom]) -> Iterator[Atom]:
    """Numbers with one blank between them are one code, one phone number, one amount, or know their neighbours."""
    run: list[Atom] = []
    for atom in [*found, None]:
        is_next = atom is not None and run and shape[run[-1].end : atom.start] in _GAPS
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
    dashed = " - " in shape[start:end] or " · " in shape[start:end]
    if _AREA.search(shape[max(0, start - 8) : start]):
        yield Atom(start, end, Form.NOISE)
    elif len(run) == 1:
        yield run[0]
    elif plain and _is_groupable(sizes) and not (dashed and (len(set(sizes)) > 1 or sum(sizes) < 6)):
        yield Atom(start, end, Form.GROUPED)
        if sizes[0] == 4 and sizes[-1] < 3:
            yield run[0]  # 4821 10 min
    elif plain and len(run) > 2 and sizes[-1] < 3 and _is_groupable(sizes[:-1]):
        yield Atom(start, run[-2].end, Form.GROUPED)  # 482 910 5 min
    elif dashed:
        yield from (replace(atom, around=(start, end)) for atom in run)
    elif (plain and max(sizes) <= 4 and sum(sizes) > 6) or (
        not plain and (sum(sizes) >= 9 or max(sizes) <= 3 or sizes[0] <= 3)
    ):
        yield Atom(start, end, Form.NOISE)
    else:
        yield from (replace(atom, around=(start, end)) for atom in run)


def _is_groupable(sizes: list[int]) -> bool:
    if set(sizes) == {1}:
        return 3 <= len(sizes) <= 10
    size = sum(sizes)
    return sizes == [5, 5] or (min(sizes) >= 2 and max(sizes) <= 4 and (4 <= size <= 8 or set(sizes) == {3}))


def with_neighbours(shape: str, atom: Atom) -> Atom:
    before, after = shape[max(0, atom.before - 3) : atom.before], shape[atom.after : atom.after + 2]
    is_noise = _is_tail(before, after, atom) or _is_money(before, after) or after[:1] in ("%", "‰", "°", "٪")
    return replace(atom, form=Form.NOISE) if is_noise and atom.form is not Form.NOISE else atom


def _is_tail(before: str, after: str, atom: Atom) -> bool:
    """What stars or dots stand for the start of, or what is dialled: *4821, ..4821, *100#."""
    last = before[-1:]
    if last == "*":
        return after[:1] != "*" or (len(after) > 1 and after[1].isdigit()) or before[-2:] == "**"
    return (
        before[-2:] == ".."
        or last in ("…", "•", "⁎", "∗", "·")
        or (last == "#" and after[:1] == "*")
        or after[:2] == "**"
    )


def _is_money(before: str, after: str) -> bool:
    return any(_is_currency(edge) for edge in (before.rstrip(" ")[-1:], after.lstrip(" ")[:1]))


def _is_currency(character: str) -> bool:
    return bool(character) and unicodedata.category(character) == "Sc"
