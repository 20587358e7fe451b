# make demo: set everything up and train a first model · make test: set everything up and run all checks and tests
PYTHON ?= python3
PIP_FLAGS ?=  # such as an index of PyTorch builds without CUDA
VENV := .venv
BIN := $(VENV)/bin
# Before pip 23.1, as Debian 12 has it, an old package without wheels would be built with what is there now.
INSTALL := $(BIN)/python -m pip install --quiet --use-pep517 $(PIP_FLAGS) --constraint constraints.txt --editable
READY := $(VENV)/.ready

.PHONY: demo test check docs bench vendor clean

demo: $(READY)
	$(BIN)/ostinato demo

test: check
	$(BIN)/python -m pytest --numprocesses auto --dist loadgroup

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q -b html docs docs/_build/html

bench: $(READY)
	$(INSTALL) '.[bench]'
	$(BIN)/python benchmarks/run.py

# Is the JavaScript that we ship what npm has?
vendor: $(READY)
	$(BIN)/python tools/vendor.py

# The versions in constraints.txt are the ones that were tested; a second call finds .ready and installs nothing.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[test]'
	touch $(READY)

clean:
	rm -rf $(VENV)
