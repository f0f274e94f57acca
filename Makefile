PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test test-bounds fuzz fuzz-http lint lint-house bench bench-calls bench-placement bench-share bench-solvers bench-splits bench-criteria bench-cost changelog docs dist sbom lock clean

setup: $(VENV)/.ready  ## make the environment: needs only python3 and make

# Modules are compiled when they are first imported: most never are, and pip takes as long for that
# as for all else.
define install
	@echo "making the environment $(VENV), with the packages of $(1)"
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Fjord needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --no-compile --require-hashes -r $(1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endef

$(VENV)/.ready: requirements.lock pyproject.toml
	$(call install,requirements.lock)
	$(BIN)/fjord compile
	touch $@

# An environment of developers has all that a demonstration needs. Without one it is made of half
# the packages, and compiles only the solvers that a service waits for: the rest compiles behind.
DEMO_READY := $(if $(wildcard $(VENV)/.ready),setup,$(VENV)/.demo)

$(VENV)/.demo: requirements.demo.lock pyproject.toml
	$(call install,requirements.demo.lock)
	$(BIN)/fjord compile --placers
	touch $@

demo: $(DEMO_READY)  ## run the OCR pipeline on this box and print what was planned and measured
	$(BIN)/fjord demo

test: setup  ## run all tests
	$(BIN)/python -m pytest

test-bounds: setup  ## run the solvers' tests with each index of compiled code checked; compiles for minutes at first
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest tests/scheduler/solvers tests/scheduler/portfolio

MINUTES ?= 30
fuzz: setup  ## hold solvers against enumeration for MINUTES=30, bounds of arrays checked; FUZZ='--first 1' chooses
	$(BIN)/python -m tests.scheduler.fuzz --minutes $(MINUTES) $(FUZZ)

fuzz-http: setup  ## ask a site what its OpenAPI document allows for ten minutes; makes an environment of its own
	test -x .venv-fuzz/bin/schemathesis || { $(PYTHON) -m venv .venv-fuzz && .venv-fuzz/bin/pip install --quiet schemathesis==4.32.5; }
	$(BIN)/python -m tests.api.http.fuzzing $(CURDIR)/.venv-fuzz/bin/schemathesis $(FUZZ)

lint: setup  ## formatting, style, types, walls, plain English, sizes, the map
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory lint-house

lint-house: setup  ## plain English, sizes, the map of the rooms
	$(BIN)/python -m tests.lint.english
	$(BIN)/python -m tests.lint.sizes
	$(BIN)/python docs/make_map.py --check

bench: setup  ## measure the overhead of the service
	$(BIN)/python -m benchmarks.overhead

bench-calls: setup  ## measure calls beside durable runs, and beside mosec where that is installed
	$(BIN)/python -m benchmarks.calls

bench-placement: setup  ## compare placement by all cost layers with placement by averages; BENCH=--simulated replays
	$(BIN)/python -m benchmarks.placement $(BENCH)

bench-share: setup  ## who gets the processor: workers, other programs, searches; BENCH='--beside checkout' has more
	$(BIN)/python -m benchmarks.share $(BENCH)

bench-solvers: setup  ## compare the solvers; BENCH='--set fjsp --time-limit-s 10' says how
	$(BIN)/python -m benchmarks.solvers --into docs/archive/solvers.md $(BENCH)

bench-splits: setup  ## compare splits of neural networks with published ones; FJORD_BENCHMARK_DATA=folder has more
	$(BIN)/python -m benchmarks.splits --into docs/benchmarks.md $(BENCH)

bench-criteria: setup  ## compare weighted tardiness and other sums over jobs with plain CP-SAT; BENCH='--objective deadline_misses'
	$(BIN)/python -m benchmarks.criteria --into docs/benchmarks.md $(BENCH)

bench-cost: setup  ## judge the cost models; ROWS=folder takes rows that are there, else 10 minutes of new ones
	$(if $(ROWS),,$(BIN)/fjord cost collect --into build/cost-rows $(COLLECT))
	$(BIN)/fjord cost evaluate $(or $(ROWS),build/cost-rows) $(BENCH)

changelog: setup  ## move the fragments of changes/ into CHANGELOG.md, under the version of pyproject.toml
	$(BIN)/python -m towncrier build --yes --version "$$($(BIN)/fjord --version | cut -d ' ' -f 2)"

DOCS := .venv-docs
docs: setup $(DOCS)/.ready  ## build the pages as a site into build/site; broken links fail
	$(BIN)/python docs/make_reference.py build/reference
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict

$(DOCS)/.ready: docs/requirements.lock
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r docs/requirements.lock
	touch $@

LOCK ?= requirements.lock
sbom:  ## list all packages of LOCK=requirements.lock in build/sbom.json (CycloneDX); makes an environment of its own
	test -x .venv-sbom/bin/cyclonedx-py || { $(PYTHON) -m venv .venv-sbom && .venv-sbom/bin/pip install --quiet cyclonedx-bom==7.5.0; }
	mkdir -p build
	.venv-sbom/bin/cyclonedx-py requirements $(LOCK) --pyproject pyproject.toml --output-reproducible --of JSON --output-file build/sbom.json

dist: setup  ## build the wheel and the source distribution into dist/
	rm -rf build/lib build/bdist.* dist
	$(BIN)/python -c 'from setuptools.build_meta import build_sdist, build_wheel; build_sdist("dist"); build_wheel("dist")'

lock:  ## pin the dependencies again, with hashes and without addresses
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
		--no-header -o requirements.lock
	uv pip compile pyproject.toml --extra build --extra demo --universal \
		--python-version 3.11 --constraints requirements.lock \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
		--no-header -o requirements.demo.lock
	uv pip compile pyproject.toml --extra build --extra cost --extra openvino --universal \
		--python-version 3.11 --constraints requirements.lock \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
		--no-header -o deploy/container/requirements.lock
	uv pip compile --group docs --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
		--no-header -o docs/requirements.lock

clean:
	rm -rf $(VENV) $(DOCS) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
