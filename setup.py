"""Describes the extension; everything else is in pyproject.toml.

FASTNN_SANITIZE=address,undefined builds with these sanitizers (see tests/run_sanitized.sh).
"""
import glob
import os
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FLAGS = ["-O3", "-std=gnu11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-g0"]
LINK = []
sanitizers = os.environ.get("FASTNN_SANITIZE")
if sanitizers:
    FLAGS += [f"-fsanitize={sanitizers}", "-fno-omit-frame-pointer", "-fno-wrapv", "-g", "-O1"]    # Python's own flags hide overflows
    LINK += [f"-fsanitize={sanitizers}"]
if sys.platform != "win32":
    LINK += ["-lm", "-lpthread"]


# The instruction sets for which csrc/simd is compiled, by the number that csrc/fn.h gives them (FN_LEVEL), and their flags.
X86_LEVELS = {4: "-mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl -mavx2 -mfma -mbmi -mbmi2 -mpopcnt -mprefer-vector-width=512",
              3: "-mavx2 -mfma -mbmi -mbmi2 -mpopcnt",
              2: "-mssse3 -msse4.2 -mpopcnt"}
ARM_LEVELS = {1: ""}


def levels(platform):
    """{FN_LEVEL: flags} of a platform as sysconfig spells it ("linux-x86_64", "macosx-11.0-arm64")."""
    machine = platform.rpartition("-")[2]
    return X86_LEVELS if machine in ("x86_64", "amd64") else ARM_LEVELS if machine in ("aarch64", "arm64") else {}


class BuildKernels(build_ext):
    """Compiles the kernels once for every instruction set, and all sources side by side: setuptools takes one after the other."""

    def build_extension(self, ext):
        compile_one = self.compiler.compile

        def compile_all(sources, output_dir=None, macros=None, extra_postargs=None, **options):
            jobs = [(source, output_dir, macros, extra_postargs) for source in sources]
            if ext.name == "fastnn._core.launch":
                jobs = [(source, os.path.join(output_dir, f"level{level}"), [*macros, ("FN_LEVEL", str(level))],
                         [*extra_postargs, *flags.split()])
                        for source in TUNED for level, flags in levels(sysconfig.get_platform()).items()] + jobs

            def run(job):
                source, folder, defines, flags = job
                return compile_one([source], output_dir=folder, macros=defines, extra_postargs=flags, **options)

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return [o for part in pool.map(run, jobs) for o in part]

        self.compiler.compile = compile_all
        try:
            super().build_extension(ext)
        finally:
            self.compiler.compile = compile_one


TUNED = sorted(glob.glob("csrc/simd/*.c"), key=os.path.getsize, reverse=True)
headers = [f for pattern in ("csrc/*.h", "csrc/ref/*", "csrc/simd/*", "fastnn/_core/*.pxi") for f in glob.glob(pattern)]
core = Extension(
    "fastnn._core.launch",
    sources=["csrc/ref.c", "csrc/select.c", "csrc/threads.c", "csrc/feeder.c", "csrc/memory.c", "csrc/plan.c", "fastnn/_core/launch.pyx"],   # and TUNED
    depends=headers,            # an extension is not built again when only an included file changed, unless told
    include_dirs=["csrc", numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_22_API_VERSION")],
    extra_compile_args=FLAGS,
    extra_link_args=LINK,
)
# Plain Python that every op of every step passes through: compiled as it stands, it takes half the time.
dispatch = [Extension(f"fastnn.{name}", [f"fastnn/{name}.py"], extra_compile_args=["-O2", "-g0"]) for name in ("op", "tape")]
setup(ext_modules=cythonize([core, *dispatch], language_level=3), cmdclass={"build_ext": BuildKernels})
