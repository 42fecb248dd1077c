.DEFAULT_GOAL := help
.PHONY: help up up-gateway-api test test-thorough preview report down lint env unit render adopt doctor status fuzz stop-mirroring orders
.PHONY: bench-transitions bench-settle bench-cost bench-shadow bench-report

python := .venv/bin/python
# What `make up` needs, and what tests, the shadow report and benchmarks need besides.
installed := .venv/.installed
tools := .venv/.tools
# The tests on the lab wait more than they work: a lab for each worker, and the tests of a file in one of them.
side_by_side := --numprocesses 2 --dist loadfile
# An activated environment of another project must not leak in.
unexport VIRTUAL_ENV PYTHONPATH

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(installed): requirements.txt pyproject.toml components/pyproject.toml
	@echo "Python packages: installing into .venv" >&2  # not to stdout: the shell evaluates what `make env` prints
	@python3 -m venv .venv
	@$(python) -m pip install --quiet --disable-pip-version-check pip==26.3
	@$(python) -m pip install --quiet --disable-pip-version-check -r requirements.txt --group lab
	@touch $@

$(tools): $(installed) report/pyproject.toml
	@echo "Python packages: installing tools for tests and for the shadow report into .venv" >&2
	@$(python) -m pip install --quiet --disable-pip-version-check -e './report[spark]' --group dev
	@touch $@

up: $(installed) ## start the lab, deploy the stack dev, show what the shadow got
	@$(python) -m lab.demos.walkthrough up

up-gateway-api: $(installed) ## the same by HTTPRoutes of Gateway API: the stack gateway-api
	@$(python) -m lab.demos.walkthrough up --stack gateway-api

preview: $(installed) ## what `make up` would change in the stack dev
	@$(python) -m lab.demos.walkthrough preview

report: $(tools) ## may v2 be promoted? live traffic on the lab, collected and compared: a page and a verdict
	@$(python) -m lab.demos.promotion

down: $(installed) ## end the lab, and those that tests were stopped with, and everything in them
	@for lab in .lab .lab-*; do [ ! -d "$$lab" ] || $(python) -m lab --dir "$$lab" down; done

test: $(tools) ## unit tests, then the tests on the lab
	@$(python) -m pytest tests/unit
	@$(python) -m lab up
	@$(python) -m pytest tests --ignore tests/unit -m "not alone and not thorough" $(side_by_side) --junitxml test-results/lab.xml
	@$(python) -m pytest tests --ignore tests/unit -m alone --junitxml test-results/alone.xml

test-thorough: $(tools) ## what `make test` leaves out, as it takes long: more worlds, more moments of being killed
	@$(python) -m lab up
	@$(python) -m pytest tests -m thorough $(side_by_side) --junitxml test-results/thorough.xml

unit: $(tools) ## unit tests only: seconds, no lab
	@$(python) -m pytest tests/unit tests/report/collect

fuzz: $(tools) ## 5,000 generated and 5,000 hostile configs against the lab's API server
	@$(python) -m lab up
	@$(python) -m pytest tests/fuzz --hypothesis-profile fuzz --timeout 7200

orders: $(installed) ## examples/orders on the lab: a shadow that writes, with a database of its own
	@$(python) -m lab.demos.orders

# Needs nothing installed: not even .venv.
stop-mirroring: ## STACK=prod: the kill switch; nothing of that stack is copied any more
	@$(if $(STACK),,$(error say which stack: make stop-mirroring STACK=prod))
	@python3 -m kill_switch --stack $(STACK)

lint: $(tools) ## ruff and mypy
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy
	@$(python) -m mypy components/__main__.py  # by itself: the program has a __main__.py too

bench-transitions: $(tools) ## every change under load: ours by either API, plain Pulumi, kubectl; as a table (25 min)
	@$(python) -m benchmarks.changes

bench-settle: $(tools) ## what is lost with which waits, on a mesh at rest and on a slow one (40 min)
	@$(python) -m benchmarks.settle

bench-cost: $(tools) ## time and memory of the component: against plain Pulumi and an empty program (20 min)
	@$(python) -m benchmarks.cost

bench-shadow: $(tools) ## live requests next to shadows that hang, against none; as a table (30 min)
	@$(python) -m benchmarks.shadow

bench-report: $(tools) ## the shadow report on 0.1, 1 and 10 million pairs, the last also in 2,880 files: against a join by hand, and pandas (5 min)
	@$(python) -m benchmarks.report

adopt: $(installed) ## config and steps for a service that runs already: make adopt SERVICE=shop/shop STACK=prod
	@$(if $(and $(SERVICE),$(STACK)),,$(error say which: make adopt SERVICE=NAMESPACE/NAME STACK=prod))
	@$(python) -m mirrored_service adopt --service $(SERVICE) --stack $(STACK) --out adopted/$(STACK)

doctor: $(installed) ## what endangers the service: make doctor STACK=prod
	@$(python) -m mirrored_service doctor --stack $(or $(STACK),dev)

status: $(installed) ## what is live, shadow and idle, and what reaches it: make status STACK=prod
	@$(python) -m mirrored_service status --stack $(or $(STACK),dev)

render: $(installed) ## the YAML that `up` would apply, into rendered/STACK: make render STACK=prod
	@$(python) -m mirrored_service render --stack $(or $(STACK),dev) $(if $(filter plain,$(SECRETS)),--show-secrets)

env: $(installed) ## for `eval "$$(make -s env)"`: use pulumi and kubectl by hand
	@$(python) -m lab env
