"""How large the code is, and whether it keeps its limits: `python -m tests.figures`.

A function's length is from its `def` line to its last one, docstring included, decorators not. Medians are for
reading; the two maxima fail the check. Complexity is ruff's to judge.
"""

import ast
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

CODE = ("main.py", "bot", "handlers", "storage")
TESTS = ("tests",)
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


@dataclass(frozen=True, slots=True)
class Length:
    """`place` as `path` or `path:line name`."""

    place: str
    lines: int


def python_files(root: Path, places: Iterable[str]) -> list[Path]:
    found = [root / place for place in places]
    return sorted(file for place in found for file in ([place] if place.is_file() else place.rglob("*.py")))


def file_length(root: Path, file: Path) -> Length:
    return Length(str(file.relative_to(root)), len(file.read_text(encoding="utf-8").splitlines()))


def function_lengths(root: Path, file: Path) -> Iterator[Length]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            place = f"{file.relative_to(root)}:{node.lineno} {node.name}"
            yield Length(place, node.end_lineno - node.lineno + 1)


def offenders(files: Iterable[Length], functions: Iterable[Length]) -> list[str]:
    return [
        *(f"{f.place}: {f.lines} lines, {MAX_FILE_LINES} at most" for f in files if f.lines > MAX_FILE_LINES),
        *(
            f"{f.place}: {f.lines} lines, {MAX_FUNCTION_LINES} at most"
            for f in functions
            if f.lines > MAX_FUNCTION_LINES
        ),
    ]


def spread(lengths: Sequence[Length]) -> str:
    """Median, 90th percentile (nearest rank) and maximum."""
    if not lengths:
        return "none"
    ordered = sorted(length.lines for length in lengths)
    p90 = ordered[math.ceil(0.9 * len(ordered)) - 1]
    return f"median {median(ordered):g}, p90 {p90}, max {ordered[-1]}"


def main(root: Path) -> int:
    files = [file_length(root, file) for file in python_files(root, CODE)]
    functions = [length for file in python_files(root, CODE) for length in function_lengths(root, file)]
    tests = [file_length(root, file) for file in python_files(root, TESTS)]
    lines, test_lines = sum(f.lines for f in files), sum(f.lines for f in tests)
    ratio = f"{test_lines / lines:.1f} : 1" if lines else "no code"
    print(f"files      {len(files)}, {lines} lines: {spread([f for f in files if f.lines])}")
    print(f"functions  {len(functions)}: {spread(functions)}")
    print(f"tests      {len(tests)} files, {test_lines} lines; tests : code {ratio}")
    bad = offenders(files, functions)
    print("\n".join(bad) if bad else "all within the limits")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent.parent))
