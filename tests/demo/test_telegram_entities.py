"""Texts as they go through Telegram: HTML, entities, offsets, trimming."""

import html as stdlib_html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.telegram.errors import ApiError
from bot.demo.telegram.texts import formatted, tidy


def parsed(source):
    """Text and entities, each as (type, offset, length, the rest)."""
    result = formatted(source, "HTML")
    rest = ("type", "offset", "length")
    return result.text, [
        (e["type"], e["offset"], e["length"], {k: v for k, v in e.items() if k not in rest}) for e in result.entities
    ]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("<b>x</b><strong>y</strong>", "xy", [("bold", 0, 2, {})]),
        ("<i>x</i> <em>y</em>", "x y", [("italic", 0, 1, {}), ("italic", 2, 1, {})]),
        ("<u>x</u> <ins>y</ins>", "x y", [("underline", 0, 1, {}), ("underline", 2, 1, {})]),
        ("<s>x</s> <strike>y</strike> <del>z</del>", "x y z", [("strikethrough", at, 1, {}) for at in (0, 2, 4)]),
        (
            '<tg-spoiler>x</tg-spoiler> <span class="tg-spoiler">y</span>',
            "x y",
            [("spoiler", 0, 1, {}), ("spoiler", 2, 1, {})],
        ),
        ("<code>123</code>", "123", [("code", 0, 3, {})]),
        ("<pre>x</pre>", "x", [("pre", 0, 1, {})]),
        ('<pre><code class="language-python">x</code></pre>', "x", [("pre", 0, 1, {"language": "python"})]),
        ('<code class="language-python">x</code>', "x", [("code", 0, 1, {})]),
        (
            '<a href="https://a.example/?q=1&amp;r=2">x</a>',
            "x",
            [("text_link", 0, 1, {"url": "https://a.example/?q=1&r=2"})],
        ),
        ("<a href='nonsense'>x</a>", "x", []),
        ("<blockquote>x</blockquote>", "x", [("blockquote", 0, 1, {})]),
        ("<blockquote expandable>x</blockquote>", "x", [("expandable_blockquote", 0, 1, {})]),
        ('<tg-emoji emoji-id="5">👍</tg-emoji>', "👍", [("custom_emoji", 0, 2, {"custom_emoji_id": "5"})]),
        (
            '<tg-time unix="1700000000" format="r">in 5 min</tg-time>',
            "in 5 min",
            [("date_time", 0, 8, {"unix_time": 1700000000, "date_time_format": "r"})],
        ),
        (
            '<tg-time unix="1700000000" format="Tdw">x</tg-time>',
            "x",
            [("date_time", 0, 1, {"unix_time": 1700000000, "date_time_format": "wdT"})],
        ),
        ('<tg-time unix="0">x</tg-time>', "x", []),
        ("<B>x</B >", "x", [("bold", 0, 1, {})]),
        ("<b>x</>", "x", [("bold", 0, 1, {})]),
        ("<b></b>x", "x", []),
        ("&lt;&#65;&#x42;&quot;&amp;&nbsp;&copy", '<AB"&&nbsp;&copy', []),
        ("1 > 0 & 2 > 1", "1 > 0 & 2 > 1", []),
    ],
)
def test_html_becomes_text_and_entities(source, text, entities):
    assert parsed(source) == (text, entities)


def test_offsets_count_utf_16_units():
    assert parsed("😀é<b>😀ж</b>") == ("😀é😀ж", [("bold", 3, 3, {})])


def test_nested_styles_are_cut_at_each_others_beginnings_and_vanish_inside_code():
    assert parsed("<b>a <i>b</i> c</b>") == (
        "a b c",
        [("bold", 0, 2, {}), ("bold", 2, 3, {}), ("italic", 2, 1, {})],
    )
    assert parsed("<b>a <code>x</code> b</b>") == (
        "a x b",
        [("bold", 0, 2, {}), ("code", 2, 1, {}), ("bold", 3, 2, {})],
    )
    assert parsed("<code>a<b>b</b></code>") == ("ab", [("code", 0, 2, {})])
    assert parsed("<b><b>x</b></b>") == ("x", [("bold", 0, 1, {})])


