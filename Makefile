# make demo               train a small convnet on real digits and draw what it learnt
# make test               run the tests
# make bench              time the kernels beside NumPy
# make sanitize           run the tests under AddressSanitizer and UndefinedBehaviorSanitizer
# make sanitize-threads   the tests of the pool, and of the ops on several threads, under ThreadSanitizer
# make test-levels        the tests with the kernels of each instruction set that this machine has
# make test-aarch64       the tests of the kernels for aarch64, cross-compiled, under qemu
# make build              sdist and wheel in dist/
# make clean              remove everything that these made
#
# Needed: Python 3.10 or later with its headers, and a C compiler. Another Python: make demo PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
TESTS ?= tests

# The package is installed in place, so that only these make it worth installing again.
COMPILED := setup.py pyproject.toml fastnn/op.py fastnn/tape.py $(shell find csrc fastnn/_core -name '*.inc' -o -name '*.pyx' -o -name '*.pxi') \
	$(shell find csrc -name '*.[ch]')

.PHONY: demo test test-levels test-aarch64 bench sanitize sanitize-threads build clean

demo: $(VENV)/installed-h5,plot
	$(PY) -m fastnn.demo

test: $(VENV)/installed-test
	$(PY) -m pytest $(TESTS)

test-levels: $(VENV)/installed-test
	@for level in $$($(PY) -c "from fastnn._core import launch; print(*launch.machine_levels())"); do \
		echo "FASTNN_CPU=$$level"; FASTNN_CPU=$$level $(PY) -m pytest $(TESTS) || exit 1; done

test-aarch64: $(VENV)/installed-test
	PYTHON=$(abspath $(PY)) bash tools/test_aarch64.sh

bench: $(VENV)/installed-test
	$(PY) -m pytest benchmarks --benchmark-only

sanitize: $(VENV)/installed-test
	PYTHON=$(abspath $(PY)) bash tests/run_sanitized.sh

sanitize-threads: $(VENV)/installed-test
	FASTNN_SANITIZE=thread PYTHON=$(abspath $(PY)) bash tests/run_sanitized.sh

build: $(VENV)/made
	$(PY) -m pip install --quiet build
	$(PY) -m build

$(VENV)/made:
	@$(PYTHON) tools/check_tools.py
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed-%: $(VENV)/made $(COMPILED)
	@echo "Compiling fastnn and installing it with the $* extra; this takes up to a minute or two."
	$(PY) -m pip install --quiet --editable '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .benchmarks demo.png
	rm -f fastnn/*.so fastnn/*.c fastnn/_core/*.so fastnn/_core/*.c
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
