# Everything happens in .venv, which is made from requirements.lock with Python 3.11 or later.

PYTHON ?= python3
UV ?= uv
# Worker processes of the tests; 0 runs them in one process. Slow tests have one more: many of them wait
# for the jobs of a workflow, which come one after the other.
WORKERS ?= 2
SLOW_WORKERS ?= 3
# Passed on to the command behind a target: make run ARGS=-n, make test ARGS="-k store"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# Written last: an installation that was interrupted has no stamp and is taken up again.
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
# Two dependencies have no wheel: they are built with the locked setuptools, which goes in first.
LOCKED := $(PIP) install --require-hashes --no-deps --no-build-isolation --requirement
IN_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"

# Other people's packages that the benchmark compares with: beside .venv, which stays as it is locked.
PEERS := .bench-packages
# One of them needs Python 3.12 or later: for .venv-other, where .venv is older.
GSA := .bench-jaxgsa

# What builds the site of docs/, beside .venv, too.
SITE := .docs-packages

# Another Python has another JAX in requirements.lock: an environment of its own, if there is such a Python.
OTHER := .venv-other
OTHER_PYTHON ?=
# The tests of physics and engine, which both must pass: by what they import, and what they do not.
OTHER_TESTS = $(shell grep -lE 'jaxmorph\.(engine|env|native|simulation|tracing)\>' tests/test_*.py | \
    xargs -r grep -LE '\<(benchmarks|optimisation|visualization)\>')

# Settings of the surrounding environment that would install or import from elsewhere.
unexport PYTHONHOME PYTHONPATH PIP_PREFIX PIP_REQUIREMENT PIP_ROOT PIP_TARGET PIP_USER

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-slow test-browser test-slurm test-next test-vectors verify other bench bench-indices \
        gallery docs lint lint-ruff lint-format lint-types lint-snakefmt lint-snakemake format lock clean

help: ## show this help
	@echo 'Usage: make TARGET [ARGS="..."] [PYTHON=python3.12]'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{printf "%-16s %s\n", $$1, $$2}'

run: $(STAMP) ## make the reports of config/config.yaml (ARGS go to snakemake)
	@if [ -t 2 ]; then logger="--logger=rich"; fi; $(IN_VENV) snakemake $$logger $(ARGS)

# Compiling takes half of their time: these compile with few optimisations, all others with those of jobs.
test: $(STAMP) ## run the tests, except slow ones and those that need a browser (ARGS go to pytest)
	@JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(IN_VENV) pytest -m "not browser and not verify and (not slow or slurm)" -n $(WORKERS) --dist loadfile $(ARGS)

test-slow: $(STAMP) $(PEERS)/.installed ## run the other tests: long ones, and further variants of quick ones
	@$(IN_VENV) pytest -m "slow and not slurm" -n $(SLOW_WORKERS) --dist loadfile $(ARGS)

test-browser: $(STAMP) ## run the tests that open a report in Chromium
	@$(IN_VENV) pytest -m browser tests/browser $(ARGS)

test-slurm: $(STAMP) ## run the tests on a Slurm that is brought up for them (Debian, Ubuntu; 10 minutes)
	@JAXMORPH_REQUIRE_SLURM=1 $(IN_VENV) pytest -m slurm tests/slurm $(ARGS)

other: $(STAMP) ## make .venv-other, of a Python that has the other JAX of requirements.lock, if there is one
	@python="$$($(BIN)/python scripts/other-python $(OTHER_PYTHON) 2>&1)" || { \
	    echo "Left out, the other JAX: $$python" >&2; [ -z "$$JAXMORPH_REQUIRE_OTHER" ]; exit; }; \
	$(MAKE) --no-print-directory VENV=$(OTHER) PYTHON="$$python" $(OTHER)/.installed

test-next: other ## run the tests of physics and engine in .venv-other
	@[ ! -e $(OTHER)/.installed ] || PATH="$(CURDIR)/$(OTHER)/bin:$$PATH" pytest -m "not browser and not slow and not verify" \
	    -n $(WORKERS) --dist loadfile $(OTHER_TESTS) $(ARGS)

# The kernels are compiled by LLVM for themselves: few optimisations of XLA leave them as they are.
test-vectors: $(STAMP) ## run the tests of kernels with vectors of 16, 32 and 64 bytes, whatever the processor has
	@for width in 16 32 64; do \
	    JAX_DISABLE_MOST_OPTIMIZATIONS=1 JAXMORPH_VECTOR_BYTES=$$width $(IN_VENV) pytest -m "not verify" -k "not of_any_width and not equal_the_plain_path or molecules" -n $(WORKERS) --dist load \
	        tests/test_pair_kernels.py tests/test_near_pairs.py $(ARGS) || failed="$$failed $$width"; \
	done; [ -z "$$failed" ] || { echo "Failed with vectors of$$failed bytes" >&2; exit 1; }

verify: $(STAMP) $(PEERS)/.installed ## run the long sweeps, which CI does not, and write docs/verification.md (half an hour)
	@$(IN_VENV) pytest -m verify -n $(WORKERS) --dist load --junit-xml=.verify.xml $(ARGS); ended=$$?; \
	$(BIN)/python scripts/verification .verify.xml && exit $$ended

bench: $(PEERS)/.installed other ## compare the speed with that of other programs (about 10 minutes; benchmarks/)
	@PYTHONPATH="$(CURDIR)/$(PEERS)" $(BIN)/python -m benchmarks $(ARGS)

