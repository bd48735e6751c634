# Entry points of the repository. `make help` lists them; CI runs these very targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
# Inside the venv, so that it vanishes with it and never dirties the repository.
SYNCED := $(VENV)/.ecom-synced

ARGS ?=
ONLY ?=
# Most of the suite waits for servers to come and go. By file, because a module's tests share its fixtures, and
# in their order: the long ones come before the unit tests.
WORKERS ?= 2
PARALLEL := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

export UV_PROJECT_ENVIRONMENT := $(VENV)
# A Python of the right version on this machine comes first: downloads of Pythons are blocked in many networks.
export UV_PYTHON_PREFERENCE ?= system
# Child processes (Spark's workers, the supervisor's programs) must find this venv's commands.
export PATH := $(BIN):$(PATH)
# Another project's activated venv must not be taken for ours.
unexport VIRTUAL_ENV

$(SYNCED): pyproject.toml uv.lock
	@uv="$$(scripts/bootstrap_uv.sh)" && "$$uv" sync --frozen --all-extras
	@touch $@

.PHONY: help
help: ## Show this list
	@echo "usage: make TARGET [ARGS=…]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(SYNCED) prerequisites ## Get uv, Python packages (uv.lock) and the Java jars
	@python -m environments.embedded.prepare

.PHONY: prerequisites
prerequisites:
	@scripts/check_prerequisites.sh

.PHONY: demo
demo: setup ## The whole pipeline on this machine, with proof; `make demo ARGS=--exit` ends by itself
	@ecom demo $(ARGS)

.PHONY: up
up: setup ## Start the embedded environment
	@ecom up $(ARGS)

.PHONY: down
down: $(SYNCED) ## Stop it; `make down ARGS=--wipe` deletes its data
	@ecom down $(ARGS)

.PHONY: status
status: $(SYNCED) ## What is running, where, and how it feels
	@ecom status $(ARGS)

.PHONY: check
check: $(SYNCED) ## Lint, formatting, types, import rule, lock file
	ruff check
	ruff format --check
	mypy
	lint-imports
	@uv="$$(scripts/bootstrap_uv.sh)" && "$$uv" lock --check

.PHONY: format
format: $(SYNCED) ## Fix what ruff can fix
	ruff check --fix
	ruff format

.PHONY: test
test: check setup ## Checks, then unit and integration tests and one kill of each kind
	pytest $(PARALLEL) -m "not faults and not stack and not aws_stack" $(ARGS)

.PHONY: test-unit
test-unit: setup ## Unit tests only: no process is started except Spark's session
	pytest tests/unit $(ARGS)

# Whatever runs Spark: sessions of the tests' own, and the streaming job as a process.
SPARK_TESTS := tests/unit/test_watch.py $(wildcard $(patsubst %,tests/integration/test_%.py, \
	batch* stream stream_refuses validation* canonical checkpoint copy_lines rebuild))

.PHONY: test-spark-oldest
test-spark-oldest: setup ## Those tests that run Spark, on Spark 4.0.0 in a venv of its own
	@scripts/oldest_spark.sh $(SPARK_TESTS) $(ARGS)

.PHONY: test-faults
test-faults: setup ## Kills, restarts and fuzz at full length
	pytest $(PARALLEL) -m faults tests/faults tests/integration $(ARGS)

STACK ?= local

.PHONY: local-up
local-up: $(SYNCED) ## The same as containers, by Pulumi; `STACK=mine` makes another beside it (docs/local.md)
	@ecom --stack $(STACK) up $(ARGS)

.PHONY: local-down
local-down: $(SYNCED) ## Remove the containers; `make local-down ARGS=--wipe` removes the data too
	@ecom --stack $(STACK) down $(ARGS)

.PHONY: aws-artifacts
aws-artifacts: setup ## What `pulumi up -s aws` uploads: jars, packed Python, RDS's certificates, into dist/aws
	@python -m scripts.aws_artifacts $(ARGS)

.PHONY: test-aws-stack
test-aws-stack: setup ## `pulumi up -s aws` by the real engine, on moto: no account; needs Pulumi (make toolchain)
	pytest -m aws_stack tests/aws_stack $(ARGS)

.PHONY: toolchain
toolchain: $(SYNCED) ## Pulumi's programs for closed networks (-s local): from PATH, else built with Go; prints the PATH to use
	@python -m toolchain $(ARGS)

.PHONY: prepare-stack
prepare-stack: setup ## What test-stack needs, ahead of time: a Docker Engine, stand-ins for images, Pulumi
	@scripts/docker_engine.sh start
	@export "$$(scripts/docker_engine.sh env)" && tests/stack/images/build.sh
	@python -m toolchain

.PHONY: test-local-stack
test-local-stack: prepare-stack ## `pulumi up -s local` on a Docker Engine: a running one, or as root dockerd (docs/air-gapped.md)
	@export "$$(scripts/docker_engine.sh env)" && export PATH="$$(python -m toolchain --path)" && \
		pytest -m stack tests/stack $(ARGS)

.PHONY: test-stack
test-stack: test-local-stack test-aws-stack ## Both Pulumi stacks: Docker for real, AWS on moto

.PHONY: bench
bench: setup ## Measure ours and the peers; `make bench ONLY=streaming_throughput` runs one
	@engine="$$(scripts/docker_engine.sh env 2>/dev/null)" && export "$$engine"; \
		python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

.PHONY: screenshots
screenshots: $(SYNCED) ## Photograph the running dashboards into docs/images (needs Chromium)
	@python scripts/screenshots.py

.PHONY: schema
schema: $(SYNCED) ## Write docs/order-event.schema.json anew from pipeline/events.py
	@python -c 'import sys; from pipeline.events import json_schema_text; sys.stdout.write(json_schema_text())' \
		> docs/order-event.schema.json.new
	@mv docs/order-event.schema.json.new docs/order-event.schema.json

NAME ?=

.PHONY: rename
rename: ## Give a fork its own name, once: `make rename NAME=shop` (docs/fork.md)
	@python3 -m scripts.rename "$(NAME)"

.PHONY: clean
clean: ## Delete the venv and the tools' caches; the platform's data stays (`make down ARGS=--wipe`)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	rm -rf spark-warehouse metastore_db derby.log
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