def test_whitespace_is_trimmed_at_the_end_and_up_to_the_first_entity():
    assert parsed(" \n a <b>b \n</b> ") == ("a b", [("bold", 2, 1, {})])
    assert parsed(" <b> b</b>") == (" b", [("bold", 0, 2, {})])
    assert formatted("a\tb\r\nc\u202e").text == "a b\nc"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('ж<font color="red">', 'Unsupported start tag "font" at byte offset 2'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<a href=>x</a>", None),
        ("<a href=a/b>x</a>", "Unexpected end of name token at byte offset 8"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ('<a ="x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<tg-emoji emoji-id="x">y</tg-emoji>', "Invalid custom emoji identifier specified"),
        ('<tg-time unix="1" format="x">y</tg-time>', "Invalid date format used"),
        ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
    ],
)
def test_html_that_cannot_be_read_is_refused_in_telegrams_words(source, why):
    if why is None:
        assert formatted(source, "HTML").text == "x"
        return
    with pytest.raises(ApiError) as refused:
        formatted(source, "HTML")
    assert refused.value.description == f"Bad Request: can't parse entities: {why}"


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("/start abc", [("bot_command", "/start")]),
        ("see /help@my_bot, or /x/y", [("bot_command", "/help@my_bot")]),
        ("@ada and a@b.example", [("mention", "@ada"), ("email", "a@b.example")]),
        ("https://a.example/x?y=1. ok", [("url", "https://a.example/x?y=1")]),
        ("example.com, v1.2 and e.g. this", [("url", "example.com")]),
        ("#tag #123 $USD", [("hashtag", "#tag"), ("cashtag", "$USD")]),
        ("call +1 202 555 0123 now", [("phone_number", "+1 202 555 0123")]),
        ("plain 12345", []),
    ],
)
def test_what_a_text_holds_is_found(text, entities):
    found = tidy(text).entities
    assert [(e["type"], text[e["offset"] : e["offset"] + e["length"]]) for e in found] == entities


def test_what_is_found_gives_way_to_what_was_marked():
    assert parsed('<a href="https://a.example">@ada</a> <code>+12025550123</code>') == (
        "@ada +12025550123",
        [("text_link", 0, 4, {"url": "https://a.example/"}), ("code", 5, 12, {})],
    )


def test_entities_may_be_given_beside_the_text():
    result = formatted("😀 bold", entities=[{"type": "bold", "offset": 3, "length": 4}])
    assert result.entities == [{"type": "bold", "offset": 3, "length": 4}]
    with pytest.raises(ApiError, match="after the end of the text"):
        formatted("x", entities=[{"type": "bold", "offset": 0, "length": 2}])


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=60))
def test_an_escaped_text_comes_back_unchanged(text):
    escaped = stdlib_html.escape(text, quote=False)
    assert formatted(f"<b>{escaped}</b>", "HTML").text == formatted(text).text


@given(st.lists(st.sampled_from(["<b>", "</b>", "<i>", "</i>", "<code>", "</code>", "a", " ", "😀", "&lt;", "<"])))
def test_entities_lie_inside_the_text_and_never_cross(pieces):
    try:
        result = formatted("".join(pieces), "HTML")
    except ApiError:
        return
    units = len(result.text.encode("utf-16-le")) // 2
    spans = [(e["offset"], e["offset"] + e["length"]) for e in result.entities]
    assert all(0 <= start < end <= units for start, end in spans)
    for a_start, a_end in spans:
        for b_start, b_end in spans:
            assert not a_start < b_start < a_end < b_end


@pytest.mark.parametrize("href", ["http://[", "localhost", "https://a b.example"])
def test_a_link_that_leads_nowhere_is_dropped(href):
    assert parsed(f'<a href="{href}">x</a>') == ("x", [])
