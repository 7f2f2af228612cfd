"""Say what is missing before `make` starts, instead of failing in the middle. Runs on any Python 3."""

import importlib.util
import os
import shlex
import shutil
import sys
import sysconfig


def missing_tools():
    """One line for each thing that is missing, with the command that brings it."""
    lines = []
    version = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info < (3, 10):
        lines.append("Python 3.10 or later is needed, this is {}. Try: make demo PYTHON=python3.12".format(version))
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            lines.append(
                "Python's module {} is missing. Debian, Ubuntu: sudo apt install python{}-venv".format(module, version)
            )
            break
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        lines.append(
            "The C compiler {} is missing. Debian, Ubuntu: sudo apt install gcc; Fedora: sudo dnf install gcc; macOS: "
            "xcode-select --install; another compiler: CC=clang make demo".format(compiler)
        )
    if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
        lines.append(
            "Python's headers (Python.h) are missing. Debian, Ubuntu: sudo apt install python{}-dev; "
            "Fedora: sudo dnf install python3-devel".format(version)
        )
    return lines


if __name__ == "__main__":
    sys.exit("\n".join(missing_tools()) or 0)
