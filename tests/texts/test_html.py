import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.texts import Html, escape, foreign, plain
from tests.texts.markup import Reader, any_text, tricky_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<b>&\"'", "&lt;b&gt;&amp;&quot;'"),
        (Html("<b>5</b>"), "<b>5</b>"),
        (12, "12"),
        ("a\0b\x07c\x7fd\x9be", "abcde"),
        ("a\tb\r\nc\rd\u2028e", "a b\nc\nd\ne"),
        ("\ud800!", "\ufffd!"),
        ("\ud83d\ude00", "😀"),
        ("\u202e123456\u202c", "123456"),
        ("\u2067a\u2069", "\u2067a\u2069"),
        ("\u2067a\nb\u2069", "a\nb"),
        ("a\u2069\u2068b\u2066c\u2069", "ab\u2066c\u2069"),
    ],
)
def test_a_value_becomes_text_that_cannot_break_a_message(value: object, expected: str) -> None:
    assert escape(value) == expected


def test_foreign_text_is_isolated_line_by_line() -> None:
    assert foreign("<a>\n\nשלום") == "\u2068&lt;a&gt;\u2069\n\n\u2068שלום\u2069"


def test_html_joined_with_a_plain_string_escapes_it_and_stays_html() -> None:
    for joined in (Html("<b>") + "<", "<" + Html("<b>"), Html("<br>").join(["<", 1, Html("<i>")])):
        assert isinstance(joined, Html)
    assert Html("<b>") + "<" == "<b>&lt;"
    assert "<" + Html("<b>") == "&lt;<b>"
    assert Html("\n").join(["<", 1, Html("<i>")]) == "&lt;\n1\n<i>"


@settings(deadline=None)
@given(any_text | tricky_text)
def test_any_text_escaped_is_sendable_and_shows_no_markup(text: str) -> None:
    escaped = escape(text)
    escaped.encode()
    assert not set('<>"\0\r\t\u202e') & set(escaped)
    assert Reader(escaped).seen == plain(escaped)
    assert escape(plain(escaped)) == escaped


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], include_characters="\n")))
def test_harmless_text_reads_the_same_after_escaping(text: str) -> None:
    assert Reader(escape(text)).seen == text


@settings(deadline=None)
@given(any_text | tricky_text)
def test_foreign_text_leaves_no_direction_open_at_the_end_of_any_line(text: str) -> None:
    for line in foreign(text).split("\n"):
        depth = 0
        for character in line:
            depth += (character in "\u2066\u2067\u2068") - (character == "\u2069")
            assert depth >= 0
        assert depth == 0
        assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e")
