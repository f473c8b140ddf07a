# Three commands matter: make demo, make install, make test.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo install update test test-all readers compiled check format bench clean

demo: $(VENV)/installed
	$(BIN)/scrapy demo

# Editable, so that `scrapy` in the clone and `wallpapers` elsewhere run the same code.
install: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@echo "The command is $(CURDIR)/$(BIN)/wallpapers; put it on your PATH with, for example:"
	@echo "    ln -s '$(CURDIR)/$(BIN)/wallpapers' ~/.local/bin/"

update:
	git pull --ff-only
	$(MAKE) install

# Three, also on two cores: a third of their time, tests wait.
TESTS_AT_ONCE ?= 3

test: check compiled
	$(BIN)/pytest -n $(TESTS_AT_ONCE) --dist worksteal -m "not slow"

# Also the long tests, and those that use what else the machine has; what is missing is skipped, and
# with WALLPAPERS_FORBID_SKIPS=1 a skipped test fails.
test-all: test
	$(BIN)/pytest -n 2 --dist worksteal -m slow

# Programs that read datasets (datasets, Daft, Ray, DuckDB; 860 MB), for the tests that use them.
READERS_VENV := .venv-readers

readers: $(READERS_VENV)/installed

$(READERS_VENV)/installed: requirements-readers.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-readers.txt
	@touch $@

# The tests start hundreds of programs; where Python may not write bytecode, each would compile all.
compiled: $(VENV)/installed-dev
	@$(BIN)/python -m compileall -q wallpapers tests

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/scrapy-lint

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Measured beside peers, each in an environment of its own: what one pins must not hold another back.
# `make bench BENCH="--scenario fast --rounds 3"`; one that cannot be installed is left out and told.
BENCH ?=
BENCH_VENV := .venv-bench
PEERS := $(patsubst benchmarks/peers/%.txt,%,$(wildcard benchmarks/peers/*.txt))

bench: $(BENCH_VENV)/harness/installed $(PEERS:%=$(BENCH_VENV)/%/tried)
	$(BENCH_VENV)/harness/bin/python -m benchmarks $(BENCH)

$(BENCH_VENV)/harness/installed: requirements-bench.txt requirements.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

$(BENCH_VENV)/%/tried: benchmarks/peers/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $< || \
		echo "$* could not be installed; it will not be measured"
	@touch $@

clean:
	rm -rf $(VENV) $(BENCH_VENV) $(READERS_VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name it with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "python3 has no venv; on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
