# make train   build .venv and train on the rendered depth faces
# make test    build .venv, lint, test; WORKERS=4 for as many processes, of 3 GB each; make test-slow for the rest
# make bench   build .venv-bench, measure against the peers, write docs/speed.md; ONLY=warm,cold for some lines,
#              ONLY=accuracy for the one that takes two and a half hours
# make setup   build .venv alone; GPU=1 takes requirements-gpu.txt, HUB=1 requirements-hub.txt, for --model=hub:PRESET
# make gpu-check GPU=1   measure and check training on this machine's CUDA GPU

PYTHON ?= python3
WORKERS ?= 2
# A file is one process's, so that what its tests share is made once; files begin in their order, the long ones first.
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
BIN := .venv/bin
REQUIREMENTS := $(if $(HUB),requirements-hub.txt,$(if $(GPU),requirements-gpu.txt,requirements.txt))
# All kinds of TensorFlow hold the same files (KerasHub asks for the one that is for CPUs and GPUs), so a change of kind
# starts a new .venv.
STAMP := .venv/.$(basename $(REQUIREMENTS))
DEV_STAMP := .venv/.requirements-dev

.PHONY: setup train test test-slow lint flags bench gpu-check clean

setup: $(STAMP)

train: setup
	$(BIN)/python train.py --dataset=realsense --epochs=15

test: lint
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow"

test-slow: $(DEV_STAMP)
	$(BIN)/python -m pytest -m slow

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

flags: setup
	$(BIN)/python -m cli.flags_page
	$(BIN)/python -m cli.models_page

bench: .venv-bench/.requirements $(if $(findstring accuracy,$(ONLY)),.venv-accuracy/.requirements)
	.venv-bench/bin/python -m benchmarks.bench $(if $(ONLY),--only=$(ONLY))

gpu-check: setup
	$(BIN)/python benchmarks/gpu_check.py

clean:
	rm -rf .venv .venv-bench .venv-accuracy .pytest_cache .ruff_cache

.venv-bench/.requirements: benchmarks/requirements.txt requirements.txt requirements-base.txt
.venv-accuracy/.requirements: benchmarks/requirements-accuracy.txt
.venv-%/.requirements:
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(STAMP): $(REQUIREMENTS) requirements-base.txt
	rm -rf .venv
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Penstock needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement $(REQUIREMENTS)
	touch $@

$(DEV_STAMP): $(STAMP) requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	touch $@
