"""Settings of the whole process: working type, epsilon, image layout, Winograd, threads.

Example:
    >>> import fastnn
    >>> fastnn.config.floatx()
    'float32'
"""
import contextlib
import threading

from . import changes as _changes
from ._core import launch as _launch
from ._core.threads import default_threads, show_to_threadpoolctl

_state = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "winograd": "auto",
          "unsafe_deserialization": False, "dtype_policy": None, "max_epochs": None, "max_steps_per_epoch": None,
          "interactive_logging": True, "traceback_filtering": True}

_loading = threading.local()        # of each thread: `.unsafe` while something is loaded

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


class DTypePolicy:
    """The dtype in which a layer keeps its weights and computes: what `dtype` of a layer may be, beside a name.

    Args:
        name: "float32" or "float64"; None: the policy of the process, see `dtype_policy`.

    Raises:
        TypeError: no name; ValueError: other dtypes, mixed precision.

    Example:
        >>> DTypePolicy("float64").compute_dtype
        'float64'
    """

    quantization_mode = None

    def __init__(self, name=None):
        name = dtype_policy().name if name is None else name
        if not isinstance(name, str):
            raise TypeError(f"'name' of a DTypePolicy must be a string, such as 'float32'. Received: name={name!r}")
        if name not in ("float32", "float64"):
            raise ValueError(f"a DTypePolicy must be 'float32' or 'float64', in which fastnn computes, received {name!r}")
        self._name = name

    name = property(lambda self: self._name, doc="The name of the policy.")
    compute_dtype = property(lambda self: self._name, doc="The dtype of the computation.")
    variable_dtype = property(lambda self: self._name, doc="The dtype of the weights.")

    def get_config(self):
        """The arguments that make this policy again."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config):
        """A policy from the result of `get_config`."""
        return cls(**config)

    def __repr__(self):
        return f'<DTypePolicy "{self._name}">'

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and self._name == other._name

    def __hash__(self):
        return hash(self._name)


def dtype_policy():
    """The DTypePolicy of layers that are given none: that of `set_dtype_policy`, else `floatx`."""
    return _state["dtype_policy"] or DTypePolicy(floatx())


def set_dtype_policy(policy):
    """Sets the dtype of layers that are given none.

    Args:
        policy: a DTypePolicy, or its name.  `floatx`, which data, losses and metrics follow, stays as it is.

    Raises:
        TypeError, ValueError: anything but "float32" and "float64".
    """
    _set("dtype_policy", policy if isinstance(policy, DTypePolicy) else DTypePolicy(_plain(policy)))


def _plain(policy):
    """The name in the config of a policy."""
    return policy.get("config", {}).get("name") if isinstance(policy, dict) else policy


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
    return getattr(_loading, "unsafe", _state["unsafe_deserialization"])


def in_safe_mode():
    """Whether this thread makes objects of a file, or of a config, that must not reach for code or other files."""
    return getattr(_loading, "unsafe", True) is False


@contextlib.contextmanager
def deserialization(safe_mode):
    """Inside the block, in this thread, `safe_mode` says whether code in configs is refused; None: as it was."""
    outer = vars(_loading).copy()
    if safe_mode is not None and (safe_mode or "unsafe" not in outer):
        allowed = _state["unsafe_deserialization"]      # who has allowed it for the whole program need not say so again
        _loading.unsafe = not safe_mode or allowed
    try:
        yield
    finally:
        vars(_loading).clear()
        vars(_loading).update(outer)


def max_epochs():
    """The most epochs that `fit` does, whatever it is asked for; None: no limit."""
    return _state["max_epochs"]


def set_max_epochs(max_epochs):
    """Sets the most epochs that `fit` does, so that a program can be tried out quickly; None: no limit."""
    _state["max_epochs"] = _limit("max_epochs", max_epochs)


def max_steps_per_epoch():
    """The most batches of an epoch of `fit`, `evaluate` and `predict`; None: no limit."""
    return _state["max_steps_per_epoch"]


def set_max_steps_per_epoch(max_steps_per_epoch):
    """Sets the most batches of an epoch of `fit`, `evaluate` and `predict`; None: no limit."""
    _state["max_steps_per_epoch"] = _limit("max_steps_per_epoch", max_steps_per_epoch)


def _limit(name, value):
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError(f"{name} must be an integer >= 1, or None for no limit, received {value!r}")
    return value


def enable_interactive_logging():
    """Has progress bars and messages printed, as they are unless told otherwise."""
    _state["interactive_logging"] = True


def disable_interactive_logging():
    """Has what would be printed passed to the logger "fastnn" of Python's `logging` (level INFO), and progress bars left out."""
    _state["interactive_logging"] = False


def is_interactive_logging_enabled():
    """Whether progress bars and messages are printed."""
    return _state["interactive_logging"]


def enable_traceback_filtering():
    """Taken for Keras' sake: fastnn's tracebacks are short, and none is cut."""
    _state["traceback_filtering"] = True


def disable_traceback_filtering():
    """Taken for Keras' sake: fastnn's tracebacks are short, and none is cut."""
    _state["traceback_filtering"] = False


def is_traceback_filtering_enabled():
    """What was last set by `enable_traceback_filtering` or `disable_traceback_filtering`."""
    return _state["traceback_filtering"]


def backend():
    """The name of the engine."""
    return "fastnn"


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
