# The doors of the project. Everything is installed into .venv, once, and again when pyproject.toml changes.
PYTHON ?= python3
LOG ?= sample_logs/stolen_report.jsonl
BIN := .venv/bin
# Handed over in the environment, so that any file name works.
export LOG

.PHONY: help investigate test test-fast test-oldest notebooks lab lint docs clean

help:
	@echo "make investigate [LOG=path]   read a log, print the findings, write the report into reports/"
	@echo "make lab                      open the notebooks in JupyterLab"
	@echo "make test                     run every test, docstring example and notebook, on every core"
	@echo "make test-fast                the same without notebooks, browser and spoilt logs: under two minutes"
	@echo "make test-oldest              the same with the oldest versions allowed, without a browser"
	@echo "make notebooks                run the notebooks again and store their outputs"
	@echo "make docs                     build the pages of docs/ into docs/_build/html"
	@echo "make lint                     check style and types"
	@echo "make clean                    remove what make installed; reports/ stays"

investigate: .venv/.ready
	@$(BIN)/oktakit investigate "$$LOG"

lab: .venv/.ready
	@$(BIN)/jupyter lab notebooks/00_read_a_log.ipynb

# The cells of a notebook need one process, in their order: files are not divided. They begin in the order of folders:
# those with the fewest tests are those of the browser, the longest of all, and would else be left over to one process.
PYTEST = $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test: .venv/.ready-test
	$(PYTEST) $(ARGS)

test-fast: .venv/.ready-test
	$(PYTEST) -m "not slow" README.md oktakit tests --ignore tests/browser --ignore tests/hostile $(ARGS)

test-oldest:
	.ci/oldest

notebooks: .venv/.ready
	$(BIN)/python tools/run_notebooks.py

lint: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict oktakit

# -W: a warning is an error. Pages are in docs/_build; nothing in them is loaded from elsewhere.
docs: .venv/.ready-docs
	$(BIN)/python -m sphinx -q -E -W --keep-going -b html docs docs/_build/html
	@echo "Wrote docs/_build/html/index.html"

clean:
	rm -rf .venv build dist docs/_build docs/generated .pytest_cache .ruff_cache .mypy_cache .hypothesis

.venv/.ready: EXTRA :=
.venv/.ready-test: EXTRA := [test,docs]
.venv/.ready-dev: EXTRA := [dev]
.venv/.ready-docs: EXTRA := [docs]
.venv/.ready .venv/.ready-test .venv/.ready-dev .venv/.ready-docs: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is `$(PYTHON) --version 2>&1`. Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing oktakit$(EXTRA) into .venv; this takes a minute or two, once."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".$(EXTRA)"
	@touch $@
