"""Optimizers, by the names of Keras."""
from ..utils import serialization
from . import schedules
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .ftrl import Ftrl
from .lamb import Lamb
from .lion import Lion
from .loss_scale_optimizer import LossScaleOptimizer
from .multi_optimizer import MultiOptimizer, OptimizerMap
from .muon import Muon
from .nadam import Nadam
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .schedule_free_adamw import ScheduleFreeAdamW
from .sgd import SGD

_CLASSES = (Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, LossScaleOptimizer, MultiOptimizer, Muon, Nadam,
            OptimizerMap, RMSprop, ScheduleFreeAdamW, SGD)
_NAMES = {cls.__name__: cls for cls in _CLASSES} | {cls.__name__.lower(): cls for cls in _CLASSES}


def get(identifier):
    """An optimizer from a name ("rmsprop"), a config, a class or an instance.

    Raises:
        ValueError: an unknown name (the message gives the nearest ones), or something that is no optimizer.

    Example:
        >>> get("adam").name
        'adam'
    """
    if isinstance(identifier, str):
        identifier = serialization.lookup("optimizer", identifier if identifier in _NAMES else identifier.lower(), _NAMES)
    elif isinstance(identifier, dict):
        identifier = deserialize(identifier)
    if isinstance(identifier, type):
        identifier = identifier()
    if identifier is not None and not hasattr(identifier, "apply_gradients"):
        raise ValueError(f"expected an optimizer, its name or its config, received {identifier!r}")
    return identifier


def serialize(optimizer):
    """The config of an optimizer."""
    return serialization.serialize(optimizer)


def deserialize(config, custom_objects=None):
    """An optimizer from its config or name."""
    return serialization.deserialize(config, _NAMES, custom_objects, "optimizer")
