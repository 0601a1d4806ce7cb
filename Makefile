# Two commands do everything on a fresh machine with Python 3.11 or newer: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:

.PHONY: run test chaos codes coverage mutants check format lock texts figures clean

run: $(VENV)/.runtime ## start the bot; without BOT_TOKEN, the demo
	@exec $(PY) main.py run

test: $(VENV)/.dev ## the whole suite
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile

chaos: $(VENV)/.dev ## 10,000 purchases while all fails and the program is killed 100 times, SEEDS="11 12 13"; then 100 SMS a second
	@$(PY) -m tests.chaos.world $(foreach seed,$(or $(SEEDS),11),--seed $(seed))
	@$(PY) -m tests.chaos.load

codes: $(VENV)/.dev ## how well codes are found, beside another extractor, and what each rule is worth
	@$(PY) -m tests.codes.report

coverage: $(VENV)/.dev ## lines and branches that the tests run; fails under 95 %
	@$(PY) -m tests.covered

mutants: $(VENV)/.mutants ## 300 wrong versions of services and ledger, and which tests notice; SEED=1
	@$(PY) -m tests.mutants.run --seed $(or $(SEED),1)

check: $(VENV)/.dev ## format, lint, types, import contracts, size limits
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-cache
	@$(PY) -m tests.figures

format: $(VENV)/.dev
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

figures: $(VENV)/.dev
	@$(PY) -m tests.figures

texts: $(VENV)/.dev ## refresh the .pot and .po files from the sources
	@$(PY) -m bot.texts.extract

lock: ## renew the locks (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --upgrade --no-header -o requirements.lock pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --no-header -c requirements.lock --group dev -o requirements-dev.lock pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --no-header -c requirements-dev.lock --group mutants -o requirements-mutants.lock pyproject.toml

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "codepigeon needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python lacks venv. On Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "The virtual environment could not be made. On Debian or Ubuntu: apt-get install python3-venv"; exit 2; }

$(VENV)/.runtime: requirements.lock | $(VENV)/bin/python
	@echo "Installing what codepigeon runs on ..."
	@$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/bin/python
	@echo "Installing what the tests need ..."
	@$(PIP) -r requirements-dev.lock
	@touch $@ $(VENV)/.runtime

$(VENV)/.mutants: requirements-mutants.lock $(VENV)/.dev
	@echo "Installing what makes the mutants ..."
	@$(PIP) -r requirements-mutants.lock
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
