"""Describes the extension; everything else is in pyproject.toml.

FASTNN_SANITIZE=address,undefined builds with these sanitizers (see tests/run_sanitized.sh).
"""
import glob
import os
import sys
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


class BuildInParallel(build_ext):
    """Compiles the sources of the extension side by side: setuptools would take one after the other."""

    def build_extension(self, ext):
        compile_one = self.compiler.compile

        def compile_all(sources, **options):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = pool.map(lambda source: compile_one([source], **options), sources)
                return [o for part in objects for o in part]

        self.compiler.compile = compile_all
        try:
            super().build_extension(ext)
        finally:
            self.compiler.compile = compile_one


headers = [f for pattern in ("csrc/*.h", "csrc/ref/*", "csrc/simd/*") for f in glob.glob(pattern)]
core = Extension(
    "fastnn._core.launch",
    # the slowest first, so that they compile beside the others
    sources=["csrc/isa_v4.c", "csrc/ref.c", "csrc/isa_v3.c", "csrc/isa_v2.c", "csrc/isa_neon.c", "csrc/select.c",
             "csrc/threads.c", "csrc/memory.c", "fastnn/_core/launch.pyx"],
    depends=headers,            # an extension is not built again when only an included file changed, unless told
    include_dirs=["csrc", numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_22_API_VERSION")],
    extra_compile_args=FLAGS,
    extra_link_args=LINK,
)
# Plain Python that every op of every step passes through: compiled as it stands, it takes half the time.
dispatch = [Extension(f"fastnn.{name}", [f"fastnn/{name}.py"], extra_compile_args=["-O2", "-g0"]) for name in ("op", "tape")]
setup(ext_modules=cythonize([core, *dispatch], language_level=3), cmdclass={"build_ext": BuildInParallel})
