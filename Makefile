# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Both names: older and newer versions of pip read the one or the other for what a build needs.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: help demo test check fix bench fuzz kill messages clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

demo: $(READY) ## set up, then show the main job on the built-in stand-ins
	$(BIN)/abgleich demo

test: $(READY) ## set up, then run the tests
	$(BIN)/python -m pytest -q -n auto

check: $(READY) ## format check, lint, types, tests; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto

fix: $(READY) ## format, mend what can be mended, compile the catalogues
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/pybabel -q compile -D abgleich -d engine/locale

bench: $(READY) ## measure
	$(BIN)/python -m tests.bench

fuzz: $(READY) ## try 20,000 mutated mapping files and 20,000 mutated lists
	$(BIN)/python -m tests.fuzz 20000

kill: $(READY) ## kill engines a hundred times, on SQLite and on PostgreSQL, and look at what is left
	$(BIN)/python -m tests.service.kills 100
	$(BIN)/python -m tests.service.kills 100 --postgresql

messages: $(READY) ## gather new messages into the German catalogue, for translating
	$(BIN)/python -m babel.messages.frontend -q extract -F babel.cfg -k _ -k ngettext:1,2 --no-location --sort-output --omit-header -o $(VENV)/abgleich.pot engine
	$(BIN)/pybabel -q update -D abgleich -d engine/locale -l de -i $(VENV)/abgleich.pot --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

clean: ## remove what was set up
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "abgleich needs Python 3.11 or newer; name it: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e '.[dev]'
	@touch $(READY)
