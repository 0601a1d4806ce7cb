"""Which tests can notice a mutant: those that ran its lines, the quick and the near ones first."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from coverage import CoverageData

from tests.mutants.generate import Mutant

FIRST_S = 4.0  # most mutants fall within a few tests: a second, larger helping is only collected when they do not


@dataclass
class Chooser:
    """Reads what a run under `tests.mutants.contexts` left: coverage by test, and the seconds of those that passed."""

    root: Path
    data: CoverageData
    seconds: dict[str, float]
    budget_s: float
    _lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path, coverage: Path, passed: Path, budget_s: float) -> "Chooser":
        data = CoverageData(str(coverage))
        data.read()
        return cls(root, data, json.loads(passed.read_text(encoding="utf-8")), budget_s)

    def helpings(self, mutant: Mutant) -> list[list[str]]:
        """Lists of tests, to be run one after the other. Empty where no test runs these lines."""
        tests = sorted(self._touching(mutant) & self.seconds.keys(), key=self._rank)
        first, second, spent = [], [], 0.0
        for test in tests:
            spent += self.seconds[test]
            if spent <= FIRST_S or not first:
                first.append(test)
            elif spent <= self.budget_s:
                second.append(test)
        return [some for some in (first, second) if some]

    def expected_s(self, tests: list[str]) -> float:
        return sum(self.seconds[test] for test in tests)

    def _touching(self, mutant: Mutant) -> set[str]:
        by_line = self._contexts(mutant.path)
        begin, end = mutant.lines
        touching = {test for line in range(begin, end + 1) for test in by_line.get(line, [])}
        if touching == {""}:  # it runs when the module is imported: whoever uses the module may notice
            touching = {test for tests in by_line.values() for test in tests}
        return touching

    def _contexts(self, path: str) -> dict[int, list[str]]:
        if path not in self._lines:
            self._lines[path] = self.data.contexts_by_lineno(str(self.root / path))
        return self._lines[path]

    def _rank(self, test: str) -> tuple[bool, float]:
        return not test.startswith(("tests/services/", "tests/storage/")), self.seconds[test]
