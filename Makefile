# Ictus from a clean checkout: Python 3.11, Node 20, make and a C compiler are all it needs.
# `make run` starts everything on this machine, `make test` proves it. Figures of the targets: docs/operations.md.

PYTHON ?= python3.11
DATA ?= .local
# The web address's port; empty: 8000, or a free one when that is taken.
PORT ?=
# pytest-xdist workers: each brings its own PostgreSQL, Redis and S3.
WORKERS ?= 2

# What runs docker-compose.yml; podman-compose does too.
COMPOSE ?= docker compose

VENV := .venv
BIN := $(VENV)/bin
STACK := $(BIN)/ictus-stack
PROJECTS := packages/ictus packages/client services/gateway services/inference services/feedback services/trainer deploy
PYTHON_CODE := packages services deploy tests bench
LOCKS := requirements/dev.txt requirements/torch.txt requirements/torch-extras.txt

# The Python tests in suites that each take less than two minutes on a quiet machine with two cores.
UNIT_SUITES := unit-library unit-gateway unit-interfaces unit-studies unit-deliveries unit-learning unit-inference unit-stack unit-trainer unit-training \
    unit-continual unit-starter
STUDY_TESTS := $(addprefix tests/gateway/,studies jobs results)
LEARNING_TESTS := tests/feedback $(addprefix tests/gateway/,reviews models trainings monitoring)
INTERFACE_TESTS := $(addprefix tests/gateway/,oauth oidc fhir dicomweb)
DELIVERY_TESTS := $(addprefix tests/gateway/,deliveries dicom_objects dimse triage)
GATEWAY_TESTS := tests/gateway tests/feedback
INFERENCE_TESTS := tests/inference
STACK_TESTS := tests/stack tests/deploy
LEARNING_STACK_TESTS := tests/stack/test_fine_tuning.py
TRAINER_TESTS := tests/trainer
TRAINING_TESTS := $(wildcard tests/trainer/test_train*.py tests/trainer/test_check*.py tests/trainer/test_data*.py) \
    tests/trainer/test_augment.py tests/trainer/test_tune.py
CONTINUAL_TESTS := $(addprefix tests/trainer/test_,continual.py fine_tuning.py)
STARTER_TESTS := $(addprefix tests/trainer/test_,suitability.py starter.py quantise.py)
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadscope

# Stamp files: each says that a step of the set-up is as new as what it was made from.
PACKAGES_INSTALLED := $(VENV)/.packages-installed
PROJECTS_INSTALLED := $(VENV)/.projects-installed
UI_PACKAGES := frontend/node_modules/.package-lock.json
UI_BUILT := frontend/dist/index.html
E2E_PACKAGES := tests/e2e/node_modules/.package-lock.json
UI_SOURCES := $(shell find frontend/src frontend/public -type f 2>/dev/null) \
    $(wildcard frontend/*.json frontend/*.ts frontend/*.cjs frontend/index.html)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run stop status backup restore test unit $(UNIT_SUITES) web-unit lint lint-python lint-web e2e e2e-compose faults kubernetes interop interop-short bench bench-continual bench-worklist bench-footprint secrets containers \
    docs lock openapi client check-client check-tools clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up ---------------------------------------------------------------------------------------------------------

setup: ## Install everything from the locks and build the web UI
	@$(MAKE) --no-print-directory -j 2 $(PROJECTS_INSTALLED) $(UI_BUILT)

check-tools:
	@PYTHON=$(PYTHON) deploy/check-tools

$(BIN)/python: | check-tools
	@echo "· Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# torch comes last: its wheel differs from machine to machine, so it cannot stand in a hashed lock.
$(PACKAGES_INSTALLED): $(LOCKS) | $(BIN)/python
	@echo "· Python packages (some minutes the first time)"
	@$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet -r requirements/torch.txt
	@$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/torch-extras.txt
	@touch $@

$(PROJECTS_INSTALLED): $(PACKAGES_INSTALLED) $(PROJECTS:%=%/pyproject.toml)
	@echo "· Ictus itself"
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation $(PROJECTS:%=-e %)
	@touch $@

$(UI_PACKAGES): frontend/package-lock.json | check-tools
	@echo "· web packages"
	@cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(UI_BUILT): $(UI_PACKAGES) $(UI_SOURCES)
	@echo "· web UI"
	@cd frontend && npm run --silent build
	@touch $@

$(E2E_PACKAGES): tests/e2e/package-lock.json | check-tools
	@echo "· browser-test packages"
	@cd tests/e2e && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# --- run ------------------------------------------------------------------------------------------------------------

run: setup ## Start everything here; Ctrl-C stops it (PORT=… DATA=…)
	@exec $(STACK) run --data $(DATA) $(if $(PORT),--port $(PORT))

stop: ## Stop what `make run` started
	@$(STACK) stop --data $(DATA)

status: ## Say which processes run
	@$(STACK) status --data $(DATA)

backup: $(PROJECTS_INSTALLED) ## Write one encrypted file of everything (TO=….age RECIPIENT=age1… DATA=…)
	@$(STACK) backup $(TO) --data $(DATA) $(if $(RECIPIENT),--recipient $(RECIPIENT))

restore: $(PROJECTS_INSTALLED) ## Bring a backup back into an empty folder (FROM=….age KEY=… DATA=…)
	@$(STACK) restore $(FROM) --key $(KEY) --data $(DATA)

# --- proof ----------------------------------------------------------------------------------------------------------

test: setup ## Run every test: units, web units, browser
	@deploy/run-suites $(UNIT_SUITES) web-unit e2e

unit: $(PROJECTS_INSTALLED) ## Run the Python suites, on real servers
	@deploy/run-suites $(UNIT_SUITES)

unit-library: $(PROJECTS_INSTALLED) ## Test the shared library, the contracts and whatever no other suite names
	@$(PYTEST) tests $(addprefix --ignore ,$(GATEWAY_TESTS) $(INFERENCE_TESTS) $(STACK_TESTS) $(TRAINER_TESTS) tests/e2e tests/faults tests/interop)

unit-gateway: $(PROJECTS_INSTALLED) ## Test the gateway's people, audit, events, queues and reports
	@$(PYTEST) $(GATEWAY_TESTS) $(addprefix --ignore ,$(STUDY_TESTS) $(INTERFACE_TESTS) $(DELIVERY_TESTS) $(LEARNING_TESTS))

unit-interfaces: $(PROJECTS_INSTALLED) ## Test how other systems sign in and ask: OAuth2, OIDC, FHIR, DICOMweb
	@$(PYTEST) $(INTERFACE_TESTS)

unit-learning: $(PROJECTS_INSTALLED) ## Test reviews, the feedback service, trainings, releases and monitoring
	@$(PYTEST) $(LEARNING_TESTS)

unit-studies: $(PROJECTS_INSTALLED) ## Test the gateway's studies, jobs and results
	@$(PYTEST) $(STUDY_TESTS)

unit-deliveries: $(PROJECTS_INSTALLED) ## Test what is received and fetched by DICOM, alerts, and results delivered to real receivers
	@$(PYTEST) $(DELIVERY_TESTS)

unit-inference: $(PROJECTS_INSTALLED) ## Test the inference worker
	@$(PYTEST) $(INFERENCE_TESTS)

unit-stack: $(PROJECTS_INSTALLED) ## Test the local servers, backups, the compose file, and the whole stack around a patient
	@$(PYTEST) $(STACK_TESTS) --ignore $(LEARNING_STACK_TESTS)

unit-trainer: $(PROJECTS_INSTALLED) ## Test the network, evaluation, export and publishing, and learning in a whole stack
	@$(PYTEST) $(TRAINER_TESTS) $(LEARNING_STACK_TESTS) $(addprefix --ignore ,$(TRAINING_TESTS) $(CONTINUAL_TESTS) $(STARTER_TESTS))

unit-training: $(PROJECTS_INSTALLED) ## Test data sets, their checks, and training
	@$(PYTEST) $(TRAINING_TESTS)

unit-continual: $(PROJECTS_INSTALLED) ## Test learning from cases, by the head alone and from images
	@$(PYTEST) $(CONTINUAL_TESTS)

unit-starter: $(PROJECTS_INSTALLED) ## Test the starter, what it takes for no head, and 8-bit graphs
	@$(PYTEST) $(STARTER_TESTS)

web-unit: $(UI_PACKAGES) ## Run the web UI's own tests
	@cd frontend && npm run --silent test

e2e: setup $(E2E_PACKAGES) ## Walk through the product in a real browser
	@deploy/check-tools chromium
	@cd tests/e2e && npm run --silent test

e2e-compose: $(PROJECTS_INSTALLED) $(E2E_PACKAGES) ## The same in a browser on the images of `make containers`
	@deploy/check-tools chromium
	@$(BIN)/python -m tests.containers --compose '$(COMPOSE)'

faults: $(PROJECTS_INSTALLED) ## Kill workers, databases and trainers; every job ends once, every training ends the same
	@$(BIN)/python -m tests.faults
	@$(BIN)/python -m tests.faults.trainer

kubernetes: build/kubernetes/.installed ## Hold the Kubernetes manifests against schemas and policies (needs kubectl)
	@deploy/k8s/check build/kubernetes/bin

build/kubernetes/.installed: requirements/kubernetes.txt | check-tools
	@$(PYTHON) -m venv build/kubernetes
	@build/kubernetes/bin/pip install --quiet --no-deps --require-hashes -r requirements/kubernetes.txt
	@touch $@

interop: $(PROJECTS_INSTALLED) $(E2E_PACKAGES) ## Meet a PACS, viewers, an HL7 receiver and a web server for real (INTEROP='--only orthanc')
	@tests/interop/install-peers
	@$(BIN)/python -m tests.interop $(INTEROP)

interop-short: ## The same, with a destination that is away for seconds and fewer made-up requests
	@$(MAKE) --no-print-directory interop INTEROP='--studies 20 --away 10 --examples 1 --fuzz-seconds 60'

bench: $(PROJECTS_INSTALLED) ## Measure upload to result against the bare network
	@$(BIN)/python -m bench

bench-continual: $(PROJECTS_INSTALLED) ## Learn ten rounds of a new scanner in five ways (FULL=--full)
	@$(BIN)/python -m bench.continual $(FULL)

bench-worklist: $(PROJECTS_INSTALLED) ## Ask the gateway's database what pages ask, at a million studies (STUDIES='--studies 100000')
	@$(BIN)/python -m bench.worklist $(STUDIES)

bench-footprint: $(PROJECTS_INSTALLED) ## Memory of each process of a whole local installation, and how soon it answers
	@$(BIN)/python -m bench.footprint

lint: ## Check style, types, imports, locks, the generated client
	@$(MAKE) --no-print-directory -j 2 lint-python lint-web

lint-python: $(PROJECTS_INSTALLED)
	@$(BIN)/ruff check --quiet $(PYTHON_CODE)
	@$(BIN)/ruff format --quiet --check $(PYTHON_CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python deploy/check_locks.py

lint-web: $(UI_PACKAGES) $(E2E_PACKAGES) check-client
	@cd frontend && npm run --silent lint && npm run --silent typecheck
	@cd tests/e2e && npm run --silent typecheck

# --- generated ------------------------------------------------------------------------------------------------------

openapi: $(PROJECTS_INSTALLED) ## Write the API description from the gateway's code
	@$(BIN)/python -m gateway.openapi frontend/openapi.json

client: openapi $(UI_PACKAGES) ## Write the web client's types from the API description
	@cd frontend && npm run --silent client

check-client: client
	@git diff --exit-code --stat -- frontend/openapi.json frontend/src/client/schema.d.ts \
	    || { echo "The API description or the web client is not current: run 'make client' and commit."; exit 1; }

docs: $(PROJECTS_INSTALLED) ## Build the API page
	@$(BIN)/python deploy/build_docs.py build/docs

lock: $(BIN)/python ## Compile the hashed locks from requirements/*.in
	@requirements/compile

secrets: ## Make what is missing of the containers' secrets, in ./secrets
	@cd deploy && $(PYTHON) -m local.compose_secrets "$(abspath secrets)"

containers: ## Build the container images
	@$(COMPOSE) build

clean: ## Remove what was built and installed, not the data
	rm -rf $(VENV) frontend/node_modules frontend/dist tests/e2e/node_modules build
