# make demo    install, simulate a measurement, analyze it; prints where the results are
# make test    install what the tests need, check style, types and layers, run the tests
# make docs    build the documentation into docs/_build/html
# make bench   measure speed and quality, write benchmarks/RESULTS.md
# make bench-pair  whole commands beside those of an earlier commit: BASE=commit, PAIRS=3, ROWS="spectrum help"
# make fuzz    read thousands of damaged files; FUZZ=cases of each kind, FUZZ_SEED=where to start
# make mutations  put known faults into a copy: each must fail its test
# make clean   remove everything that was made

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif

.PHONY: demo test docs bench bench-pair fuzz mutations clean

demo: $(VENV)/.installed
	$(BIN)/perrin demo --out demo --overwrite

test: $(VENV)/.installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

docs: $(VENV)/.installed-docs
	$(BIN)/python docs/make_figures.py
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/run.py

BASE ?= c9b2ede
PAIRS ?= 3
ROWS ?=
bench-pair: $(VENV)/.installed-test
	BASE="$(BASE)" PAIRS="$(PAIRS)" ROWS="$(ROWS)" $(BIN)/python benchmarks/run.py pair

FUZZ ?= 500
FUZZ_SEED ?= 1
fuzz: $(VENV)/.installed-test
	PERRIN_FUZZ=$(FUZZ) PERRIN_FUZZ_SEED=$(FUZZ_SEED) $(BIN)/pytest tests/fuzz

mutations: $(VENV)/.installed-test
	$(BIN)/python tests/mutations.py

clean:
	rm -rf $(VENV) demo docs/_build docs/_figures build dist

$(VENV)/bin/python $(VENV)/Scripts/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" \
		|| { echo "perrin needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# torch first and by version: a CPU build is taken where one is offered
$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	@touch $@ $(VENV)/.installed
