# Everything runs in .venv, made from the packages locked in .ci/lock.txt. `make` alone lists what there is.
PYTHON ?= python3
WORKERS ?= auto
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.project-installed
MEMO := out/ibasis-2004

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

memo: $(READY) ## compute the iBasis deal, write its memo and tables, print the summary
	$(BIN)/notecalc memo ibasis-2004 -o $(MEMO)

test: $(READY) kernels ## the whole test suite, with the branch coverage of core and deal
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 -m "not chromium and not torture" --cov --cov-append

kernels: $(READY) ## the tests of core with compilation off, so that coverage sees inside the kernels
	NUMBA_DISABLE_JIT=1 HYPOTHESIS_PROFILE=kernels \
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 -q -m "not compiled" tests/core \
	    --cov --cov-report= --cov-fail-under 0

coverage: test ## the same, and the lines and branches that no test reaches, as pages in out/coverage
	$(BIN)/coverage html --directory out/coverage

explore: $(READY) ## look for counterexamples at random; each run looks elsewhere
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 tests -m "not chromium and not packaging and not torture"

torture: $(READY) ## kill runs at random, SEED=1 KILLS=50 for those of seed 1; fewer kills of clusters
	$(BIN)/python -m pytest -n 0 -s -m torture tests/batch

browser: $(READY) ## look at the memo in Chromium, which must be installed
	$(BIN)/python -m pytest -m chromium tests

lint: $(READY) ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

layers: $(READY) ## imports go downwards only
	$(BIN)/lint-imports --no-logo

notebooks: $(READY) ## run the notebooks and keep their new outputs (`make test` compares with those kept)
	$(BIN)/jupyter execute --inplace notebooks/*.ipynb

bench: $(READY) ## time ours beside its peers
	for part in accruals convertible daycounts scenarios schedules yields; do $(BIN)/python benchmarks/bench_$$part.py || exit 1; done

lock: $(READY) ## lock the newest versions that pyproject.toml allows, with hashes and without addresses
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --generate-hashes \
	    --no-header --no-emit-index-url --no-emit-find-links --quiet --output-file .ci/lock.txt

clean: ## remove what make made
	rm -rf $(VENV) out build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.locked-installed: .ci/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "notecalc needs Python 3.11 or later; name it with: make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
# uv takes seconds where pip takes minutes; of what is compiled a process starts in 2 seconds instead of 5. Where only pip
# has been told of an index, pip does it all.
	@awk '/^[^ ]/ { on = /^uv==/ } on' .ci/lock.txt >$(VENV)/uv.txt
	$(PIP) --require-hashes -r $(VENV)/uv.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r .ci/lock.txt \
	    || $(PIP) --require-hashes -r .ci/lock.txt
	@touch $@

$(READY): $(VENV)/.locked-installed pyproject.toml notecalc/versions.py
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: help memo test kernels coverage explore torture browser lint format types layers notebooks bench lock clean
