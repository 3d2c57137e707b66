# GradLeak: `make app` serves the dashboard, `make test` runs every check. Without make (or on Windows) see README.md.
.DEFAULT_GOAL := help
.PHONY: help app test test-fast test-whole lint lint-js browser check format clean

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
SPREAD := --numprocesses 3 --dist worksteal
TSC := npx --yes --prefer-offline --fetch-retries=0 --fetch-timeout=10000 --package=typescript@5.9.3 -- tsc
SUPPORTED := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))
ifeq ($(origin PYTHON), undefined)
PYTHON = $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $$p && break; done)
endif

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

app: $(VENV)/.app ## Set up and serve the dashboard on http://localhost:8501 (ARGS="--port 9000" for another)
	@$(PY) -m gradleak_core serve $(ARGS)

test: lint browser ## Set up and run every check: ruff, mypy, unit, contract, page and browser tests
	$(PY) -m pytest $(SPREAD) $(ARGS)

test-fast: $(VENV)/.dev ## The tests for the hand at work: no browser, no servers, no whole registries
	$(PY) -m pytest $(SPREAD) -m "not e2e and not contract and not process and not sweep" $(ARGS)

test-whole: lint browser ## As test, and every pair of the contracts, which takes ten minutes more
	$(PY) -m pytest $(SPREAD) -m "" $(ARGS)

lint: $(VENV)/.dev lint-js ## Style and types only
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

lint-js: ## The types of the JavaScript, where there is Node
	@if ! command -v npx >/dev/null; then echo "The types of the JavaScript are not checked: there is no Node here."; \
	elif ! $(TSC) --version >/dev/null 2>&1; then echo "The types of the JavaScript are not checked: npx cannot start TypeScript."; \
	else $(TSC) --project jsconfig.json; fi

browser: $(VENV)/.dev ## Find or install the browser of the browser tests, and nginx
	@$(PY) -m tests.e2e.browser
	@$(PY) -m tests.web.nginx

check: $(VENV)/.app ## Versions, device and a self-test of this machine
	@$(PY) -m gradleak_core check

format: $(VENV)/.dev ## Rewrite the code in the project's style
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean: ## Remove .venv and caches; runs and uploads in .gradleak stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(or $(PYTHON),false) -c '$(SUPPORTED)' 2>/dev/null || { echo \
	"GradLeak needs Python 3.10 to 3.14: install one, or name it with 'make $(firstword $(MAKECMDGOALS)) PYTHON=python3.12'." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
	"This Python cannot make virtual environments: on Debian or Ubuntu run 'apt-get install python3-venv', then try again." >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)."
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.app: requirements.txt $(PY)
	@echo "Installing what requirements.txt names; the first time this takes some minutes, PyTorch is large."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt $(PY)
	@echo "Installing what requirements-dev.txt names; the first time this takes some minutes, PyTorch is large."
	@$(PIP) -r requirements-dev.txt
	@touch $(VENV)/.app $@
