"""Lines that are written for machines: they say outright what the code is."""

import re

from bot.domain.codes.fold import Folded

MOST_LINES = 6

_LINE = re.compile(r"[@%][A-Za-z0-9.-]{1,255} #([!-~]{3,16})(?= |$)")
_TOKEN = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){2,15}")


def origin_bound(folded: Folded) -> tuple[int, int] | None:
    """The code's span in Folded.shape, of a last line such as `@example.com #747723 @embedded.example`.

    Source: WICG, sms-one-time-codes; `%` marks the embedded host in Apple's form. Empty lines may follow.
    """
    end = len(folded.shape)
    for _ in range(MOST_LINES):
        start = folded.shape.rfind("\n", 0, end) + 1
        line = folded.shape[start:end].strip()
        if line:
            match = _LINE.match(folded.shape, folded.shape.index(line, start), end)
            return match.span(1) if match and _TOKEN.fullmatch(match[1]) else None
        if not start:
            break
        end = start - 1
    return None
