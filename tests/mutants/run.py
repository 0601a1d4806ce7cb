"""Mutants of the services and the ledger, and whether a test notices: `python -m tests.mutants.run --seed 1`.

It works on a copy of the checkout, in a temporary folder. A mutant is killed when a test fails or the code no longer
imports; one that runs into the time limit is counted apart. A survivor is for a reader to judge: it changes nothing
that anybody can see, or a test is missing.
"""

import argparse
import compileall
import difflib
import json
import os
import py_compile
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest

from tests.covered import TESTS
from tests.mutants.choose import Chooser
from tests.mutants.contexts import PASSED
from tests.mutants.generate import Mutant, mutants

ROOT = Path(__file__).parents[2]
MEMORY = 4 << 30
SLACK_S = 20.0
FACTOR = 3.0


def targets(root: Path) -> list[str]:
    services = sorted(str(file.relative_to(root)) for file in (root / "bot/services").glob("*.py"))
    return [*services, "storage/ledger.py"]


def sample(root: Path, seed: int) -> Iterator[tuple[Mutant, str]]:
    """Every mutant once, in an order that the seed decides, with the text of its file."""
    found = [mutant for path in targets(root) for mutant in mutants(root, path)]
    random.Random(seed).shuffle(found)
    print(f"seed {seed}, {len(found)} possible changes in {len(targets(root))} files", flush=True)
    for mutant in found:
        if (text := mutant.text()) is not None:
            yield mutant, text


def copy_of(root: Path, to: Path) -> None:
    """The files under version control or new, without bytecode that a change within one second could outlive."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, to / name)
    for place in ("bot", "handlers", "storage"):
        compileall.compile_dir(to / place, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


def run_tests(home: Path, tests: list[str], timeout_s: float) -> str:
    """`survived`, `killed` or `timeout`."""
    chosen = home.with_suffix(".tests")
    chosen.write_text("\n".join(tests), encoding="utf-8")
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"@{chosen}"]
    process = subprocess.Popen(
        command,
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    try:
        said, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return "timeout"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise RuntimeError(f"no test was found: {said[-2000:]}")
    return "survived" if process.returncode == 0 else "killed"


def try_one(home: Path, chooser: Chooser, mutant: Mutant, text: str) -> str:
    helpings = chooser.helpings(mutant)
    if not helpings:
        return "untested"
    (home / mutant.path).write_text(text, encoding="utf-8")
    try:
        for tests in helpings:
            outcome = run_tests(home, tests, FACTOR * chooser.expected_s(tests) + SLACK_S)
            if outcome != "survived":
                return outcome
        return "survived"
    finally:
        (home / mutant.path).write_text(mutant.module.code, encoding="utf-8")


def difference(mutant: Mutant, text: str) -> str:
    before = mutant.module.code.splitlines()
    return "\n".join(list(difflib.unified_diff(before, text.splitlines(), n=0, lineterm=""))[2:])


def measured(folder: Path) -> tuple[Path, Path]:
    """Runs the tests once under coverage, each under its own name."""
    coverage, passed = folder / "coverage", folder / "passed.json"
    print("measuring which test runs which line ...", flush=True)
    subprocess.run(
        [sys.executable, "-m", "coverage", "run", "-m", "pytest", "-q", "-p", "tests.mutants.contexts", *TESTS],
        cwd=ROOT,
        env={**os.environ, "COVERAGE_FILE": str(coverage), PASSED: str(passed)},
        check=False,  # a test that fails is not asked about mutants
    )
    return coverage, passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--only", type=int, nargs="*", help="the numbers of those of the sample to try again")
    parser.add_argument("--budget-s", type=float, default=60.0, help="of tests, at most, for one mutant")
    parser.add_argument("--measured", type=Path, help="a folder with coverage and passed.json of an earlier run")
    parser.add_argument("--results", type=Path, help="a file for one JSON object a mutant")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = (options.measured / "coverage", options.measured / "passed.json") if options.measured else None
        chooser = Chooser.read(ROOT, *(files or measured(Path(folder))), options.budget_s)
        home = Path(folder) / "copy"
        copy_of(ROOT, home)
        outcomes: Counter[str] = Counter()
        for number, (mutant, text) in enumerate(islice(sample(home, options.seed), options.count), 1):
            if options.only and number not in options.only:
                continue
            begun = time.monotonic()
            outcome = try_one(home, chooser, mutant, text)
            outcomes[outcome] += 1
            place, change = f"{mutant.path}:{mutant.lines[0]}", difference(mutant, text)
            print(f"{number:4} {outcome:9} {time.monotonic() - begun:5.1f} s  {place}", flush=True)
            if outcome in ("survived", "untested"):
                print(change, flush=True)
            if options.results:
                with options.results.open("a", encoding="utf-8") as out:
                    print(json.dumps({"id": number, "outcome": outcome, "place": place, "change": change}), file=out)
        print(f"seed {options.seed}:", ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))


if __name__ == "__main__":
    main()
