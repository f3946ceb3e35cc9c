# One command for each thing people do here. `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CDK := node_modules/.bin/cdk
PY_READY := $(VENV)/.ready
NODE_READY := node_modules/.ready

# jsii speaks at every start on a Node it will drop; the version we ask for is checked in `setup`. app.py says it for itself.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export PYTHONPATH := local:lambda

.PHONY: help setup demo test synth review review-diff mutate unused checkov lint fmt type bench schema snapshots lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(PY_READY) $(NODE_READY) ## Make the virtual environment and install the locked tools

$(PY_READY): requirements.txt requirements-dev.txt requirements.lock constructs/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) found: install Python 3.11 or newer, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$($(PYTHON) --version) is too old: install Python 3.11 or newer, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: $(PYTHON) lacks venv: install the package python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c requirements.lock
	@touch $@

$(NODE_READY): package.json package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || { echo "make: Node.js or npm is missing: install Node 20 or newer from https://nodejs.org" >&2; exit 1; }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || { echo "make: Node $$(node --version) is too old: install Node 20 or newer from https://nodejs.org" >&2; exit 1; }
	@echo "Installing Node packages (once)"
	@npm ci --silent --no-audit --no-fund
	@touch $@

demo: setup ## Deploy to the embedded local AWS and replay a year of flights (MONTHS=4-6 for less, PORT, OUT)
	@exec $(BIN)/python -m mlops_local demo $(if $(MONTHS),--months "$(MONTHS)") $(if $(PORT),--port "$(PORT)") $(if $(OUT),--out "$(OUT)")

test: setup ## Run every test, the end-to-end test on the local AWS included
	@$(BIN)/python -m pytest $(ARGS)

synth: setup ## Synthesize an environment into cdk.out (ENV=dev, or ENV=all)
	@test -n "$(ENV)" || { echo "make: say which environment: make synth ENV=prod" >&2; exit 1; }
	@$(CDK) synth -c env=$(ENV) --quiet --no-notices

CHECKOV_READY := .venv-checkov/.ready
DATE ?= $(shell date -u +%F)
# Records of other runs, shown in the review where they exist.
USAGE ?= $(wildcard tests/compliance/unused/usage.json)
REASONS ?= $(if $(USAGE),$(wildcard tests/compliance/unused/reasons.json))
MUTATION ?= $(wildcard build/mutation/mutation.json)

checkov: $(CHECKOV_READY) ## Install checkov, the second opinion of the review, beside everything else

$(CHECKOV_READY): requirements-checkov.txt
	@test -x .venv-checkov/bin/python || $(PYTHON) -m venv .venv-checkov
	@echo "Installing checkov (once)"
	@.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-checkov.txt
	@touch $@

# CHECKOV=0 leaves the second opinion out; otherwise it runs where `make checkov` has put it. Synthesis fails on an open
# finding too, with the assembly written: the review then says more.
review: setup ## Review an environment before it is deployed: evidence in build/review/ENV
	@test -n "$(ENV)" || { echo "make: say which environment: make review ENV=prod" >&2; exit 1; }
	@rm -rf build/assembly/$(ENV)
	@$(CDK) synth -c env=$(ENV) --quiet --no-notices --output build/assembly/$(ENV) >/dev/null \
	  || test -f build/assembly/$(ENV)/manifest.json
	@$(BIN)/python -m mlops_constructs.compliance review build/assembly/$(ENV) --out build/review/$(ENV) --date $(DATE) \
	  --accepted stacks/second_opinion.yaml --checkov $(if $(filter 0,$(CHECKOV)),no,auto) \
	  $(addprefix --usage ,$(USAGE)) $(addprefix --reasons ,$(REASONS)) $(addprefix --mutation ,$(MUTATION))

review-diff: setup ## Review what the work tree changes (BASE=main): lost data, new access, in build/review-diff
	@test -n "$(BASE)" || { echo "make: say against what: make review-diff BASE=main" >&2; exit 1; }
	@$(BIN)/python tools/review_diff.py "$(BASE)"

# Synthesis fails on an open finding too, with the assembly written; the score is of the templates either way.
mutate: setup ## Break prod's templates on purpose and count which checker notices: figures in build/mutation
	@rm -rf build/assembly/prod
	@$(CDK) synth -c env=prod --quiet --no-notices --output build/assembly/prod >/dev/null \
	  || test -f build/assembly/prod/manifest.json
	@$(BIN)/python -m mlops_constructs.compliance mutate build/assembly/prod --publish docs/compliance/mutation.md

unused: setup ## Record what the last demo used of its permissions, and list what it did not
	@$(BIN)/python -m mlops_constructs.compliance unused build/demo/cdk.out build/demo/local-aws/iam-usage.jsonl \
	  --record tests/compliance/unused/usage.json --reasons tests/compliance/unused/reasons.json

lint: setup ## Check style and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

fmt: setup ## Format the code
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

type: setup ## Check types
	@$(BIN)/mypy

bench: setup ## Measure synthesis and the test suite against their goals
	@$(BIN)/python tools/bench.py

schema: setup ## Write what comes from code: schemas of environments and workloads, the control catalogue
	@$(BIN)/python -m stacks.config.schema
	@$(BIN)/python -m mlops_constructs.compliance.controls_page docs/compliance/controls.md

snapshots: setup ## Accept the templates and the ids of stateful resources as they are now
	@$(BIN)/python -m pytest tests/snapshot/test_snapshots.py --snapshot-update
	@$(BIN)/python -m tests.snapshot.freeze

lock: setup ## Write requirements.lock from the virtual environment
	@$(BIN)/python -m pip freeze --exclude-editable > requirements.lock

clean: ## Remove what the other commands made, the virtual environment included
	@rm -rf build cdk.out $(VENV) .venv-checkov node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
