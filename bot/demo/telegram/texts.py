"""A text as it goes through Telegram: parsed, cleaned, trimmed, its entities settled."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from bot.demo.telegram import autolink
from bot.demo.telegram.errors import bad_request
from bot.demo.telegram.html import HtmlError, parse_html
from bot.demo.telegram.spans import Span, from_units, settle, to_entities, trim

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
SOURCE_LIMIT_BYTES = 1 << 15
_REMOVED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
_BLANKED = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
_UNSEEN = re.compile(
    "[ \n\xa0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc\U000e0000-\U000e007f]*"
)
_EXTRA_FIELDS = ("url", "user", "language", "custom_emoji_id", "unix_time", "date_time_format")


@dataclass(frozen=True, slots=True)
class Formatted:
    text: str
    entities: list[dict[str, Any]] = field(default_factory=list)

    def fields(self, name: str = "text") -> dict[str, Any]:
        """The fields of a Message: `text` and `entities`, or `caption` and `caption_entities`."""
        found: dict[str, Any] = {name: self.text} if self.text else {}
        if self.entities:
            found["entities" if name == "text" else f"{name}_entities"] = self.entities
        return found


def formatted(source: str, parse_mode: str = "", entities: Iterable[Any] = ()) -> Formatted:
    """What Telegram makes of a bot's text. Raises ApiError 400 in Telegram's words; the length is not checked."""
    if len(source.encode("utf-8", "surrogatepass")) > SOURCE_LIMIT_BYTES:
        raise bad_request("text is too long")
    mode = parse_mode.lower()
    if mode in ("markdown", "markdownv2"):
        raise bad_request("can't parse entities: this server reads HTML only, not Markdown")
    if mode not in ("", "none", "html"):
        raise bad_request("unsupported parse_mode")
    if mode == "html":
        try:
            text, spans = parse_html(source)
        except HtmlError as error:
            raise bad_request(f"can't parse entities: {error}") from None
    else:
        text, spans = source, [_given(source, entity) for entity in entities]
    return tidy(text, spans)


def is_empty(text: str) -> bool:
    """Whether nothing of it can be seen, as TDLib's `is_empty_string` has it; some blank characters count as seen."""
    return _UNSEEN.fullmatch(text) is not None


def tidy(text: str, spans: Iterable[Span] = ()) -> Formatted:
    text, cleaned = _clean(text, spans)
    text, trimmed = trim(text, settle(cleaned))
    return Formatted(text, to_entities(text, settle(trimmed, autolink.find(text))))


def _given(text: str, entity: Any) -> Span:
    """A MessageEntity that the bot sent beside its text."""
    if not isinstance(entity, dict):
        raise bad_request("can't parse MessageEntity: expected an Object")
    offset, length = entity.get("offset"), entity.get("length")
    if not isinstance(offset, int) or not isinstance(length, int) or "type" not in entity:
        raise bad_request("can't parse MessageEntity: Type is not specified")
    ends = from_units(text, offset, length)
    if ends is None:
        raise bad_request(f"entity beginning at UTF-16 offset {offset} ends after the end of the text")
    return Span(str(entity["type"]), *ends, {name: entity[name] for name in _EXTRA_FIELDS if name in entity})


def _clean(text: str, spans: Iterable[Span]) -> tuple[str, list[Span]]:
    text = _BLANKED.sub(" ", text)
    removed = [match.start() for match in _REMOVED.finditer(text)]
    if not removed:
        return text, list(spans)

    def moved(position: int) -> int:
        return position - sum(at < position for at in removed)

    return _REMOVED.sub("", text), [replace(s, start=moved(s.start), end=moved(s.end)) for s in spans]
