# make demo    the whole product against a simulated company, no credentials, no network but the package registry
# make test    format, lint, types, import rules, tests
# make soak    the same properties for longer, and many more kill -9
# make pages   PNGs of the report pages, to be looked at (pages-out/)
# make bench   speed and memory as ratios in one run (bench-out/)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: demo test soak pages bench clean

demo: $(VENV)/.runtime
	$(BIN)/pmo-sync demo --out demo-out

test: $(VENV)/.developer
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder

soak: $(VENV)/.developer
	HYPOTHESIS_PROFILE=deep PMO_SYNC_KILLS=50 $(BIN)/python -m pytest -n $(JOBS) --timeout 3600

pages: $(VENV)/.developer
	$(BIN)/python -m tests.pages pages-out

bench: $(VENV)/.bench
	$(BIN)/python -m tests.benchmarks bench-out

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.developer: $(VENV)/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(VENV)/.bench: $(VENV)/.developer
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch $@

clean:
	rm -rf $(VENV) demo-out pages-out bench-out
