# XRoute. `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SECONDS ?= 60
SEED ?= 1
WORKERS ?= 2
PLANT ?=
RECORDS ?= 10000000
EMAIL ?=
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test check fmt lock chaos bench-smoke scale settle demo-data screenshots clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "XRoute needs Python 3.11 or newer; set PYTHON=python3.11.")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock | $(BIN)/python
	@echo "Installing what XRoute needs ..."
	@$(BIN)/pip install -q --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.tools: requirements-dev.lock | $(BIN)/python
	@echo "Installing what the tests need ..."
	@$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.runtime

run: $(VENV)/.runtime ## the whole installation, on this machine only
	@exec $(BIN)/python -m xroute.embedded run

test: $(VENV)/.tools ## the tests, on servers of their own
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: $(VENV)/.tools ## style, types, import rules, missing migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy xroute accounts billing routing manage.py
	@set -o pipefail; $(BIN)/lint-imports --no-logo 2>/dev/null | tail -n 3
	@DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -W ignore -m django makemigrations --check --dry-run

fmt: $(VENV)/.tools ## put the code into its style
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

lock: $(VENV)/.tools ## pin the requirements anew
	@$(BIN)/pip install -q uv
	@for name in requirements requirements-dev; do $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url \
	  --no-header --python-version 3.11 $$name.in -o $$name.lock; done

chaos: $(VENV)/.tools ## kill everything under load, then compare three books
	@$(BIN)/python -m tests.chaos --seconds $(SECONDS) --seed $(SEED) $(if $(PLANT),--plant $(PLANT))

bench-smoke: $(VENV)/.tools ## requests a second against nginx, in under a minute
	@$(BIN)/python -m tests.bench.smoke

scale: $(VENV)/.tools ## ten million records: audit, rebuilt rollups, the time of each page
	@$(BIN)/python -m tests.scale --records $(RECORDS) $(ARGS)

settle: $(VENV)/.tools ## generations settled a second by one worker, at 1, 16 and 64 in flight
	@$(BIN)/python -m tests.scale --settle 10

demo-data: $(VENV)/.runtime ## 30 days of usage in the first workspace of a demo, or in EMAIL's
	@$(BIN)/python manage.py demo_data $(EMAIL)

screenshots: $(VENV)/.tools ## a picture of every page, into docs/screenshots/
	@$(BIN)/python -m tests.browser.screenshots

clean: ## remove the environment and caches; data stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
