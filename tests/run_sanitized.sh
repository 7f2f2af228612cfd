#!/usr/bin/env bash
# Runs tests under AddressSanitizer and UndefinedBehaviorSanitizer, in a copy of the tree, so that the build of every day stays.
#
#     tests/run_sanitized.sh [pytest arguments]       by default: the tests of the kernels and of what calls them
#
# Needs gcc with its sanitizer libraries, and an interpreter (PYTHON, by default python3) with the test extra.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar --create --exclude=.git --exclude=.venv --exclude=build --exclude=dist --exclude='*.so' . | tar --extract --directory="$copy"
cd "$copy"

echo "Building with sanitizers; this takes a minute or two."
FASTNN_SANITIZE=address,undefined "$python" setup.py --quiet build_ext --inplace

# Memory is not used again here, so that a use after free is seen: the test that says it is must stay out.
# The interpreter is not instrumented: the sanitizer has to be there before it.  Python's own memory is not checked for leaks.
preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so) $(gcc -print-file-name=libstdc++.so)"
[ $# -gt 0 ] || set -- tests/_core tests/ops tests/test_tape.py tests/test_tensor.py tests/test_random.py
LD_PRELOAD="$preload" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 PYTHONMALLOC=malloc \
    "$python" -m pytest -p no:cacheprovider --deselect tests/_core/test_launch.py::test_memory_is_used_again "$@"
