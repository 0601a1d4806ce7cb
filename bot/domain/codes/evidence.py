"""What speaks for and against a number being the code, as figures between 0 and 1 with a name each."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.domain.codes.atom import Atom, Form
from bot.domain.codes.code import normalised
from bot.domain.codes.message import NAMES, NOISE, Message, Spans, near

LOOSE = ("purpose", "figure before", "figure behind")
RECORDS = tuple(family for family in NOISE if family != "other")
EXPLAINED = 0.4
"""So much noise beside a number says what else it is."""
NAME_REACH, VERB_REACH, NOISE_REACH = 20.0, 14.0, 8.0

_YEAR = re.compile(r"19[5-9][0-9]|20[0-4][0-9]|14[0-2][0-9]|25[5-7][0-9]")
_SHORT_DATE = re.compile(
    r"(?:[0-3]?[0-9]-[01]?[0-9]|[01]?[0-9]-[0-3]?[0-9])-[1-3][0-9]|(?:[01][0-9]|2[0-4])[0-5][05]-(?:[01][0-9]|2[0-4])[0-5][05]"
)
_SYMBOL = re.compile(r"[!@#$%^&*=?_~+]")
_CAPITALS = re.compile(r"[A-Z]{2,} $")
_CAMPAIGN = re.compile(r"[^\W\d_]{2,}[0-9]{1,4}|[0-9]{1,3}[^\W\d_]{3,}|[a-z]{4,}-[A-Za-z]?[0-9]{1,3}")
_SLOGAN = re.compile(r"[^\W\d_]*[AEIOUYАЕИОУЮЯaeiouy][^\W\d_]*[0-9]?[05]|[^\W\d_]{3,}[1-9]?0")
"""A word with a round number: SUMMER20."""
_PERCENT = re.compile("[%٪‰﹪％]")
_OPENING = frozenset('[{<«“"„‘『「【〔《*')
_CLOSING = frozenset(']}>»”"“’』」】〕》*')
_BRANDED = re.compile(r"[\W_]*(?:<#>\s*)?(?:[\[【(（「][^\]】)）」]{1,30}[\]】)）」]|[^\d\n:：]{1,24}[:：])?[\W_]*")


def of_message(message: Message) -> Mapping[str, float]:
    """What holds for each number of the message alike."""
    spans = message.spans
    return {
        "any name": float(message.told(message.names) > 0),
        "any purpose": min(message.told(spans["purpose"]), 3) / 3,
        "any errand": float(message.told(spans["errand"]) > 0),
        "any keep": min(len(spans["keep"]), 2) / 2,
        "any lasts": float(bool(spans["lasts"])),
        "any alarm": float(bool(spans["alarm"])),
        "any told": min(len(spans["told"]), 2) / 2,
        "any offer": (0.0, 0.25, 0.7, 1.0)[min(len(spans["offer"]), 3)],
        "some offer": float(bool(spans["offer"])),
        "any record": min(len(spans["record"]), 3) / 3,
        "any percent": float(bool(_PERCENT.search(message.folded.shape))),
        "any money": min(len(spans["money"]), 3) / 3,
    }


def of_atoms(message: Message) -> Iterator[tuple[Atom, Mapping[str, float]]]:
    """Each number that could be a code, with all that is known about it."""
    about = of_message(message)
    found = [
        _Case(atom, _tied(message, atom), _noise(message, atom))
        for atom in message.atoms
        if atom.form is not Form.NOISE
    ]
    open_ends = {case.atom.start for case in found if not _is_explained(message, case)}
    for case in found:
        is_alone = not open_ends - {case.atom.start}
        yield case.atom, {**about, **_of_case(message, case, about, is_alone)}


@dataclass(frozen=True, slots=True)
class _Case:
    """A number with what names it and what else is said to be it."""

    atom: Atom
    names: Mapping[str, float]
    noise: Mapping[str, float]

    @property
    def tie(self) -> float:
        return max(worth for name, worth in self.names.items() if name not in LOOSE)


def _tied(message: Message, atom: Atom) -> Mapping[str, float]:
    names = _names(message, atom)
    phone = _beside(message, atom, "phone", message.names, NOISE_REACH)[0]
    record = max(_beside(message, atom, family, message.asked, NOISE_REACH)[0] for family in RECORDS)
    doubt = 1 - max(phone, record * _share(message, atom) / 2)
    return {**names, **{f"{family} before": doubt * names[f"{family} before"] for family in NAMES}}


def _is_explained(message: Message, case: _Case) -> bool:
    """Whether it is plain that a number is something else than a code."""
    written = message.folded.shape[case.atom.start : case.atom.end]
    noise = max(case.noise.values())
    return (noise > EXPLAINED and noise > case.tie) or bool(_YEAR.fullmatch(written) or _SHORT_DATE.fullmatch(written))


def _of_case(message: Message, case: _Case, about: Mapping[str, float], is_alone: bool) -> Mapping[str, float]:
    shape = _shape(message, case.atom, 1 - case.tie * case.tie)
    size = shape.pop("size")
    meant = max(about["any name"], about["any purpose"], about["any keep"])
    shape["alone"] = float(is_alone and not shape["mixed"] and 4 <= size <= 8)
    shape["alone and mixed"] = float(is_alone and shape["mixed"] and 4 <= size <= 9) * meant
    shape["alone and meant"] = float(is_alone) * meant
    shape["mixed by offer"] = shape["mixed"] * about["some offer"]
    shape["mixed by percent"] = shape["mixed"] * about["any percent"]
    shape["unsaid"] = float(max(meant, about["any errand"]) == 0) * (
        1 - max(case.names["asked before"], case.names["asked behind"])
    )
    return {**case.names, **case.noise, **shape, **_place(message, case.atom, about)}


def _names(message: Message, atom: Atom) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in NAMES:
        found[f"{family} before"], found[f"{family} behind"] = _near(message, atom, family, NAME_REACH)
    found["asked before"], found["asked behind"] = _near(message, atom, "enter", VERB_REACH)
    found["told"], found["subject"] = float(message.is_told(atom)), float(message.is_subject(atom))
    found["purpose"] = max(*_near(message, atom, "purpose", VERB_REACH), *_near(message, atom, "errand", VERB_REACH))
    return found


def _near(message: Message, atom: Atom, family: str, reach: float) -> tuple[float, float]:
    spans = message.spans[family]
    before, behind = spans.before(atom.before), spans.behind(atom.after)
    if message.is_said(atom):
        reach *= 2.5
    return (
        near(message.cost(before.end, atom.before), reach) if before else 0.0,
        near(message.cost(atom.after, behind.start), reach) if behind else 0.0,
    )


def _noise(message: Message, atom: Atom) -> dict[str, float]:
    """Words that say that the number beside them is something else, unless a code is named or asked for in between."""
    others = _beside(message, atom, "other", message.names, NAME_REACH)
    rest = [_beside(message, atom, family, message.asked, NOISE_REACH) for family in RECORDS]
    share = _share(message, atom)
    rest = [(before * share, behind) for before, behind in rest]
    amount = message.spans["amount"].behind(atom.after)
    small = atom.end - atom.start <= 4 or atom.form is Form.GROUPED
    money = message.spans["money"]
    paid, price = money.before(atom.before), money.behind(atom.after)
    return {
        "other before": others[0],
        "other behind": others[1],
        "noise before": max(before for before, _ in rest),
        "noise behind": max(behind for _, behind in rest),
        "amount behind": float(amount is not None and small and amount.start - atom.after <= 1),
        "money touching": float(
            bool(paid and atom.before - paid.end <= 1)
            or bool(price and price.start - atom.after <= 1 and not message.has_number(price.end, price.end + 3))
        ),
    }


def _share(message: Message, atom: Atom) -> float:
    """How much a word for something else right before a number counts, after: the code for your account is ..."""
    name = message.names.before(atom.before)
    if (
        name is None
        or message.sentence(name.start) != message.sentence(atom.before)
        or message.has_number(name.end, atom.before)
    ):
        return 1.0
    between = [label for family in RECORDS for label in message.spans[family].within(name.end, atom.before)]
    is_of_name = any(label.start - name.end <= 1 for label in between) and len(between) == 1
    return 0.4 if is_of_name or message.is_said(atom) else 0.7


def _beside(message: Message, atom: Atom, family: str, unless: Spans, reach: float) -> tuple[float, float]:
    spans, asked = message.spans[family], unless.before(atom.before)
    before, behind = spans.before(atom.before), spans.behind(atom.after)
    left = right = 0.0
    if before and not message.has_number(before.end, atom.before) and not (asked and asked.start >= before.end):
        left = near(message.cost(before.end, atom.before), reach)
    if behind and not message.has_number(behind.end, behind.end + 8):
        right = near(message.cost(atom.after, behind.start), reach / 2)
    return left, right


def _shape(message: Message, atom: Atom, loose: float) -> dict[str, float]:
    written = message.folded.shape[atom.start : atom.end]
    value = normalised(written)
    digits = value.isdigit()
    size = len(value)
    groups = re.findall("[0-9]+", written) if atom.form is Form.GROUPED else []
    return {
        "3 digits": float(digits and size == 3),
        "4 digits": float(digits and size == 4),
        "5 digits": float(digits and size == 5),
        "6 digits": float(digits and size == 6),
        "7 digits": float(digits and size == 7),
        "8 digits": float(digits and size == 8),
        "9 digits": float(digits and size > 8),
        "loose length": loose * float(digits and size in (3, 7, 9, 10)),
        "tied": 1 - loose,
        "size": float(size),
        "grouped": float(bool(groups)),
        "odd groups": loose * float(len({len(group) for group in groups}) > 1),
        "thousands": loose
        * float(
            bool(groups)
            and len(groups[0]) < 4
            and all(len(group) == 3 for group in groups[1:])
            and any(sign in written for sign in " ,/:'")
        ),
        "dash pair": loose * float(len(groups) == 2 and size <= 5 and "-" in written),
        "date": float(bool(_SHORT_DATE.fullmatch(written))),
        "glued": float(atom.form is Form.GLUED),
        "known prefix": float(written.startswith(("G-", "FB-"))),
        "mixed": float(not digits),
        "loose mixed": loose * float(not digits),
        "mixed case": float(not digits and not written.isupper() and not written.islower()),
        "interleaved": float(not digits and len(re.findall(r"[0-9]+|[^\W\d_]+", written)) > 2),
        "campaign": loose * float(bool(not digits and _CAMPAIGN.fullmatch(written))),
        "slogan": float(bool(_SLOGAN.fullmatch(written))),
        "odd mixed": loose * float(not digits and not 5 <= size <= 9),
        "symbols": loose * float(bool(_SYMBOL.search(written))),
        "loose year": loose * float(digits and bool(_YEAR.fullmatch(written))),
        "leading zero": float(digits and value.startswith("0")),
        "in a run": float(
            any(
                map(
                    str.isdigit,
                    message.folded.shape[atom.before : atom.start] + message.folded.shape[atom.end : atom.after],
                )
            )
        ),
    }


def _place(message: Message, atom: Atom, about: Mapping[str, float]) -> dict[str, float]:
    shape = message.folded.shape
    before, after = shape[max(0, atom.before - 60) : atom.before], shape[atom.after : atom.after + 40]
    opened, closed = before.rstrip(" \n")[-1:] in _OPENING, after.lstrip(" \n")[:1] in _CLOSING
    own_line = not before.rpartition("\n")[2].strip() and not after.partition("\n")[0].strip()
    return {
        "first": max(about["any name"], about["any purpose"], float(not after.strip()))
        * float(atom.before < 60 and bool(_BRANDED.fullmatch(before))),
        "last": float(not after.strip(".!。 \n")),
        "own line": float(own_line),
        "after colon": float(before.rstrip()[-1:] in (":", "：", "=")),
        "enclosed": float(opened and closed),
        "after capitals": float(bool(_CAPITALS.search(before))),
        "hash": float(before.rstrip()[-1:] in ("#", "№")),
        "cut": float(after[:1] in ("/", "_", "@", "-") or before[-1:] in ("/", "_", "@", "+", "-")),
    }
