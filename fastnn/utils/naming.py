"""Names that layers, optimizers, metrics and losses get when the user gives none."""
import re
from collections import defaultdict

from .session_utils import on_clear_session

_used = defaultdict(int)


def to_snake_case(name):
    """`"Conv2D"` -> `"conv2d"`, `"BatchNormalization"` -> `"batch_normalization"`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unique_name(class_name):
    """`dense`, then `dense_1`, `dense_2` ... until `reset_names()`."""
    prefix = to_snake_case(class_name)
    count = _used[prefix]
    _used[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def get_uid(prefix=""):
    """Counts the uses of `prefix`: 1, 2, 3 ... (`keras.backend.get_uid`)."""
    _used[prefix] += 1
    return _used[prefix]


class name_scope:
    """`with name_scope("block"): ...` names a part of a program, for the eye.

    Names of layers and paths of weights are not touched by it: a weight's path begins with its layer's name.

    Args:
        name: of the part, without "/".
        **options: taken for Keras' sake.

    Raises:
        ValueError: another name.
    """

    def __init__(self, name, **options):
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"Argument `name` must be a string and cannot contain the character `/`. Received: name={name!r}")
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, *error):
        """Nothing to undo."""


@on_clear_session
def reset_names():
    """Starts all automatic names from the beginning again."""
    _used.clear()
