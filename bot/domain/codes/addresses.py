"""Web and mail addresses in a text: digits inside of them are no codes, and some are what is to be opened."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PRINTABLE = re.compile(r"[!-~]++")
_SCHEME = re.compile(r"https?://|www\.", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++")
_ENDS = frozenset(
    (
        "com", "net", "org", "info", "io", "me", "co", "app", "ru", "ua", "by", "kz", "uz", "de", "fr", "es", "it",
        "pt", "pl", "cz", "sk", "hu", "ro", "bg", "gr", "nl", "be", "at", "ch", "se", "no", "dk", "fi", "ee", "lv",
        "lt", "uk", "ie", "us", "ca", "mx", "br", "ar", "cl", "au", "nz", "in", "pk", "bd", "lk", "np", "id", "my",
        "sg", "ph", "vn", "th", "jp", "kr", "cn", "tw", "hk", "il", "ae", "sa", "eg", "tr", "ir", "az", "ge", "am",
        "mn", "ke", "tz", "ng", "za", "gov", "edu", "dev", "example"
    )
)  # fmt: skip
MOST = 40


@dataclass(frozen=True, slots=True)
class Address:
    """A span of Folded.shape. `is_link` for one that can be opened as it stands."""

    start: int
    end: int
    text: str
    is_link: bool


def addresses(shape: str) -> list[Address]:
    found: list[Address] = []
    for match in _PRINTABLE.finditer(shape):
        found += _in_chunk(match[0], match.start())
        if len(found) >= MOST:
            break
    return found


def _in_chunk(chunk: str, start: int) -> Iterator[Address]:
    """At most one in what stands without blanks."""
    if scheme := _SCHEME.search(chunk):
        text = chunk[scheme.start() :].rstrip(".,;:!?)]}>'\"*_~")
        yield Address(
            start + scheme.start(), start + scheme.start() + len(text), text, len(text) > scheme.end() - scheme.start()
        )
    elif "." not in chunk:
        return
    elif (at := chunk.find("@")) >= 0:
        yield Address(start, start + len(chunk), chunk[at + 1 :], False)
    elif host := _HOST.search(chunk):
        ending = host[0].rpartition(".")[2]
        has_path = chunk[host.end() : host.end() + 1] == "/" and not host[0].replace(".", "").isdecimal()
        if has_path or (ending in _ENDS and not host[0].rpartition(".")[0].isdecimal()):
            text = chunk[host.start() :].rstrip(".,;:!?)]}>'\"*_~")
            yield Address(start + host.start(), start + host.start() + len(text), text, has_path)
