# Every target makes the environment it needs in .venvs/ from nothing but a Python >= 3.11:
#     make test
#     make test PYTHON=python3.13
# An environment is made anew when pyproject.toml, what is written in C or the interpreter changes. The checkout
# is installed editable, so a change of any other source file needs no new one.

PYTHON ?= python3
# Says which interpreter an environment was made by; empty when PYTHON is missing or too old.
TAG := $(shell $(PYTHON) -c 'import sys; print(sys.implementation.cache_tag) if sys.version_info >= (3, 11) else None' 2>/dev/null)
IN_C := $(wildcard src/pronghorn/wire/websocket/*.c)
BIN = .venvs/$(1)/bin
READY = .venvs/$(1)/ready-$(TAG)

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-half test-rest timed-half timed-rest test-full downstream surface fuzz lint bench docs clean
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(call READY,demo) ## start the example server and run the example client against it
	$(call BIN,demo)/python examples/demo.py

# The tests run in two halves beside each other that take equally long; then those that measure the CPU of this
# process, the same way; and at last, alone, those that measure how long others wait.
PYTEST = $(call BIN,test)/python $(FLAGS) $(RUNNER) -m pytest $(OPTIONS)
UNTIMED = -m "not timed and not full"
TIMED = -m "timed and not full"
HALF = $(addprefix tests/,body client functional io seed server testing)
ALONE = tests/resilience
BOTH_HALVES = @$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-half test-rest

test: $(call READY,test) ## the tests
	$(BOTH_HALVES)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target timed-half timed-rest
	$(PYTEST) $(TIMED) $(ALONE)

test-half: $(call READY,test)
	$(PYTEST) $(UNTIMED) $(HALF)
test-rest: $(call READY,test)
	$(PYTEST) $(UNTIMED) $(HALF:%=--ignore=%)
timed-half: $(call READY,test)
	$(PYTEST) $(TIMED) tests/wire
timed-rest: $(call READY,test)
	$(PYTEST) $(TIMED) --ignore=tests/wire --ignore=$(ALONE)

test-full: $(call READY,test) ## every test, the slow ones too; python -O; coverage; asyncio's debug mode; uvloop
	$(BOTH_HALVES) FLAGS=-O
	$(call BIN,test)/python -m coverage erase
	$(BOTH_HALVES) RUNNER="-m coverage run" OPTIONS="--ignore=tests/fuzz"
	$(call BIN,test)/python -m coverage combine --quiet
	$(call BIN,test)/python -m coverage report
	$(PYTEST) -m full
	$(BOTH_HALVES) FLAGS="-X dev" OPTIONS="--ignore=tests/fuzz"
	$(BOTH_HALVES) OPTIONS="--loop uvloop --ignore=tests/fuzz --ignore=tests/conformance --ignore=tests/resilience"

downstream: $(call READY,downstream) ## the tests of packages that build on aiohttp, with pronghorn in its place
	$(call BIN,downstream)/python tests/downstream/run.py

surface: $(call READY,test) ## note what has improved against aiohttp's surface; writes docs/differences.md
	$(call BIN,test)/python tests/surface/check.py --update

fuzz: $(call READY,test) ## mutate messages for MINUTES (10), ours against llhttp and h11; SEED=N to repeat a run
	$(call BIN,test)/python tests/fuzz/long_run.py --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

lint: $(call READY,lint) ## format, style, types and the shape of the repository
	$(call BIN,lint)/python -m ruff check
	$(call BIN,lint)/python -m ruff format --check
	$(call BIN,lint)/python -m mypy --strict
	$(call BIN,lint)/python -m pytest -q tests/test_structure.py

bench: ## ours and its peers side by side (ARGS="--help" lists what can be chosen)
	$(PYTHON) benchmarks/run.py $(ARGS)

docs: $(call READY,docs) ## build the documentation into docs/_build/html
	$(call BIN,docs)/python -m sphinx -b html --fail-on-warning --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean: ## remove environments, caches and whatever was built
	rm -rf .venvs build dist docs/_build .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info
	find src -name '*.so' -delete
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo gets what a user gets; the others add the extra of their name.
.venvs/%/ready-$(TAG): pyproject.toml $(IN_C)
	@test -n "$(TAG)" || { echo "$(PYTHON) is not a Python >= 3.11; choose one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv --clear .venvs/$*
	.venvs/$*/bin/python -m pip install --quiet --editable '.$(if $(filter-out demo,$*),[$*])'
	@touch $@
