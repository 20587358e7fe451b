# make demo: set everything up and train a first model · make test: set everything up and run all checks and tests
PYTHON ?= python3
PIP_FLAGS ?=  # such as an index of PyTorch builds without CUDA
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check docs bench clean

demo: $(READY)
	$(BIN)/ostinato demo

test: check
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q -b html docs docs/_build/html

bench: $(READY)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/run.py

# The versions in constraints.txt are the ones that were tested; a second call finds .ready and installs nothing.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) --constraint constraints.txt --editable '.[test]'
	touch $(READY)

clean:
	rm -rf $(VENV)
