# What a person types. Everything that these need is brought into .venv; only Python 3.11 or later, make and git must be there.
PYTHON ?= python3
BIN := .venv/bin
# Tests start many processes, each of which would compile the package anew where the environment forbids to keep byte code.
# Tests wait for processes, databases and browsers about as long as they compute.
PROCESSES := $(shell $(PYTHON) -c "import os; print(2 * (os.cpu_count() or 1))")
PINNED := requirements/runtime.txt requirements/dev.txt requirements/build.txt requirements/advisories.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: demo test lint bench docs screenshots advisories clean
.DEFAULT_GOAL := demo

demo: .venv/runtime ## play a ransomware story against a simulated Microsoft, on this machine
	@$(BIN)/ringfence demo

test: .venv/dev .venv/node .venv/firefox ## run all tests, on SQLite and PostgreSQL, and in a browser
	PYTHONDONTWRITEBYTECODE= RINGFENCE_SCREENSHOTS=test-results/screenshots $(BIN)/python -m pytest --numprocesses=$(PROCESSES) --dist=loadgroup

lint: .venv/dev ## format, lint, types, layers, docs in step with the code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/docs --check

bench: .venv/dev ## measure, and print ratios and CPU time
	$(BIN)/python -m bench

docs: .venv/dev ## write the parts of docs/ that are generated from the code
	$(BIN)/python tools/docs

screenshots: .venv/dev ## make the pictures of the README anew (those of every page: test-results/screenshots, by make test)
	$(BIN)/python tools/screenshots --readme

advisories: .venv/advisories ## ask PyPI for known flaws of every pinned library; what could not be asked is an error too
	@failed=0; for each in $(PINNED); do echo "$$each"; \
	  $</bin/pip-audit --strict --progress-spinner=off --disable-pip --require-hashes --requirement=$$each || failed=1; done; exit $$failed

clean: ## remove everything that these commands made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist test-results

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Ringfence needs Python 3.11 or later; found $$($(PYTHON) --version). Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/runtime: .venv/python requirements/runtime.txt requirements/build.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	$(PIP) --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/runtime requirements/dev.txt
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

# Apart from the others: what it needs is no library of ours.
.venv/advisories: .venv/python requirements/advisories.txt
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/advisories.txt
	@touch $@

# A certified provider of identities, which one test signs in at; without npm, or where it cannot be had, that test is skipped.
.venv/node: .venv/python
	@mkdir -p $@
	@if command -v npm >/dev/null; then npm install --silent --ignore-scripts --no-audit --no-fund --no-package-lock \
	  --prefix $@ oidc-provider@9.13.3 || echo "oidc-provider is not to be had: its test is skipped." >&2; fi
	@touch $@

# A Firefox, in which one test goes the main way: the one that is installed, else the system's where that may be installed, else
# Playwright's. Only what comes over the network is given up after a while; where there is none then, that test is skipped.
.venv/firefox: .venv/dev
	@if command -v firefox-esr || command -v firefox; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get; then \
	  export DEBIAN_FRONTEND=noninteractive; wanted="install -q -y --no-install-recommends firefox-esr"; \
	  { timeout 30 apt-get $$wanted --download-only || { timeout 20 apt-get update -q && timeout 30 apt-get $$wanted --download-only; }; } \
	    && apt-get $$wanted --no-download; \
	else PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT=10000 timeout 50 $(BIN)/playwright install firefox; \
	fi >$@.log 2>&1 || echo "Firefox is not to be had (see $@.log): its test is skipped." >&2
	@touch $@
