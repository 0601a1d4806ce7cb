"""Small wrong versions of a source file: mutmut's operators, and a few of our own for SQL.

Only the operators are mutmut's. Its own runner calls functions through trampolines, which decorated functions,
context managers and module constants do not survive; here a mutant is a whole file with one change.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.matchers import Attribute, Name, matches
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import mutation_operators

SQL = {
    r"(?<![<>])=": "<>",
    r"<>": "=",
    r"<=": "<",
    r">=": ">",
    r"\bAND\b": "OR",
    r"\bOR\b": "AND",
    r"\bNOT EXISTS\b": "EXISTS",
    r"\bIS NULL\b": "IS NOT NULL",
    r"\bIS NOT NULL\b": "IS NULL",
    r"\bDESC\b": "ASC",
    r"-(?=\w)": "+",
    r"'\w+'": "'x'",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`lines` is where the change stands, first and last, counted from 1."""

    path: str
    lines: tuple[int, int]
    module: cst.Module = field(repr=False)
    node: cst.CSTNode = field(repr=False)
    changed: cst.CSTNode = field(repr=False)

    def text(self) -> str | None:
        """The whole file with the change; None where that is the same file, or no Python."""
        text = self.module.deep_replace(self.node, self.changed).code
        try:
            compile(text, self.path, "exec", dont_inherit=True)
        except SyntaxError:
            return None
        return None if text == self.module.code else text


def of_sql(node: cst.SimpleString) -> Iterator[cst.SimpleString]:
    """One changed word each; only of strings over several lines, which mutmut leaves alone."""
    if not node.value.startswith('"""') or not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", node.value):
        return
    for pattern, instead in SQL.items():
        for found in re.finditer(pattern, node.value):
            yield node.with_changes(value=node.value[: found.start()] + instead + node.value[found.end() :])


OPERATORS: list[tuple[type, Callable[[Any], Iterable[cst.CSTNode]]]] = [*mutation_operators, (cst.SimpleString, of_sql)]


class Finder(cst.CSTVisitor):
    """Notes every change that an operator proposes, outside annotations, decorators, docstrings and logging."""

    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[CodeRange, cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom):
            return False
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.BaseString):
            return False
        if isinstance(node, cst.Call) and matches(node.func, Attribute(Name("log"))):
            return False  # what a line of the log says is held by no test, and shall not be
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                place = self.get_metadata(PositionProvider, node, None) or self._around(node)
                self.found.extend((place, node, changed) for changed in operator(node))
        return True

    def _around(self, node: cst.CSTNode) -> CodeRange:
        return self.get_metadata(PositionProvider, self.get_metadata(ParentNodeProvider, node))


def mutants(root: Path, path: str) -> list[Mutant]:
    """All mutants of one file, in the order of their places; `path` from the `root`."""
    wrapper, finder = MetadataWrapper(cst.parse_module((root / path).read_text(encoding="utf-8"))), Finder()
    wrapper.visit(finder)
    return [Mutant(path, (place.start.line, place.end.line), wrapper.module, *pair) for place, *pair in finder.found]
