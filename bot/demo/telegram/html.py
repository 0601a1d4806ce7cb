"""Telegram's HTML, read as its server reads it: the same tags, the same leniency, the same refusals."""

import re
from dataclasses import dataclass, field, replace
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit

from bot.demo.telegram.spans import Span

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]*)|#([0-9]*)|([A-Za-z]*));?")
PLAIN = re.compile(r"[^<&]*")
SPACE = " \t\r\n\v\0"
END = "\0"
"""Stands for the end of the text, and counts as a space, as in Telegram's parser."""


class HtmlError(Exception):
    """The text that follows `can't parse entities: `."""


@dataclass(slots=True)
class _Open:
    tag: str
    start: int
    attributes: dict[str, str] = field(default_factory=dict)


def parse_html(source: str) -> tuple[str, list[Span]]:
    """The plain text and its spans, innermost first. Raises HtmlError with Telegram's words and byte offset."""
    return _Parser(source).parse()


def reference(source: str, at: int) -> tuple[str, int] | None:
    """The character that the reference at `&` stands for, and where it ends; None when it is none."""
    match = REFERENCE.match(source, at)
    if match is None:
        return None
    hexadecimal, decimal, name = match.groups()
    if name is not None:
        return (NAMED[name], match.end()) if name in NAMED else None
    code = int(hexadecimal, 16) if hexadecimal else int(decimal or 0)
    if not 0 < code < 0x10FFFF or len(match.group().rstrip(";")) >= 10:
        return None
    return chr(code), match.end()


