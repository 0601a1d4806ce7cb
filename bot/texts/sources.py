"""The sentences in the sources, found by how they are called.

    t("Pick a service")  view.t("…")         one sentence
    t("Yes" if sure else "No")               both
    t.plural("{n} day", "{n} days", count)   singular and plural
    _("Poland")                              marked here (bot.texts.mark), translated elsewhere: t(name)

A comment that begins with "Translators:" right above the call goes to the translators.
"""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.texts.shape import misfit

OURS = ("bot", "handlers")
_NOTE = "Translators:"


class BadSentence(Exception):
    """A sentence that no translation could stand for; says where and why."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`msgids` is one text, or singular and plural; `file` is relative to the root, with slashes."""

    msgids: tuple[str, ...]
    file: str
    note: str = ""


def sentences(root: Path) -> list[Sentence]:
    """Of all our sources, ordered by file and text. Raises BadSentence."""
    found = {
        sentence
        for package in OURS
        for path in (root / package).rglob("*.py")
        for sentence in sentences_in(path.read_text("utf-8"), path.relative_to(root).as_posix())
    }
    return sorted(found, key=lambda sentence: (sentence.file, sentence.msgids, sentence.note))


def sentences_in(source: str, file: str) -> Iterator[Sentence]:
    """Raises BadSentence."""
    comments = _comments(source)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not (count := _count(node.func)):
            continue
        for msgids in _msgids(node.args[:count], count, f"{file}:{node.lineno}"):
            yield Sentence(msgids, file, _note(comments, node.lineno))


def _count(called: ast.expr) -> int:
    """How many leading arguments of a call to `called` are texts."""
    match called:
        case ast.Name(id="t" | "_") | ast.Attribute(attr="t"):
            return 1
        case ast.Attribute(attr="plural"):
            return 2
    return 0


def _msgids(arguments: list[ast.expr], count: int, where: str) -> Iterator[tuple[str, ...]]:
    choices = [_texts(argument, where) for argument in arguments]
    if count == 1:
        msgids: list[tuple[str, ...]] = [(text,) for texts in choices for text in texts]
    elif all(len(texts) == 1 for texts in choices):
        msgids = [tuple(texts[0] for texts in choices)]
    else:
        raise BadSentence(f"{where}: plural() takes two literal texts")
    for each in msgids:
        if not each[0].strip():
            raise BadSentence(f"{where}: an empty sentence")
        if why := misfit(each, each):
            raise BadSentence(f"{where}: {why}")
        yield each


def _texts(argument: ast.expr, where: str) -> list[str]:
    """The literals that `argument` can be; none for a name, whose text is marked where it is written."""
    match argument:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return _texts(one, where) + _texts(other, where)
        case ast.JoinedStr() | ast.BinOp() | ast.BoolOp():
            raise BadSentence(f"{where}: a computed text; write whole sentences with {{named}} fields")
    return []


def _comments(source: str) -> dict[int, str]:
    """Line number to comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _note(comments: dict[int, str], line: int) -> str:
    lines: list[str] = []
    while (line := line - 1) in comments:
        lines.insert(0, comments[line])
        if comments[line].startswith(_NOTE):
            return " ".join(lines)
    return ""
