# Each target does its own set-up: git, make and Python >= 3.11 are all that must be there beforehand.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
UV     := uv==0.13.9
ARGS   ?=

.PHONY: help demo test test-engines lint audit bench bench-diagnosis lambda clean
.DEFAULT_GOAL := help

help:
	@echo "make demo          the whole story on this machine, with a sandbox GitHub (ARGS=--once ends by itself)"
	@echo "make test          the test suite (ARGS=... goes to pytest)"
	@echo "make test-engines  the tests that need a Docker engine; starts its own where none answers (root, Debian's docker.io)"
	@echo "make lint          ruff, mypy --strict"
	@echo "make audit         dependencies against known advisories (needs PyPI's own JSON API)"
	@echo "make lambda        the zip of the functions on AWS, for arm64 (needs a Python 3.13 to compile with)"
	@echo "make bench         measure, and record under bench/results"

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python >= 3.11 is needed; $(PYTHON) is $$($(PYTHON) --version). Name another one: make PYTHON=python3.12 ..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) can't make virtual environments. On Debian and Ubuntu: apt install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(UV)'
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --inexact --all-extras --quiet
	@touch $@

demo: $(READY)
	@$(BIN)/whaleray demo $(ARGS)

test: $(READY)
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

test-engines: $(READY)
	@$(BIN)/python -m tests.engines -n 2 $(ARGS)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

audit: $(READY)
	@$(BIN)/uv export --frozen --no-dev --all-extras --no-emit-project --no-annotate --quiet -o .audit.txt >/dev/null
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes -r .audit.txt; code=$$?; rm -f .audit.txt; exit $$code

bench: $(READY)
	@$(BIN)/python -m bench $(ARGS)

bench-diagnosis: $(READY)
	@$(BIN)/python -m bench.diagnosis $(ARGS)

lambda: $(READY)
	@$(BIN)/python -m infra.aws.package $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
