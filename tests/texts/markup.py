"""Hypothesis strategies of text and HTML, and an independent reader of HTML to hold ours against."""

from html.parser import HTMLParser

from hypothesis import strategies as st

from bot.texts import Html, escape

any_text = st.text(st.characters(exclude_categories=()))
"""Any Unicode at all: lone surrogates, NUL, bidi controls."""

tricky_text = st.text(st.sampled_from("ab  \n\n\r\t\0<>&;\"'{}é😀\ud83d\ude00\u202e\u2066\u2068\u2069\u0301\u200d"))

_TAGS = (("b", ""), ("i", ""), ("code", ""), ("a", ' href="https://e.org/?a=1&amp;b=2"'), ("blockquote", " expandable"))


def _element(tag: tuple[str, str], body: Html) -> Html:
    return Html(f"<{tag[0]}{tag[1]}>{body}</{tag[0]}>")


html = st.recursive(
    (any_text | tricky_text).map(escape),
    lambda inner: st.builds(_element, st.sampled_from(_TAGS), inner) | st.lists(inner, max_size=4).map(Html("").join),
    max_leaves=12,
)
"""Well-formed HTML such as the program sends."""


class Reader(HTMLParser):
    """The text that a parser shows, and whether every tag was closed in its turn."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = ""
        self.opened: list[str] = []
        self.is_balanced = True
        self.feed(source)
        self.close()
        self.is_balanced = self.is_balanced and not self.opened

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.is_balanced = self.is_balanced and bool(self.opened) and self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.seen += data
