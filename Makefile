# Every target does the set-up it needs; `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DATASET ?= ecom
LAKE ?= lake/$(DATASET)
PORT ?= 5000
ARGS ?=

INPUT_ecom := data/ecom/ecom.csv.gz
INPUT_complete_journey := data/complete_journey/transactions.parquet
INPUT ?= $(INPUT_$(DATASET))

ENV := . scripts/env.sh;
PYTEST := $(ENV) python -m pytest
# By file, in the order of tests/conftest.py.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help setup data browser broker postgres demo check lint test faults endurance truths bench mlflow review wheel lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## JDK, .venv from the lock, jars; a second time takes a second
	@scripts/setup.sh

data: setup ## fetch the demonstration data sets into data/
	@$(ENV) python scripts/fetch_data.py

demo: setup ## segment the customers of a shop (DATASET=ecom or complete_journey, LAKE=folder, ARGS=job options)
	@$(if $(INPUT),,echo "make demo: DATASET is ecom or complete_journey; for other data run jobs/run_pipeline.py" >&2; exit 2)
	@$(ENV) python scripts/fetch_data.py $(DATASET)
	@$(ENV) python jobs/run_pipeline.py --env local --source $(DATASET) --input $(INPUT) --lake $(LAKE) $(ARGS)

check: lint ## the daily loop, under a minute: lint, types, layers, style, unit tests without Spark
	$(PYTEST) tests/unit tests/style -m "not spark and not faults" -q

lint: setup
	$(ENV) ruff check .
	$(ENV) ruff format --check .
	$(ENV) mypy segmentation jobs
	$(ENV) lint-imports

test: setup data lint ## lint, types, layers and every test but the heavy ones, under 10 minutes
	$(PYTEST) $(PARALLEL) -m "not faults and not endurance" $(ARGS)

faults: setup data browser broker postgres ## the heavy tests: crashes, Kafka, PostgreSQL, browser, notebooks, cluster; under 20 minutes
	$(PYTEST) $(PARALLEL) -m "faults and not endurance" $(ARGS)

endurance: setup data ## tests of minutes each: long published figures, many batches
	$(PYTEST) $(PARALLEL) -m endurance $(ARGS)

broker: setup
	@$(ENV) python scripts/fetch_jars.py --broker

postgres: setup
	@$(ENV) python scripts/fetch_jars.py --postgres
	@scripts/postgres.sh

browser:
	@scripts/browser.sh

truths: setup data ## the tests against published figures; fails if one was skipped
	@$(ENV) PYTHONPATH=tests/plugins python -m pytest -p no_skips -m truths -rs $(ARGS)

bench: setup ## the benchmark at a small scale against DuckDB (ARGS=more options of python -m benchmarks run)
	@$(ENV) python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@$(ENV) python -m benchmarks --results bench/results run --events 1M --modes full,increment --engines suite,duckdb --memory 4GB $(ARGS)

mlflow: setup ## the MLflow UI of LAKE's runs and models on 127.0.0.1:PORT
	@test -f $(LAKE)/mlflow.db || { echo "make mlflow: $(LAKE)/mlflow.db does not exist; make demo DATASET=$(DATASET) makes it" >&2; exit 2; }
	@$(ENV) MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --workers 1 \
		--backend-store-uri sqlite:///$(LAKE)/mlflow.db --host 127.0.0.1 --port $(PORT)

review: ## print where LAKE's review is, and open it on a desktop
	@test -f $(LAKE)/review/index.html || { echo "make review: $(LAKE)/review/index.html does not exist; make demo DATASET=$(DATASET) makes it" >&2; exit 2; }
	@echo $(abspath $(LAKE)/review/index.html)
	@if [ "$$(uname)" = Darwin ]; then open $(LAKE)/review/index.html; \
	elif [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ] && command -v xdg-open >/dev/null; then xdg-open $(LAKE)/review/index.html; fi

wheel: setup ## build dist/*.whl, which pip and spark-submit --py-files take
	@rm -rf build dist
	@$(ENV) python -m pip wheel . --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist
	@ls dist/*.whl

lock: ## make requirements.lock again from requirements.in (needs uv; ARGS=--upgrade)
	uv pip compile --universal --generate-hashes --python-version 3.10 --no-header --quiet $(ARGS) requirements.in -o requirements.lock

clean: ## remove what was built and computed; .venv, .jars and data stay
	rm -rf build dist lake bench *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis spark-warehouse metastore_db
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
