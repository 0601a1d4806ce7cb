"""How much of the services, the domain and the storage the tests run: `python -m tests.covered`.

Lines and branches are counted apart, for each package, and each must reach the limit. The tests are those that stand
beside the code, and those of its clocks. Most stories run the same lines once more, but wait for what they see, and a
measured program is too slow for their patience; what a program of its own does (a kill, a restart) is not measured.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot/services", "bot/domain", "storage")
TESTS = (
    *(f"tests/{folder}" for folder in ("services", "domain", "codes", "config", "storage", "handlers", "texts", "web")),
    *(f"tests/chaos/test_time{part}.py" for part in ("", "_in_memory")),
    "tests/stories/test_corrections.py",
)
LIMIT_PERCENT = 95.0


@dataclass(frozen=True, slots=True)
class Share:
    package: str
    lines: float
    branches: float
    """In percent."""

    def __str__(self) -> str:
        return f"{self.package:14} {self.lines:6.2f} % of lines  {self.branches:6.2f} % of branches"

    @property
    def is_enough(self) -> bool:
        return min(self.lines, self.branches) >= LIMIT_PERCENT


def shares(report: Mapping[str, Any]) -> list[Share]:
    """Of what `coverage json` has written."""
    return [_share(package, report["files"]) for package in PACKAGES]


def _share(package: str, files: Mapping[str, Any]) -> Share:
    found = [file["summary"] for path, file in files.items() if path.startswith(f"{package}/")]

    def percent(part: str, whole: str) -> float:
        return 100 * sum(one[part] for one in found) / max(1, sum(one[whole] for one in found))

    return Share(package, percent("covered_lines", "num_statements"), percent("covered_branches", "num_branches"))


def coverage(*arguments: str, file: Path) -> int:
    command = [sys.executable, "-m", "coverage", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "COVERAGE_FILE": str(file)}, check=False).returncode


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        file, report = Path(folder) / "coverage", Path(folder) / "report.json"
        outcome = coverage("run", "-m", "pytest", "-q", *TESTS, file=file)
        coverage("report", "--show-missing", "--skip-covered", file=file)
        if coverage("json", "-q", "-o", str(report), file=file):
            return 1
        found = shares(json.loads(report.read_text(encoding="utf-8")))
    print(*found, sep="\n")
    short = [share.package for share in found if not share.is_enough]
    if short:
        print(f"under {LIMIT_PERCENT} %: {', '.join(short)}")
    return outcome or bool(short)


if __name__ == "__main__":
    sys.exit(main())
