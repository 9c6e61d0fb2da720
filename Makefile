# Two commands to begin with: `make demo` and `make test`. Both need only python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto

.PHONY: demo test lint setup bench soak clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# A normal head and one of each subtype, as DICOM, scanned from scratch.
demo: setup
	rm -rf demo
	$(BIN)/ich phantom demo/studies --set demo
	$(BIN)/ich scan demo/studies --out demo/results --model resnet --html --previews
	@echo "truth:   demo/studies/truth.csv"
	@echo "reports: demo/results/results.csv, results.json, report.html (open it in a browser)"

test: lint
	$(BIN)/pytest --numprocesses $(JOBS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks.scan --write

# Fault injection in full (50 kills over 60 studies, 10,000 damaged files) and 1,000 studies
# through `ich watch`: about an hour.
soak: setup
	$(BIN)/pytest -m soak --numprocesses 0 tests/faults
	$(BIN)/python -m benchmarks.soak

clean:
	rm -rf demo .mypy_cache .ruff_cache .pytest_cache
