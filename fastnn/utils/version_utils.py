"""What a report of a fault should say about the machine."""

import platform
import sys

import numpy

from .. import __version__, config


def version_info():
    """Versions and settings that decide how fastnn runs here.

    Returns:
        A dict of `"fastnn"`, `"python"`, `"numpy"`, `"platform"`, `"instruction_set"` and `"threads"`.

    Example:

    >>> import fastnn
    >>> sorted(fastnn.utils.version_info())
    ['fastnn', 'instruction_set', 'numpy', 'platform', 'python', 'threads']
    """
    return {
        "fastnn": __version__,
        "python": sys.version.split()[0],
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "instruction_set": config.cpu_level(),
        "threads": config.get_num_threads(),
    }
