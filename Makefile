# Every command of gliosynth. `make` alone lists them. Each makes its own environment first; none needs another before it.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
BUF_VERSION := 1.75.0
BUF := .tools/node_modules/.bin/buf
BIDS_VERSION := 1.15.0
BIDS := .tools/bids/node_modules/.bin/bids-validator
PROTOS := $(wildcard protos/gliosynth/v1/*.proto)
STUBS := gliosynth/v1/.generated
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
CASE ?= examples/cases/TCGA-FG-6692
JOBS ?= 2

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: demo
demo: $(VENV)/.serve $(STUBS) ## Segment two real gliomas, make three synthetic ones: demo/report.html, demo/cohort/report.html
	$(BIN)/gliosynth demo --out demo

.PHONY: serve
serve: $(VENV)/.serve $(STUBS) ## Serve everything on one port (settings: GLIOSYNTH_*)
	$(BIN)/python -m services

.PHONY: segment
segment: $(VENV)/.serve $(STUBS) ## Segment the folder CASE=... into out/
	$(BIN)/gliosynth segment $(CASE) --out out

.PHONY: test
test: $(VENV)/.dev $(STUBS) $(BIDS) ## Run every test, on JOBS=2 processes
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

.PHONY: lint
lint: $(VENV)/.dev $(STUBS) $(BUF) ## Check style, imports between rooms, and the contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BUF) lint protos
	$(BUF) breaking protos --against protos/released.binpb

.PHONY: types
types: $(VENV)/.dev $(STUBS) ## Check types with mypy --strict
	$(BIN)/mypy

.PHONY: protos
protos: $(STUBS) ## Generate gliosynth/v1 from protos/

.PHONY: protos-release
protos-release: $(BUF) ## Freeze the contracts: later ones must stay compatible with these
	$(BUF) build protos --output protos/released.binpb

.PHONY: format
format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: train
train: $(VENV)/.dev $(STUBS) ## Train the three segmenters as shipped (hours on a CPU; see training/LOG.md)
	for region in wt tc et; do $(BIN)/python -m training.train_segmenter --preset $$region --run runs/$$region || exit 1; done

.PHONY: train-tiny
train-tiny: $(VENV)/.dev $(STUBS) ## Train, export and serve every system in its tiny size (minutes)
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/e2e/test_training_journeys.py

.PHONY: study
study: $(VENV)/.dev $(STUBS) ## Run paper 002's study in its small size into runs/study
	OMP_NUM_THREADS=1 $(BIN)/python -m training.study --preset small --out runs/study

.PHONY: evaluate
evaluate: $(VENV)/.serve $(STUBS) ## Score the labelled cases below CASES=... beside the threshold baseline
	$(BIN)/gliosynth evaluate $(CASES) --json evaluation.json

.PHONY: bench
bench: $(VENV)/.dev $(VENV)-peers/.ready $(STUBS) ## Measure beside the peers: metrics, simulator, whole case
	PYTHONPATH=. $(VENV)-peers/bin/python benchmarks/segmentation_metrics.py
	PYTHONPATH=. $(VENV)-peers/bin/python benchmarks/image_metrics.py
	PYTHONPATH=. OMP_NUM_THREADS=1 $(VENV)-peers/bin/python benchmarks/simulation.py
	PYTHONPATH=. $(VENV)-peers/bin/python benchmarks/simulation.py engine
	$(BIN)/python benchmarks/whole_case.py

.PHONY: clean
clean: ## Remove environments, tools, generated stubs and outputs
	rm -rf .venv .venv-* .tools .cache gliosynth/v1 demo out

# The environments -----------------------------------------------------------------------------------------------------

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: $(BIN)/pip pyproject.toml constraints.txt
	$(PIP) --editable '.[serve,protos]'
	touch $@

$(VENV)/.dev: $(VENV)/.serve
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[serve,train,dev]'
	touch $@

$(VENV)-peers/.ready: benchmarks/requirements-peers.txt
	$(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(VENV)-peers/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(BUF):
	npm install --no-audit --no-fund --silent --prefix .tools @bufbuild/buf@$(BUF_VERSION)

$(BIDS):
	npm install --no-audit --no-fund --silent --omit=dev --prefix .tools/bids bids-validator@$(BIDS_VERSION)

$(STUBS): $(PROTOS) | $(VENV)/.serve
	mkdir -p gliosynth/v1
	$(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=. --grpc_python_out=. \
	  --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --mypy_out=quiet:. \
	  --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc --mypy_grpc_out=quiet:. $(PROTOS)
	touch gliosynth/v1/__init__.py $@
