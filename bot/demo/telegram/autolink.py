"""Commands, mentions, links and the like, which Telegram finds in a text by itself."""

import re

from bot.demo.telegram.spans import Span

_DOMAINS = "ai|app|biz|cc|co|com|de|dev|eu|gg|in|info|io|me|net|online|org|ru|shop|site|su|to|tv|ua|uk|us|xyz"
_TAG = r"[\w\u200c\u00b7\u0d80-\u0dff]"
_PATTERNS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("email", "@", re.compile(r"(?<![\w.+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,16}(?!\w)")),
    (
        "url",
        ".",
        re.compile(
            rf"(?<![\w@.-])(?:https?://(?:[\w-]+\.)+[\w-]+|(?:[A-Za-z0-9-]+\.)+(?:{_DOMAINS})(?![\w-]))"
            r"(?::\d{1,5})?(?:[/?#][^\s<>\"]*)?",
            re.IGNORECASE,
        ),
    ),
    ("mention", "@", re.compile(r"(?<!\w)@[A-Za-z0-9_]{2,32}(?!\w)")),
    ("bot_command", "/", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")),
    ("hashtag", "#", re.compile(rf"(?<!{_TAG})#(?=\S*[^\W\d_]){_TAG}{{1,256}}(?![\w#])")),
    ("cashtag", "$", re.compile(rf"(?<![\w$])\$(?:1INCH|[A-Z]{{1,8}})(?!{_TAG}|\$)")),
    ("phone_number", "+", re.compile(r"(?<![\w+])\+\d(?:[ -]?\d){6,14}(?!\w)")),
)


def find(text: str) -> list[Span]:
    """The spans of `text`, none of which touches another; where two would, the one that begins first stays."""
    found = [
        Span(kind, match.start(), match.start() + len(match.group().rstrip(".,:;!?'\")")))
        for kind, sign, pattern in _PATTERNS
        if sign in text
        for match in pattern.finditer(text)
    ]
    kept: list[Span] = []
    for span in sorted(found, key=lambda s: (s.start, -s.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
