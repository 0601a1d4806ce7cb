"""Text that is safe to send with parse mode HTML, and how other text becomes so."""

import html
from collections.abc import Iterable

FSI, PDI = "\u2068", "\u2069"
_ISOLATES = "\u2066\u2067\u2068"

# Embeddings and overrides can show a code backwards; Telegram's server drops them too.
_DROPPED = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F))
_CLEAN: dict[int, str | None] = {
    **dict.fromkeys(_DROPPED),
    ord("\n"): "\n",
    ord("\t"): " ",
    0x85: "\n",
    0x2028: "\n",
    0x2029: "\n",
}


class Html(str):
    """Marks HTML that is safe to send. Joined with a plain string, it escapes that string."""

    __slots__ = ()

    def __add__(self, other: str, /) -> "Html":
        return Html(str.__add__(self, escape(other)))

    def __radd__(self, other: str, /) -> "Html":
        return Html(str.__add__(escape(other), self))

    def join(self, parts: Iterable[object], /) -> "Html":
        return Html(str.join(self, map(escape, parts)))


def escape(value: object) -> Html:
    """`value` as text: Html as it is, anything else cleaned and escaped, for use between tags or in an attribute.

    Cleaning keeps line breaks and drops other control characters, text-direction overrides and unpaired isolates;
    half a surrogate pair becomes U+FFFD.
    """
    if isinstance(value, Html):
        return value
    return Html(html.escape(_clean(str(value)), quote=False).replace('"', "&quot;"))


def foreign(text: str) -> Html:
    """Text of strangers (an SMS, a sender, a name): escaped, its direction kept from touching the words around it.

    Not for what people copy, such as a code or a phone number: the isolating characters would be copied along.
    """
    # An isolate ends with its paragraph, hence one per line.
    return Html("\n".join(f"{FSI}{line}{PDI}" if line else "" for line in escape(text).split("\n")))


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    lines = whole.replace("\r\n", "\n").replace("\r", "\n").translate(_CLEAN).split("\n")
    return "\n".join(map(_paired_isolates, lines))


def _paired_isolates(line: str) -> str:
    """`line` without the isolates that nothing closes and the closings of nothing."""
    unpaired: set[int] = set()
    opened: list[int] = []
    for at, character in enumerate(line):
        if character in _ISOLATES:
            opened.append(at)
        elif character == PDI and opened:
            opened.pop()
        elif character == PDI:
            unpaired.add(at)
    unpaired.update(opened)
    return "".join(character for at, character in enumerate(line) if at not in unpaired) if unpaired else line
