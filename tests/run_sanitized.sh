#!/usr/bin/env bash
# Runs tests under sanitizers, in a copy of the tree, so that the build of every day stays.
#
#     tests/run_sanitized.sh [pytest arguments]                           AddressSanitizer and UndefinedBehaviorSanitizer
#     FASTNN_SANITIZE=thread tests/run_sanitized.sh [pytest arguments]    ThreadSanitizer
#
# By default the tests of the kernels and of what calls them; with ThreadSanitizer those of the pool and of the background
# thread, and of the ops on several threads.  Needs gcc with its sanitizer libraries, and an interpreter (PYTHON, by default
# python3) with the test extra.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
export FASTNN_SANITIZE=${FASTNN_SANITIZE:-address,undefined}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar --create --exclude=.git --exclude=.venv --exclude=build --exclude=dist --exclude='*.so' . | tar --extract --directory="$copy"
cd "$copy"

echo "Building with sanitizers; this takes a minute or two."
"$python" setup.py --quiet build_ext --inplace

# The interpreter is not instrumented: the sanitizer has to be there before it.
preload= out=
if [ "$FASTNN_SANITIZE" = thread ]; then
    libraries="tsan"
    default="tests/_core/test_plan.py tests/_core/test_threads.py tests/_core/test_fork.py tests/_core/test_launch.py tests/ops/test_registry.py::test_same_bits_on_any_number_of_threads"
    # GCC's ThreadSanitizer ends the child of a fork ("dup thread with used id") that makes both pool and background thread.
    for test in fork.py::test_fit_in_the_child_and_in_its_child fork.py::test_fork_while_another_thread_fits \
        fork.py::test_processes_of_multiprocessing launch.py::test_fuzz; do out+=" --deselect tests/_core/test_$test"; done
else
    libraries="asan ubsan" default="tests/_core tests/ops tests/test_capture.py tests/models/test_step_registry.py tests/test_tape.py tests/test_tensor.py tests/test_random.py"
fi
for library in $libraries stdc++; do preload+="$(gcc -print-file-name="lib$library.so") "; done
[ $# -gt 0 ] || set -- $default

# Memory is not used again here, so that a use after free is seen, and ThreadSanitizer has a thread of its own: the tests
# that count blocks and threads must stay out, and the one that limits the address space, of which sanitizers take
# terabytes.  Python's own memory is not checked for leaks.  The children of a fork make threads, which ThreadSanitizer
# has to be asked for.
LD_PRELOAD="$preload" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 TSAN_OPTIONS=die_after_fork=0 \
    PYTHONMALLOC=malloc OPENBLAS_NUM_THREADS=1 \
    "$python" -m pytest -p no:cacheprovider --deselect tests/_core/test_launch.py::test_memory_is_used_again \
    --deselect tests/_core/test_fork.py::test_the_child_has_workers_of_its_own \
    --deselect tests/ops/test_conv.py::test_pooled_images_wider_than_memory $out "$@"
