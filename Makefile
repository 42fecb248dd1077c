.DEFAULT_GOAL := help
.PHONY: help up test preview down lint env unit bench-transitions bench-cost bench-report fuzz

python := .venv/bin/python
installed := .venv/.installed
# An activated environment of another project must not leak in.
unexport VIRTUAL_ENV PYTHONPATH

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(installed): requirements.txt requirements-report.txt pyproject.toml components/pyproject.toml report/pyproject.toml
	@echo "Python packages: installing into .venv" >&2  # not to stdout: the shell evaluates what `make env` prints
	@python3 -m venv .venv
	@$(python) -m pip install --quiet --disable-pip-version-check pip==26.3
	@$(python) -m pip install --quiet --disable-pip-version-check -r requirements.txt \
		-r requirements-report.txt --group dev
	@touch $@

up: $(installed) ## start the lab, deploy the stack dev, show what the shadow got
	@$(python) -m lab.walkthrough up

preview: $(installed) ## what `make up` would change in the stack dev
	@$(python) -m lab.walkthrough preview

down: $(installed) ## end the lab and everything in it
	@$(python) -m lab down

test: $(installed) ## unit tests, then the tests on the lab
	@$(python) -m pytest tests/unit
	@$(python) -m lab up
	@$(python) -m pytest tests --ignore tests/unit

unit: $(installed) ## unit tests only: seconds, no lab
	@$(python) -m pytest tests/unit

fuzz: $(installed) ## 5,000 generated and 5,000 hostile configs against the lab's API server
	@$(python) -m lab up
	@$(python) -m pytest tests/fuzz --hypothesis-profile fuzz --timeout 7200

lint: $(installed) ## ruff and mypy
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy

bench-transitions: $(installed) ## every change under load: ours, plain Pulumi, kubectl; as a table (20 min)
	@$(python) -m benchmarks.changes

bench-cost: $(installed) ## time and memory of the component: against plain Pulumi and an empty program (20 min)
	@$(python) -m benchmarks.cost

bench-report: $(installed) ## the shadow report on 0.1, 1 and 10 million pairs: against a join by hand, and pandas (10 min)
	@$(python) -m benchmarks.report

env: $(installed) ## for `eval "$$(make -s env)"`: use pulumi and kubectl by hand
	@$(python) -m lab env
