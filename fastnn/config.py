"""Settings of the whole process: working type, epsilon, image layout, Winograd, threads.

Example:
    >>> import fastnn
    >>> fastnn.config.floatx()
    'float32'
"""
from . import changes as _changes
from ._core import launch as _launch
from ._core.threads import default_threads, show_to_threadpoolctl

_state = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "winograd": "auto",
          "unsafe_deserialization": False}

_launch.set_num_threads(default_threads())
show_to_threadpoolctl()


def _set(name, value):
    _state[name] = value
    _changes.note()


def settings():
    """All settings that computations read, by name; the dictionary itself."""
    return _state


def floatx():
    """The float type of weights and data: "float32" unless `set_floatx` said otherwise."""
    return _state["floatx"]


def set_floatx(value):
    """Sets the float type of weights and data, "float32" or "float64".

    Raises:
        ValueError: for any other type: fastnn computes in these two.
    """
    if value not in ("float32", "float64"):
        raise ValueError(f"floatx must be 'float32' or 'float64', received {value!r}")
    _set("floatx", value)


def epsilon():
    """The small number that keeps divisions and logarithms away from zero: 1e-7 unless set otherwise."""
    return _state["epsilon"]


def set_epsilon(value):
    """Sets the small number that keeps divisions and logarithms away from zero."""
    if not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ValueError(f"epsilon must be a number between 0 and 1, received {value!r}")
    _set("epsilon", float(value))


def image_data_format():
    """The layout that image layers assume: "channels_last" unless set otherwise."""
    return _state["image_data_format"]


def set_image_data_format(data_format):
    """Sets the layout that image layers assume, "channels_last" or "channels_first"."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError("data_format must be 'channels_last' or 'channels_first', "
                         f"received {data_format!r}")
    _set("image_data_format", data_format)


def winograd():
    """Whether 3x3 convolutions may use Winograd's algorithm: "auto" unless `set_winograd` said otherwise."""
    return _state["winograd"]


def set_winograd(value):
    """Lets float32 convolutions with 3x3 kernels use Winograd's algorithm, or not.

    It takes a quarter of the multiplications, and its rounding errors are some times larger: docs/winograd.md has figures.

    Args:
        value: "auto" (the default) takes it where it is faster; "off" never does.

    Raises:
        ValueError: for anything else.
    """
    if value not in ("auto", "off"):
        raise ValueError(f"winograd must be 'auto' or 'off', received {value!r}")
    _set("winograd", value)


def enable_unsafe_deserialization():
    """Lets configs and files of models bring code that is run (that of Lambda layers); off unless this was called."""
    _state["unsafe_deserialization"] = True


def unsafe_deserialization():
    """Whether configs and files may bring code that is run."""
    return _state["unsafe_deserialization"]


def set_num_threads(threads):
    """Sets how many threads the kernels use; the results are the same, bit for bit, with any number.

    Args:
        threads: an integer >= 1; no more than 256 are used.
    """
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise ValueError(f"threads must be an integer >= 1, received {threads!r}")
    _launch.set_num_threads(threads)


def get_num_threads():
    """How many threads the kernels use: by default as many as the process may have (affinity, container quota)."""
    return _launch.get_num_threads()


def cpu_level():
    """The instruction set that the kernels of this process use: "ref", "neon", "v2", "v3" or "v4".

    The machine's best, or what the environment variable FASTNN_CPU asked for before the import.
    """
    return _launch.LEVEL