bench-indices: $(PEERS)/.installed other ## compare indices at equal cost with those of other programs (a quarter of an hour)
	@[ ! -e $(OTHER)/.installed ] || $(MAKE) --no-print-directory $(GSA)/.installed
	@PYTHONPATH="$(CURDIR)/$(PEERS)" $(BIN)/python -m benchmarks.indices $(ARGS)

gallery: $(PEERS)/.installed ## make all studies that ship, and the pictures of docs/gallery
	@$(IN_VENV) snakemake results/notebook/report.html
	@$(IN_VENV) snakemake --configfile config/tissues.yaml --replace-workflow-config
	@$(IN_VENV) snakemake --configfile config/known-answers.yaml --replace-workflow-config \
	    results/epidemic/report.html
	@PYTHONPATH="$(CURDIR)/$(PEERS)" $(IN_VENV) snakemake --configfile examples/jax_morph_study.yaml \
	    --replace-workflow-config
	@rm -rf .start && $(BIN)/jaxmorph init .start
	@cd .start && ../$(BIN)/jaxmorph run results/tissue/report.html
	@$(BIN)/python scripts/gallery $(ARGS)

# Warnings are errors, links that lead nowhere among them; of addresses elsewhere nothing is asked.
docs: $(SITE)/.installed ## build the site, site/html/index.html, from docs/ (ARGS go to sphinx-build)
	@PYTHONPATH="$(CURDIR)/$(SITE)" $(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet $(ARGS) docs site/html
	@echo "The site is site/html/index.html"

lint: lint-ruff lint-format lint-types lint-snakefmt lint-snakemake ## run every check of the code

lint-ruff: $(STAMP) ## ... only: style and common mistakes
	@$(IN_VENV) ruff check

lint-format: $(STAMP) ## ... only: formatting of Python
	@$(IN_VENV) ruff format --check

lint-types: $(STAMP) ## ... only: types
	@$(IN_VENV) mypy

lint-snakefmt: $(STAMP) ## ... only: formatting of the workflow
	@$(IN_VENV) snakefmt --check Snakefile workflow/Snakefile workflow/rules

lint-snakemake: $(STAMP) ## ... only: practices of the workflow
	@$(IN_VENV) snakemake --lint

format: $(STAMP) ## format the code and mend what can be mended
	@$(IN_VENV) ruff check --fix
	@$(IN_VENV) ruff format
	@$(IN_VENV) snakefmt Snakefile workflow/Snakefile workflow/rules

lock: ## write the lock files anew (needs uv; ARGS=--upgrade takes the newest versions)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" \
	    --extra dev --output-file requirements.lock $(ARGS) pyproject.toml
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-deps \
	    --no-emit-index-url --custom-compile-command "make lock" \
	    --group bench --output-file benchmarks/requirements.lock
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" --constraints requirements.lock \
	    $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock) \
	    --group docs --output-file docs/requirements.lock $(ARGS)
	@echo 'jax[cuda12]' | $(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes \
	    --no-emit-index-url --no-annotate --custom-compile-command "make lock" --constraints requirements.lock \
	    --output-file envs/cuda12.lock $(ARGS) -
	@"$(PYTHON)" -c 'import hashlib, pathlib as p, re; e = p.Path("envs/jaxmorph.yaml"); \
	    d = hashlib.sha256(p.Path("requirements.lock").read_bytes()).hexdigest(); \
	    e.write_text(re.sub("(lock sha256:).*", r"\g<1>" + d, e.read_text()))'

clean: ## remove .venv and the caches; results stay
	@rm -rf $(VENV) $(OTHER) $(PEERS) $(GSA) $(SITE) site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The checks that Python is there, is new enough and can make an environment come first, so that
# what is missing is said in one line.
$(STAMP): requirements.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { \
	    echo "Error: $(PYTHON) was not found; name a Python 3.11 or later: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Error: $$("$(PYTHON)" --version 2>&1) is too old; name a Python 3.11 or later: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "Error: $(PYTHON) cannot make environments; install its venv module (on Debian: python3-venv)" >&2; exit 1; }
	@echo "Installing into $(VENV) (about 2 minutes the first time) ..."
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    "$(PYTHON)" -m venv --clear $(VENV)
	@sed -n '/^setuptools==/,/#/p' requirements.lock | $(LOCKED) /dev/stdin
	@$(LOCKED) requirements.lock
	@$(PIP) install --no-build-isolation --no-deps --no-index --editable .
	@touch $@

$(PEERS)/.installed: benchmarks/requirements.lock $(STAMP)
	@rm -rf $(PEERS)
	@$(LOCKED) benchmarks/requirements.lock --target $(PEERS)
	@touch $@

$(SITE)/.installed: docs/requirements.lock $(STAMP)
	@rm -rf $(SITE)
	@$(LOCKED) docs/requirements.lock --target $(SITE)
	@touch $@

# Nothing where that Python is older, too: the marker in the lock file says so.
$(GSA)/.installed: benchmarks/requirements.lock $(OTHER)/.installed
	@rm -rf $(GSA)
	@sed -n '/^jaxgsa==/,/#/p' benchmarks/requirements.lock | $(OTHER)/bin/python -m pip -qq \
	    --disable-pip-version-check --no-input install --require-hashes --no-deps --no-build-isolation \
	    --requirement /dev/stdin --target $(GSA)
	@mkdir -p $(GSA)
	@touch $@
