# The words of this project; `make` alone prints them, and .ci/run says the same ones.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A second environment, made only when `.pt` weights are met and for golden detections: torch is large, and serving never needs it.
EXTRA_VENV := .venv-ultralytics
EXTRA_BIN := $(EXTRA_VENV)/bin
AUDIT_VENV := .venv-audit
HOST ?= 127.0.0.1
PORT ?= 5000
MODEL ?=
IMAGE ?= sightline
EXTRAS ?=
WITH_EXTRAS := $(if $(EXTRAS),$(VENV)/with-$(EXTRAS).stamp)
PT := $(filter %.pt %.PT,$(MODEL))
ARGS ?=
TESTS ?= tests
MINUTES ?= 10
PIP := -m pip install --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help check-python run install test lint types e2e bench soak faults fuzz golden security-table audit extra image format clean

help: ## Print these words
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/serving.stamp $(WITH_EXTRAS) $(if $(PT),$(EXTRA_VENV)/export.stamp) ## Serve on http://127.0.0.1:5000 (HOST= PORT= MODEL=best.pt ARGS=)
ifneq ($(PT),)
	@model=$$($(EXTRA_BIN)/python -m server export "$(MODEL)") \
	&& exec $(BIN)/python -m server serve --host $(HOST) --port $(PORT) --model "$$model" $(ARGS)
else
	@exec $(BIN)/python -m server serve --host $(HOST) --port $(PORT) $(if $(MODEL),--model "$(MODEL)") $(ARGS)
endif

install: $(VENV)/serving.stamp $(WITH_EXTRAS) ## Install what serving needs (EXTRAS=mqtt,email,postgresql,evaluate for more)

test: $(VENV)/dev.stamp ## Run all tests (TESTS=tests/web for some)
	@$(BIN)/python -m pytest $(TESTS) $(ARGS)

lint: $(VENV)/dev.stamp ## Check style, layers and doors
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-cache

types: $(VENV)/dev.stamp ## Check types
	@$(BIN)/mypy

e2e: $(VENV)/dev.stamp ## Run the tests that drive a real browser or another process
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

bench: $(VENV)/dev.stamp ## Measure everything, in about two hours; writes benchmarks/README.md (ARGS="capacity scale")
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/dev.stamp ## Half an hour of everything, mixed, with churn: nothing may grow; writes benchmarks/results/soak.*
	@$(BIN)/python -m benchmarks soak

faults: $(VENV)/dev.stamp ## Try all that can go wrong, ten times as hard as the tests do; writes docs/faults.md
	@$(BIN)/python -m pytest -p tests.faults.page --thorough --faults-page docs/faults.md -m fault $(ARGS)

fuzz: $(VENV)/dev.stamp ## Minutes of fuzzing with new seeds (MINUTES=10); what it finds is kept in .hypothesis
	@FUZZ_MINUTES=$(MINUTES) $(BIN)/python -m pytest tests/fuzz -n 2 --timeout 0 $(ARGS)

golden: $(EXTRA_VENV)/dev.stamp ## Make the golden detections again, with ultralytics itself, and the figures of the drawn set
	@$(EXTRA_BIN)/python -m tests.golden.make && $(EXTRA_BIN)/python -m tests.golden.evaluation

security-table: $(VENV)/dev.stamp ## Write the bad inputs that the tests try, and their answers, into docs/security.md
	@$(BIN)/python -m tests.security.table

audit: $(VENV)/dev.stamp ## Compare what is installed with known advisories (needs the network, says when it has none)
	@if test -x $(AUDIT_VENV)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT_VENV) && $(AUDIT_VENV)/bin/python $(PIP) 'pip-audit>=2.9'; }; \
	then $(BIN)/python -m tests.security.audit $(AUDIT_VENV)/bin/pip-audit $(ARGS); \
	else echo "Nothing was audited: pip-audit cannot be installed here."; fi

extra: $(EXTRA_VENV)/dev.stamp ## Make the second environment, with ultralytics and torch (5.9 GB)

image: ## Build the container image with docker, podman or buildah (IMAGE=sightline EXTRAS=postgresql)
	@EXTRAS="$(EXTRAS)" sh container/build.sh $(IMAGE) $(ARGS)

format: $(VENV)/dev.stamp ## Bring the code into form
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

clean: ## Remove the environments and caches
	rm -rf $(VENV) $(EXTRA_VENV) $(AUDIT_VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist benchmarks/.peers

check-python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Sightline needs Python 3.11 or newer. On Debian or Ubuntu type: sudo apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sightline needs Python 3.11 or newer, this is $$($(PYTHON) -V). Type: make $(firstword $(MAKECMDGOALS)) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. On Debian or Ubuntu type: sudo apt-get install python3-venv"; exit 1; }

$(VENV)/serving.stamp: pyproject.toml constraints.txt | check-python
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what serving needs into $(VENV) (about a minute, once)"
	@$(BIN)/python $(PIP) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/with-%.stamp: $(VENV)/serving.stamp
	@echo "Installing the extras $* into $(VENV)"
	@$(BIN)/python $(PIP) --constraint constraints.txt --editable '.[$*]'
	@touch $@

$(EXTRA_VENV)/export.stamp: pyproject.toml constraints.txt | check-python
	@test -x $(EXTRA_BIN)/python || $(PYTHON) -m venv $(EXTRA_VENV)
	@echo "Installing ultralytics and torch into $(EXTRA_VENV) (5.9 GB, a few minutes, once)"
	@$(EXTRA_BIN)/python $(PIP) --constraint constraints.txt --editable '.[ultralytics]'
	@touch $@

# Dependency groups came with pip 25.1.
$(VENV)/dev.stamp: $(VENV)/serving.stamp
	@echo "Installing what the tests need into $(VENV)"
	@$(BIN)/python $(PIP) --upgrade 'pip>=25.1' && $(BIN)/python $(PIP) --constraint constraints.txt --group dev
	@touch $@

$(EXTRA_VENV)/dev.stamp: $(EXTRA_VENV)/export.stamp
	@echo "Installing what the tests need into $(EXTRA_VENV)"
	@$(EXTRA_BIN)/python $(PIP) --upgrade 'pip>=25.1' && $(EXTRA_BIN)/python $(PIP) --constraint constraints.txt --group dev
	@touch $@
