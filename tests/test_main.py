"""`main.py` outside its environment says what to do instead of failing with a traceback."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import main

ROOT = Path(__file__).parent.parent


def test_without_the_dependencies_it_says_what_to_do():
    # -S leaves out the environment's site-packages, which is how a system Python sees this folder.
    ran = subprocess.run([sys.executable, "-S", "main.py"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "codepigeon is not set up here: use 'make run'\n"


def test_every_runtime_dependency_is_looked_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]} - {"uvloop"}
    provides = packages_distributions()
    assert {canonicalize_name(provides[module][0]) for module in main.NEEDED} == wanted
