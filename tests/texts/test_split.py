import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.texts import Html, plain, split, visible_length
from tests.texts.markup import Reader, any_text, html


def _inked(text: str) -> str:
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")


@pytest.mark.parametrize(
    ("source", "length"),
    [
        ("abc", 3),
        ("<b>a</b>", 1),
        ("&amp;&lt;", 2),
        ("😀", 2),
        ("&#128512;", 2),
        ("&copy;", 6),
        ("a < b", 5),
        ("<3", 2),
    ],
)
def test_length_is_counted_in_utf16_units_of_what_is_seen(source: str, length: int) -> None:
    assert visible_length(Html(source)) == length


def test_plain_is_what_a_button_can_show() -> None:
    assert plain(Html("<b>Cancel</b> &amp; refund")) == "Cancel & refund"


def test_a_message_within_the_limit_is_left_as_it_is() -> None:
    fits = Html(f"<b>{'x' * 4096}</b>")
    assert split(fits) == [fits]
    assert [visible_length(part) for part in split(Html(f"<b>{'x' * 4097}</b>"))] == [4096, 1]


@pytest.mark.parametrize(
    ("source", "limit", "expected"),
    [
        ("one two three", 8, ["one two ", "three"]),
        ("aaaa\nbb cc dd", 8, ["aaaa\n", "bb cc dd"]),
        ("aaa\n\nbb\ncc dd", 10, ["aaa\n\n", "bb\ncc dd"]),
        ("a\n\nbbbbbb cccc", 10, ["a\n\nbbbbbb ", "cccc"]),
        ("abcdef", 4, ["abcd", "ef"]),
        ("abc&amp;def", 4, ["abc&amp;", "def"]),
        ("abc😀", 4, ["abc", "😀"]),
        ('<a href="u">one two</a>', 4, ['<a href="u">one </a>', '<a href="u">two</a>']),
        ("<b><i>one two</i></b> x", 4, ["<b><i>one </i></b>", "<b><i>two</i></b> ", "x"]),
        ("abcd<b>efgh</b>", 4, ["abcd", "<b>efgh</b>"]),
        ("<b>abcd</b>efgh", 4, ["<b>abcd</b>", "efgh"]),
        ("<b>one </b>two", 4, ["<b>one </b>", "two"]),
        ("abcd    \u2069", 4, ["abcd"]),
    ],
)
def test_a_long_message_is_cut_where_a_reader_would_cut_it(source: str, limit: int, expected: list[str]) -> None:
    assert split(Html(source), limit) == expected


def test_a_limit_that_one_emoji_exceeds_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        split(Html("😀"), 1)


@settings(deadline=None)
@given(html, st.integers(2, 30))
@example(Html("<b> a</b>  \n<i>\n\n</i>bb"), 2)
def test_parts_fit_are_balanced_and_lose_nothing_visible(source: Html, limit: int) -> None:
    parts = split(source, limit)
    for part in parts:
        assert isinstance(part, Html)
        assert len(Reader(part).seen.encode("utf-16-le", "surrogatepass")) // 2 <= limit
        assert Reader(part).is_balanced
        assert len(parts) == 1 or _inked(Reader(part).seen)
    assert _inked("".join(Reader(part).seen for part in parts)) == _inked(Reader(source).seen)


@settings(deadline=None)
@given(any_text | st.text(st.sampled_from("<>/&;amp#x1b \n\ud800😀")), st.integers(2, 12))
def test_no_text_whatever_breaks_the_splitter(source: str, limit: int) -> None:
    parts = split(Html(source), limit)
    assert all(visible_length(part) <= limit for part in parts)
    assert _inked("".join(map(plain, parts))) == _inked(plain(Html(source)))
