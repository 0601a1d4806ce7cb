"""What is found in an SMS."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    DIGITS = "digits"
    ALPHANUMERIC = "alphanumeric"
    LINK = "link"
    """No code: opening the address is how to confirm. It is shown with its host, and never fetched."""


@dataclass(frozen=True, slots=True)
class Code:
    """`shown` stands in the text at `span`; `value` is what belongs on the clipboard."""

    shown: str
    value: str
    span: tuple[int, int]
    confidence: float
    """From 0 to 1: how sure it is that this is what the message was sent for."""
    kind: Kind


_PREFIXED = re.compile(r"[A-Za-z]{1,3}-(?=[0-9]+(?:-[0-9]+)?$)")


def normalised(shape: str) -> str:
    """A code as it is typed in, of how it stands in Folded.shape.

    Digits alone lose what groups them, and a short prefix (`G-123456`); a code with letters only its blanks.
    """
    bare = _PREFIXED.sub("", shape)
    digits = re.sub(r"[^0-9]", "", bare)
    if not any(character.isalpha() for character in bare):
        return digits
    return "".join(shape.split())


def kind_of(value: str) -> Kind:
    return Kind.DIGITS if value.isdigit() else Kind.ALPHANUMERIC
