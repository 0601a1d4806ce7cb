"""What a translation must share with its sentence: the fields, the tags, and being HTML that Telegram parses."""

import re
from collections import Counter
from collections.abc import Sequence
from string import Formatter

_TAG = re.compile(r"<(?P<close>/?)(?P<name>[a-z][a-z0-9-]*)(?: [^<>]*)?>")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#[0-9]{1,7}|#x[0-9a-f]{1,6});")
_KNOWN = frozenset(
    {"a", "b", "blockquote", "code", "del", "em", "i", "ins", "pre", "s", "span", "strike", "strong"}
    | {"tg-emoji", "tg-spoiler", "tg-time", "u"}
)
COUNT = "n"
"""The field of a plural's number; a form may do without it ("one number")."""


def fields(text: str) -> frozenset[str]:
    """The names in braces. ValueError where a field is anything but `{name}`."""
    found = set()
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError("a field is not a plain {name}")
        found.add(name)
    return frozenset(found)


def tags(text: str) -> Counter[str]:
    """The tags as written, with their counts. ValueError where Telegram would refuse the markup."""
    opened: list[str] = []
    for tag in _TAG.finditer(text):
        if tag["name"] not in _KNOWN:
            raise ValueError(f"Telegram does not know {tag[0]}")
        if not tag["close"]:
            opened.append(tag["name"])
        elif not opened or opened.pop() != tag["name"]:
            raise ValueError(f"{tag[0]} closes nothing")
    if opened:
        raise ValueError(f"<{opened[-1]}> is not closed")
    if re.search("[<>&]", _ENTITY.sub("", _TAG.sub("", text))):
        raise ValueError("<, > and & are written &lt;, &gt; and &amp;")
    return Counter(tag[0] for tag in _TAG.finditer(text))


def misfit(msgids: Sequence[str], forms: Sequence[str]) -> str:
    """Why the translation `forms` cannot stand for `msgids` (one, or singular and plural); empty when it can."""
    try:
        for form in forms:
            _compare(msgids, form)
    except ValueError as error:
        return str(error)
    return ""


def _compare(msgids: Sequence[str], form: str) -> None:
    optional = {COUNT} if len(msgids) > 1 else set()
    wanted = frozenset[str]().union(*map(fields, msgids))
    found = fields(form)
    if not wanted - optional <= found <= wanted:
        raise ValueError(f"the fields differ: {sorted(wanted)}, {sorted(found)}")
    if tags(form) != tags(msgids[-1]):
        raise ValueError("the tags differ")
