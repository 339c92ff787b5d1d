# Needs Python 3.11 or newer and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
# Two processes more than there are cores, since tests wait too; six at most.
PROCESSES = $(shell $(BIN)/python -c 'import os; print(min((os.cpu_count() or 1) + 2, 6))')
PYTEST = $(BIN)/python -m pytest --numprocesses $(PROCESSES)

# Tests start hundreds of Pythons, and pytest rewrites each test file: what one has compiled is for all, and for later.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup tools test test-fast nightly engines coverage newest matrix check demo bench soak fuzz docs site \
	workflows release fixtures wit

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

setup: .venv/ready ## Make .venv with the library and the tools for developing it

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wasihost needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' # which knows groups
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

tools: ## Install the programs that a few tests use, such as tshark and Chromium (Debian, as root)
	@tests/system-tools.sh

test: setup ## Run every test but the nightly ones, with two processes more than there are cores
	$(PYTEST) $(ARGS)

test-fast: setup ## The same without those that take over a second each, in about a minute
	$(PYTEST) -m "not slow and not nightly and not engines" $(ARGS)

nightly: setup .venv/outside ## Run the tests that need minutes each, or clients and servers that others wrote
	$(PYTEST) -m nightly $(ARGS)

.venv/outside: tests/outside/requirements.txt .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

engines: setup ## Run the tests of jobs on Dask, Ray and joblib, which it installs, and with Arrow
	$(BIN)/nox --session engines $(ARGS)

# A test that fails is for `make test`: a tracer keeps frames, and with them objects that a few tests want gone.
coverage: setup ## Run every test, and fail if less of the code runs than pyproject.toml says
	$(BIN)/coverage erase
	-$(BIN)/coverage run -m pytest --numprocesses $(PROCESSES) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

# Those that pyenv has need not be on the path.
newest: setup ## Run every test with the newest wheel of Wasmtime
	$(BIN)/nox --session wasmtime $(ARGS)

matrix: setup ## Run every test on each CPython from 3.11 on that is at hand; ARGS='-s tests-3.13' for one
	PATH="$$PATH:$$(echo $$HOME/.pyenv/versions/*/bin | tr ' ' :)" $(BIN)/nox $(ARGS)

check: setup ## Lint, check the formatting, the types and the words
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy host tests wit examples benchmarks
	$(BIN)/python -m tests.prose

demo: setup ## Serve HTTP with a component, refuse what it may not do, and show its report
	$(BIN)/python examples/demo.py

bench: setup ## Measure beside peers, minutes; ARGS=--quick for one, ARGS=--help for more
	$(BIN)/python -m benchmarks $(ARGS)

soak: setup ## All fixtures on bad networks for 10 minutes, nothing may be left or grow; ARGS=--help for more
	$(BIN)/python -m tests.soak $(ARGS)

fuzz: setup ## 100,000 operations on files, and values through 10,000 generated guests; ARGS='--worlds N --seed N'
	$(BIN)/python -m tests.unit.wasi.filesystem.virtual
	$(BIN)/python -m tests.abi.worlds $(ARGS)

docs: setup ## Write docs/reference/command-line.md, and the tables of what works into coverage.md
	$(BIN)/python -m wit.table
	$(BIN)/python -m wit.commands

site: setup .venv/site ## Build the site of docs/ into build/site, with warnings as errors
	NO_MKDOCS_2_WARNING=1 .venv/site/bin/mkdocs build --quiet --strict
	@echo "build/site/index.html"

# An environment of its own: what the site needs is not needed to run or test anything.
.venv/site: pyproject.toml .venv/ready
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$@/bin/python -m pip install --quiet --disable-pip-version-check --editable . --group site
	@touch $@

workflows: setup .venv/bin/actionlint ## Check the workflows of .github
	$(BIN)/actionlint
	$(BIN)/zizmor --offline --quiet .

.venv/bin/actionlint: Makefile .venv/ready
	GOBIN="$(CURDIR)/$(BIN)" go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group workflows
	@touch $@

release: setup ## Build wheel and sdist into dist, and install them in empty environments of each CPython at hand
	rm -rf dist
	PATH="$$PATH:$$(echo $$HOME/.pyenv/versions/*/bin | tr ' ' :)" $(BIN)/nox --session dist installed

fixtures: setup ## Build guest-fixtures/prebuilt again (needs Rust, clang and wit-bindgen)
	PATH="$(CURDIR)/$(BIN):$$PATH" guest-fixtures/build.sh

wit: setup ## Fetch the WASI WIT again and compare it with its sums (needs cargo)
	$(BIN)/python wit/refresh.py