def checked_url(url: str) -> str | None:
    """The link as Telegram stores it; None when it drops it."""
    if url.startswith(("tg://", "ton://", "tonsite://", "mailto:")):
        return url
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "." not in host.strip(".") or re.search(r"\s", url):
        return None
    return parts._replace(path=parts.path or "/").geturl()


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._text: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._spans: list[Span] = []

    def parse(self) -> tuple[str, list[Span]]:
        while self._at < len(self._source):
            char = self._peek()
            if char == "<":
                self._tag()
            elif char == "&" and (found := reference(self._source, self._at)):
                self._put(found[0])
                self._at = found[1]
            else:
                self._copy()
        if self._open:
            raise HtmlError(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        text = "".join(self._text)
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise HtmlError(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched"
                " surrogate code units"
            )
        return text, [replace(s, extra={}) if s.type == "code" else s for s in self._spans]

    def _peek(self) -> str:
        return self._source[self._at] if self._at < len(self._source) else END

    def _ended(self) -> bool:
        return self._at >= len(self._source)

    def _put(self, piece: str) -> None:
        self._text.append(piece)
        self._length += len(piece)

    def _copy(self) -> None:
        """Text up to the next character that may mean something; at least one character."""
        match = PLAIN.match(self._source, self._at + 1)
        end = match.end() if match else self._at + 1
        self._put(self._source[self._at : end])
        self._at = end

    def _fail(self, words: str, at: int) -> NoReturn:
        raise HtmlError(words.format(offset=len(self._source[:at].encode("utf-8", "surrogatepass"))))

    def _tag(self) -> None:
        begin = self._at
        self._at += 1
        if self._peek() == "/":
            self._end_tag(begin)
        else:
            self._start_tag(begin)

    def _until(self, stops: str) -> str:
        start = self._at
        while not self._ended() and self._source[self._at] not in stops:
            self._at += 1
        return self._source[start : self._at]

    def _skip_space(self) -> None:
        while not self._ended() and self._source[self._at] in SPACE:
            self._at += 1

    def _start_tag(self, begin: int) -> None:
        tag = self._until(SPACE + ">").lower()
        if self._ended():
            self._fail("Unclosed start tag at byte offset {offset}", begin)
        if tag not in TAGS:
            self._fail(f'Unsupported start tag "{_literal(tag)}" at byte offset {{offset}}', begin)
        opened = _Open(tag, self._length)
        while self._peek() != ">":
            self._skip_space()
            if self._peek() != ">":
                self._attribute(opened, begin)
        self._at += 1
        if tag == "span" and opened.attributes.get("class") != "tg-spoiler":
            self._fail('Tag "span" must have class "tg-spoiler" at byte offset {offset}', begin)
        self._open.append(opened)

    def _attribute(self, opened: _Open, begin: int) -> None:
        name = self._until(SPACE + "=>/\"'")
        if not name:
            self._fail(f'Empty attribute name in the tag "{opened.tag}" at byte offset {{offset}}', begin)
        self._skip_space()
        if self._peek() != "=" or self._ended():
            if self._ended():
                self._fail(f'Unclosed start tag "{opened.tag}" at byte offset {{offset}}', begin)
            opened.attributes[name] = opened.attributes.get(name, "")
            return
        self._at += 1
        self._skip_space()
        if self._ended():
            self._fail(f'Unclosed start tag "{opened.tag}" at byte offset {{offset}}', begin)
        opened.attributes[name] = self._quoted() if self._peek() in "'\"" else self._name_token()
        if self._ended():
            self._fail("Unclosed start tag at byte offset {offset}", begin)

    def _name_token(self) -> str:
        begin = self._at
        while not self._ended() and re.match(r"[A-Za-z0-9.-]", self._source[self._at]):
            self._at += 1
        if self._peek() not in SPACE + ">":
            self._fail("Unexpected end of name token at byte offset {offset}", begin)
        return self._source[begin : self._at].lower()

    def _quoted(self) -> str:
        quote = self._peek()
        self._at += 1
        value: list[str] = []
        while not self._ended() and self._peek() != quote:
            found = reference(self._source, self._at) if self._peek() == "&" else None
            char, self._at = found or (self._peek(), self._at + 1)
            value.append(char)
        self._at += 1
        return "".join(value)

    def _end_tag(self, begin: int) -> None:
        if not self._open:
            self._fail("Unexpected end tag at byte offset {offset}", begin)
        self._at += 1
        tag = self._until(SPACE + ">").lower()
        self._skip_space()
        if self._peek() != ">":
            self._fail("Unclosed end tag at byte offset {offset}", begin)
        opened = self._open[-1]
        if tag and tag != opened.tag:
            words = f'expected "</{opened.tag}>", found "</{_literal(tag)}>"'
            self._fail(f"Unmatched end tag at byte offset {{offset}}, {words}", begin)
        self._at += 1
        self._open.pop()
        if self._length > opened.start:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        span = Span(TAGS[opened.tag], opened.start, self._length)
        attributes = opened.attributes
        match opened.tag:
            case "a":
                self._link(span, attributes.get("href", ""))
            case "pre" | "code":
                self._preformatted(span, attributes.get("class", ""))
            case "blockquote" if "expandable" in attributes:
                self._spans.append(Span("expandable_blockquote", span.start, span.end))
            case "tg-emoji":
                self._emoji(span, attributes.get("emoji-id", ""))
            case "tg-time":
                self._time(span, attributes.get("unix", ""), attributes.get("format", ""))
            case _:
                self._spans.append(span)

    def _link(self, span: Span, href: str) -> None:
        url = href or "".join(self._text)[span.start : span.end]
        user = parse_qs(url.removeprefix("tg://user?")).get("id", [""])[0] if url.startswith("tg://user?") else ""
        if user.isdecimal():
            self._spans.append(Span("text_mention", span.start, span.end, {"user": {"id": int(user)}}))
        elif checked := checked_url(url):
            self._spans.append(Span("text_link", span.start, span.end, {"url": checked}))

    def _preformatted(self, span: Span, css_class: str) -> None:
        """`pre` around exactly one `code` (or the reverse) is one block, in the code's language."""
        last = self._spans[-1] if self._spans else None
        language = css_class.removeprefix("language-") if css_class.startswith("language-") else ""
        extra = {"language": language} if language and span.type == "code" else {}
        if last and (last.start, last.end) == (span.start, span.end) and {last.type, span.type} == {"pre", "code"}:
            block_extra = last.extra or extra
            if block_extra:
                self._spans[-1] = Span("pre", span.start, span.end, block_extra)
                return
        self._spans.append(Span(span.type, span.start, span.end, extra))

    def _emoji(self, span: Span, emoji_id: str) -> None:
        if not emoji_id.isdecimal() or int(emoji_id) == 0:
            raise HtmlError("Invalid custom emoji identifier specified")
        self._spans.append(Span(span.type, span.start, span.end, {"custom_emoji_id": emoji_id}))

    def _time(self, span: Span, unix: str, style: str) -> None:
        relative = style in ("r", "R")
        if not relative and set(style) - set("tTdDwW"):
            raise HtmlError("Invalid date format used")
        match = re.match(r"\d+", unix)
        if match is None or int(match.group()) == 0:
            return
        shown = "r" if relative else _date_format(style)
        extra = {"unix_time": int(match.group()), "date_time_format": shown}
        self._spans.append(Span(span.type, span.start, span.end, extra))


def _date_format(style: str) -> str:
    """Weekday, date and time in the order in which Telegram gives them back."""
    weekday = "w" if "w" in style.lower() else ""
    date = next((letter for letter in "dD" if letter in style), "")
    time = next((letter for letter in "tT" if letter in style), "")
    return weekday + date + time


def _literal(words: str) -> str:
    return words.replace("{", "{{").replace("}", "}}")
