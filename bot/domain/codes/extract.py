"""Finds the code that an SMS was sent for: machine formats first, then a keyword nearby, then the shape alone.

No I/O, and time linear in the text: every pattern is bounded and cannot backtrack far.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

LONGEST_TEXT = 10_000

ORIGIN_BOUND = re.compile(r"^@[^\s@#]{1,200} #(\S{3,16})(?:\s|$)", re.MULTILINE)
"""The last line of an origin-bound one-time code: `@example.com #747723`."""

RETRIEVER_HASH = re.compile(r"(?:^|\s)[A-Za-z0-9+/]{11}\s*$")
"""The application's hash that ends a message for Android's SMS Retriever."""

KEYWORD = re.compile(
    r"cod[eigo]|c[oó]d|\botp\b|\bpin\b|passcode|verif|confirm|auth|log ?in|password|kod|kód|κωδ|код|парол|подтвержд"
    r"|验证码|校验码|動態|驗證碼|認証|コード|暗証|인증|رمز|كود|کد|קוד|รหัส|कोड|ওটিপি|m[ãa]\s",
    re.IGNORECASE,
)
NOISE_BEFORE = re.compile(
    r"(?:[$€£₽¥₹]|\busd|\beur|\brub|\bends?(?:ing)?(?: in| with)?|\*{2,}|card|карт\w*|account|сч[её]т\w*|order|заказ\w*"
    r"|call|тел\.?|phone|\+|№)[\s*]*$",
    re.IGNORECASE,
)
NOISE_AFTER = re.compile(
    r"^\s*(?:[$€£₽¥₹%]|usd\b|eur\b|rub\b|руб|min|мин|sec|сек|hour|час|day|дн|minutos|分钟|分鐘|分|ч\b|h\b|m\b|:\d\d)",
    re.IGNORECASE,
)
CANDIDATE = re.compile(
    r"(?<![A-Za-z0-9_.,/:@#+-])(?:[A-Z]{1,3}-)?"
    r"(\d{3}[- ]\d{3,4}(?!\d)|\d{4}-\d{4}(?!\d)|\d{4,10}(?!\d)|(?=[A-Z]{0,7}\d)[A-Z0-9]{5,8})"
    r"(?![A-Za-z0-9_@]|[-/]\d|[.,]\d)"
)
YEAR = re.compile(r"(?:19|20)\d\d")
REACH = 40
"""How far from a keyword a code is still believed to belong to it, in characters."""


@dataclass(frozen=True, slots=True)
class Code:
    """`shown` stands in the text at `span`; `value` is what belongs on the clipboard."""

    shown: str
    value: str
    span: tuple[int, int]
    confidence: float
    """From 0 to 1: machine formats 1.0, beside a keyword 0.9, by shape alone 0.6."""


def extract(text: str, sender: str | None = None, service: str | None = None) -> Code | None:
    """The code in `text`, or None. Digits of every script are read; the span refers to `text` as given."""
    folded = _fold(text[:LONGEST_TEXT])
    if match := ORIGIN_BOUND.search(folded):
        return _code(text, match.span(1), 1.0)
    body = RETRIEVER_HASH.sub("", folded)
    candidates = [match.span(1) for match in CANDIDATE.finditer(body) if not _is_noise(body, match.span())]
    if not candidates:
        return None
    keywords = Keywords([match.span() for match in KEYWORD.finditer(body)])
    near = [(distance, span) for span in candidates if (distance := keywords.distance(span)) <= REACH]
    if near:
        return _code(text, min(near, key=lambda pair: (pair[0], pair[1]))[1], 0.9)
    if len(candidates) == 1 and _stands_alone(body, candidates[0]):
        return _code(text, candidates[0], 0.6)
    return None


def _code(text: str, span: tuple[int, int], confidence: float) -> Code:
    shown = text[span[0] : span[1]]
    return Code(shown, _fold(shown).replace("-", "").replace(" ", ""), span, confidence)


def _fold(text: str) -> str:
    """Digits of all scripts as 0-9 and marks without width as spaces, each character staying in its place."""
    return "".join(_fold_character(character) for character in text)


def _fold_character(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    return " " if category in ("Cf", "Zs") else character


def _is_noise(text: str, span: tuple[int, int]) -> bool:
    """An amount, a span of time, a card's tail or a phone number rather than a code."""
    start, end = span
    return bool(NOISE_BEFORE.search(text[max(0, start - 16) : start]) or NOISE_AFTER.match(text[end : end + 10]))


class Keywords:
    """Where keywords stand in a text, in order and apart from each other."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def distance(self, span: tuple[int, int]) -> int:
        """Characters between `span` and the keyword nearest to it."""
        before = bisect_right(self._ends, span[0])
        after = bisect_left(self._starts, span[1])
        gaps = [span[0] - end for end in self._ends[before - 1 : before]] if before else []
        gaps += [start - span[1] for start in self._starts[after : after + 1]]
        return min(gaps, default=LONGEST_TEXT)


def _stands_alone(text: str, span: tuple[int, int]) -> bool:
    """A short message around one number of a code's length: most likely that number is the point of it."""
    shown = text[span[0] : span[1]]
    if YEAR.fullmatch(shown) and len(text.strip()) > len(shown):
        return False
    return len(text) <= 120 and 4 <= len(re.sub(r"\D", "", shown)) <= 8
