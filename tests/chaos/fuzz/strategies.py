"""Texts and JSON that somebody would send who means harm, or whose program is broken."""

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

# texts

ODD_CHARACTERS = (
    "\0\x01\x08\t\n\r\x0b\x0c\x1b\x7f\x85\x9b\xa0\xad\u0300\u030a\u0333\u0336\u033f\u034f\u0489\u061c\u115f\u1160\u1680"
    "\u180e\u2000\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u202f\u2060\u2066\u2067\u2068\u2069\u2800\u3000"
    "\u3164\ufdd0\ufe0f\ufeff\uffa0\ufffc\ufffd\uffff\ud800\udbff\udc00\udfff\U0001f1e9\U0001f3fb\U000e0001\U000e0020"
    "\U000e007f\U0001fffe\U0010ffff٣߁०１𝟘<>&\"'`*_~|[](){}#@/\\$%:;"
)
"""Of every plane and category that something treats unlike the rest."""
ODD_WORDS = (
    "<b>", "</b>", "<b", "</", "<tg-spoiler>", "</blockquote>", "<a href='javascript:x'>", "<pre><code class=\"x\">",
    "&amp;", "&lt", "&#0;", "&#xD800;", "&#x10FFFF;", "&#99999999;", "&nbsp;", "{code}", "{0.__class__}", "%s", "%n",
    "*bold*", "__u__", "||s||", "[x](tg://user?id=1)", "```", "https://t.me/x?start=1", "@everyone", "/start", "#tag",
    "tg://resolve?domain=x", "'; DROP TABLE sms; --", "\r\n\r\n", "Z̤͔͉͉̑̈́ả͆lgo", "👩‍👩‍👧‍👦", "🇩🇪", "שלום", "مرحبا",
    "код 123456", "123456", "\u202e654321", "1" * 60, "﷽", "NaN", "null", "../../etc/passwd", "${jndi:ldap://x}",
)  # fmt: skip

any_character = st.characters(exclude_categories=())
odd_character = st.sampled_from(ODD_CHARACTERS) | any_character


def flood(longest: int) -> st.SearchStrategy[str]:
    """One or two characters over and over."""
    piece = st.text(odd_character, min_size=1, max_size=2)
    return st.builds(lambda one, times: one * times, piece, st.integers(1, longest))


def near_the_limit() -> st.SearchStrategy[str]:
    """About as long as a message may be, in units of UTF-16, markup and all."""
    piece = st.sampled_from(("x", "&", "<", "😀", "\n", "é\u0301", "a b ", "\u2068x\u2069", "\u2800", '"'))
    return st.builds(lambda one, length: (one * 9000)[:length], piece, st.integers(3900, 8300))


short = st.text(odd_character, max_size=40) | st.lists(st.sampled_from(ODD_WORDS), max_size=5).map("".join)
texts = st.one_of(
    short,
    st.lists(st.sampled_from(ODD_WORDS) | st.text(odd_character, max_size=8), max_size=12).map(" ".join),
    flood(6000),
    near_the_limit(),
)
names = st.one_of(short, flood(64), st.text(any_character, max_size=64))

# JSON

DEEP = "[" * 5000 + "]" * 5000
numbers = st.sampled_from(
    (0, -0.0, -1, 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**18, 10**30, 10**400, 1e308, -1e308, 0.1)
)
leaves = st.none() | st.booleans() | numbers | st.integers() | st.floats() | short | flood(3000)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn, whole: Any, most: int = 3) -> Any:
    """`whole` after up to `most` changes: a value dropped, replaced, retyped, nested, repeated or renamed."""
    result = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, most))):
        if not isinstance(result, dict | list) or not result or draw(st.integers(0, 19)) == 0:
            return draw(anything)
        holder, key = _somewhere(draw, result)
        draw(st.sampled_from(_CHANGES))(draw, holder, key)
    return result


def _somewhere(draw: st.DrawFn, holder: Any) -> tuple[Any, Any]:
    """A dictionary or list, at any depth, and a place in it."""
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = draw(st.sampled_from(keys))
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 3)) == 0:
            return holder, key
        holder = inner


def _drop(draw: st.DrawFn, holder: Any, key: Any) -> None:
    del holder[key]


def _replace(draw: st.DrawFn, holder: Any, key: Any) -> None:
    holder[key] = draw(anything)


def _retype(draw: st.DrawFn, holder: Any, key: Any) -> None:
    """What it says, as another type says it."""
    value = holder[key]
    as_number = int(value) if isinstance(value, str) and value.strip().lstrip("-").isdecimal() else len(str(value))
    holder[key] = draw(st.sampled_from((str(value), [value], {"value": value}, [], {}, as_number, bool(value), None)))


def _nest(draw: st.DrawFn, holder: Any, key: Any) -> None:
    for _ in range(draw(st.sampled_from((1, 2, 50)))):
        holder[key] = [holder[key]] if draw(st.booleans()) else {str(key): holder[key]}


def _enlarge(draw: st.DrawFn, holder: Any, key: Any) -> None:
    holder[key] = draw(numbers)


def _say_oddly(draw: st.DrawFn, holder: Any, key: Any) -> None:
    holder[key] = draw(texts)


def _rename(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder[draw(short)] = holder.pop(key)
    else:
        holder.append(copy.deepcopy(holder[key]))


_CHANGES: tuple[Callable[[st.DrawFn, Any, Any], None], ...] = (
    _drop, _replace, _retype, _nest, _enlarge, _say_oddly, _rename,
)  # fmt: skip


@st.composite
def written(draw: st.DrawFn, value: Any) -> bytes:
    """JSON of `value`, well or badly written."""
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    return draw(st.sampled_from(_WRITINGS))(text)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


_WRITINGS: tuple[Callable[[str], bytes], ...] = (
    _utf8,
    _utf8,
    _utf8,
    lambda text: b"\xef\xbb\xbf" + _utf8(text) + b"\r\n",
    lambda text: text.encode("utf-16", "surrogatepass"),
    lambda text: text.encode("utf-32", "surrogatepass"),
    lambda text: text.encode("latin-1", "replace"),
    lambda text: text.encode("cp1251", "replace"),
    lambda text: _utf8(text)[:-1],
    lambda text: _utf8(text)[: len(text) // 2],
    lambda text: _utf8(text) * 2,
    lambda text: _utf8(text) + b"\0",
    lambda text: _utf8(text.replace("{", '{"id": 5, "status": "error", ', 1)),  # keys that come twice
    lambda text: _utf8(text.replace(":", ': NaN, "x":', 1)),
    lambda text: _utf8(text.replace(":", ': Infinity, "x":', 1)),
    lambda text: _utf8(text.replace(":", f': {DEEP}, "x":', 1)),
    lambda text: _utf8(text.replace(":", f': {"9" * 5000}, "x":', 1)),
    lambda text: _utf8(f'"{text}"'),
    lambda text: _utf8(json.dumps(text)),
    lambda text: b"<!DOCTYPE html><html><body>" + _utf8(text) + b"</body></html>",
)

raw = st.one_of(
    st.binary(max_size=200),
    st.sampled_from((b"", b"null", b"{}", b"[]", b"0", b'""', DEEP.encode(), b"[" * 200_000, b"\xff" * 1000)),
    texts.map(_utf8),
)


def bodies(whole: Any) -> st.SearchStrategy[bytes]:
    """What may stand where a JSON of the kind of `whole` is expected."""
    return st.one_of(spoilt(whole).flatmap(written), spoilt(whole).map(json.dumps).map(_utf8), written(whole), raw)
