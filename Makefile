# Everything a reader or a developer types. Python 3.11 to 3.13 is all that must be there before.

.DEFAULT_GOAL := help
.PHONY: help env book test site pdf clean constraints check-python

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Without it two threads slow each other down as soon as something else runs on the machine.
export OMP_WAIT_POLICY ?= PASSIVE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A matplotlib backend of the caller's own (an IDE's, say) must not reach the kernels.
unexport MPLBACKEND

# The first interpreter of the allowed range; `make PYTHON=/path/to/python book` chooses another.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)

help:  ## what can be done here
	@echo "make book         run every notebook (quick profile) and render the book; prints the first page's path"
	@echo "make test         run the tests"
	@echo "make site         render the published pages, without running anything"
	@echo "make pdf          print the rendered book into one PDF (needs Chromium or Chrome)"
	@echo "make env          only the Python environment ($(VENV))"
	@echo "make constraints  pin the newest versions that pyproject.toml allows"
	@echo "make clean        remove what was built (not the environment, not runs/)"

book: env  ## run and render
	@$(BIN)/disentangle book

test: env  ## the tests
	@$(BIN)/python -m pytest

site: env  ## render only
	@$(BIN)/python -m disentangle.runs.site

pdf: site  ## print
	@$(BIN)/disentangle pdf

env: $(STAMP)  ## the environment

$(STAMP): pyproject.toml constraints.txt | check-python
	@test -x $(BIN)/python || { echo "Making the environment $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the packages into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e ".[book,dev]" >$(VENV)/install.log 2>&1 || { \
	tail -n 30 $(VENV)/install.log; \
	echo "Installing failed, the whole log is in $(VENV)/install.log. The usual reasons: no network, or a full disk"; \
	echo "(the packages take about 2 GB, 7 GB with the CUDA build of torch)."; exit 1; }
	@touch $@

check-python:
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(SUITABLE)' 2>/dev/null || { \
	echo "Python 3.11, 3.12 or 3.13 is missing. Found: $$($(or $(PYTHON),python3) --version 2>&1 || true)."; \
	echo "Install one of them (https://www.python.org/downloads), or name it: make PYTHON=/path/to/python3.12 book"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || test -x $(BIN)/python || { \
	echo "$(PYTHON) lacks the modules venv and ensurepip, which make the environment."; \
	echo "On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

constraints:  ## needs the network
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q uv
	@env -u UV_FIND_LINKS -u PIP_FIND_LINKS $(BIN)/uv pip compile pyproject.toml --upgrade --universal \
	--python-version 3.11 --extra book --extra dev --no-annotate --no-header -q -o constraints.txt

clean:
	rm -rf _build .pytest_cache .ruff_cache .benchmarks .hypothesis
