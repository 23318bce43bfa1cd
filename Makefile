# Everything below works on a machine with Python 3.11+, pip and make: the project brings its own uv.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
UAM := $(VENV)/bin/uam
UV := .tools/bin/uv
RUNTIME := $(VENV)/.runtime-stamp
DEV := $(VENV)/.dev-stamp

# Where this is set, each of the many processes would compile every library anew at its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup setup-dev demo serve test faults lint format bench soak release-models lock clean

setup: $(RUNTIME)  ## install UAM into .venv (under 2 s when there is nothing to do)

setup-dev: $(DEV)  ## the same, with what tests and linters need

$(UV): requirements/bootstrap.txt
	@echo "setup: fetching uv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed; set PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m pip install --quiet --upgrade --target .tools --only-binary :all: --require-hashes -r requirements/bootstrap.txt \
	  || { rm -rf .tools/venv && $(PYTHON) -m venv .tools/venv && .tools/venv/bin/pip install --quiet --upgrade --target .tools --only-binary :all: --require-hashes -r requirements/bootstrap.txt; }
	@touch $@

$(VENV)/bin/python: $(UV)
	@$(UV) venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
	@touch $@

$(RUNTIME): requirements/runtime.txt requirements/bootstrap.txt pyproject.toml $(VENV)/bin/python
	@echo "setup: installing UAM and its dependencies into $(VENV)"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --only-binary :all: --require-hashes -r requirements/runtime.txt -r requirements/bootstrap.txt
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "setup: installing the tools of the tests and linters"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --only-binary :all: --require-hashes -r requirements/dev.txt
	@touch $@

demo: setup  ## the main job on the example data, through the real API and worker
	@$(VENV)/bin/python examples/demo.py

serve: setup  ## the embedded default, left running at http://127.0.0.1:8000
	@$(UAM) serve

test: setup-dev  ## the suite, the real servers included, two files at a time
	@$(VENV)/bin/python -m pytest -n 2 --dist loadfile --ignore tests/faults

faults: setup-dev  ## every fault of docs/operations.md, really made; as root for full disks; OF=… makes some of them
	@$(VENV)/bin/python -m pytest tests/faults -n 3 --dist loadscope $(if $(OF),-k "$(OF)")

lint: setup-dev  ## lint, format, types, import contracts
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

format: setup-dev
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

bench: setup-dev  ## figures, measured on this machine; nothing here is a test
	@$(VENV)/bin/python bench/run.py

soak: setup-dev  ## half an hour of runs while parts are killed at random; every invariant is checked at the end
	@$(VENV)/bin/python -m bench.soak $(SOAK)

release-models: setup-dev  ## at a release, once: keep models of this version for later ones to load
	@$(VENV)/bin/python -m tests.unit.automl.release_models

lock: $(UV)  ## resolve the dependencies anew, with hashes
	@printf 'uv\nsetuptools\n' | $(UV) pip compile - --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header -o requirements/bootstrap.txt
	@$(UV) pip compile pyproject.toml --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header -o requirements/runtime.txt
	@$(UV) pip compile pyproject.toml --quiet --upgrade --extra dask -c requirements/runtime.txt --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header -o requirements/dask.txt
	@$(UV) pip compile pyproject.toml --quiet --upgrade --extra dev -c requirements/runtime.txt --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header -o requirements/dev.txt

clean:
	@rm -rf $(VENV) .tools .uam demo-output build *.egg-info .pytest_cache .mypy_cache .ruff_cache
