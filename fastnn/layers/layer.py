"""Layer, the base of all layers: named, holds weights, is built from the shape of its first input, and is called."""
import difflib
import functools
import inspect

import numpy as np

from .. import config, constraints, initializers, regularizers
from ..metrics import Metric
from ..tensor import FLOATS, Spec, Tensor, Variable, standardize_dtype
from ..utils.naming import unique_name
from ..utils.serialization import deserialize, is_builtin, serialize_value
from .calling import Calling, _state
from .structure import contents, flatten, map_shapes, unique

# Arguments of Keras' layers that stand in configs; None means that they are not used.
OTHER_KERAS = ("lora_rank", "lora_alpha", "quantization_config")


class Layer(Calling):
    """A callable object with weights.

    Subclasses make their weights in `build(input_shape)` with `add_weight`, and compute in `call(inputs)`; `call` may
    also take `training` and `mask`, which are then passed to it.  Layers that are set as attributes (or in lists,
    tuples and dicts that are) are found: their weights and losses count as this layer's.

    Args:
        activity_regularizer: penalty on the output.
        trainable: whether the weights are trained.
        dtype: "float32" or "float64", of weights and computation; None: `fastnn.config.floatx()`.
        name: the layer's name; None: made from the class name.
        input_shape, batch_input_shape, input_dim, batch_size: the input's shape, for the first layer of a Sequential.

    Raises:
        ValueError: unknown keyword arguments, and bad values.

    Example:
        >>> class Scale(fastnn.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=input_shape[-1:], initializer="ones", name="factor")
        ...
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()(np.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _marks_built(cls.build)

    def __new__(cls, *args, **kwargs):
        layer = super().__new__(cls)
        layer.__dict__.update(_losses=[], _losses_stamp=None, _seen=None, _inbound_nodes=[])
        if not layer._is_ours():
            layer.__dict__["_arguments"] = plain_arguments(cls, args, kwargs)       # for `get_config`
        return layer

    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, autocast=True, name=None, **kwargs):
        self._input_shape_arg = _input_shape_argument(type(self).__name__, kwargs)
        kwargs = {key: value for key, value in kwargs.items() if value is not None or key not in OTHER_KERAS}
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {sorted(kwargs)}. "
                             f"{_known_arguments(type(self), sorted(kwargs))}")
        if name is not None and not isinstance(name, str):
            raise ValueError(f"Argument `name` must be a string. Received: name={name!r} (of type {type(name).__name__})")
        if not isinstance(trainable, (bool, np.bool_)):
            raise ValueError(f"Expected `trainable` to be a boolean. Received: trainable={trainable!r}")
        self.name = name or unique_name(type(self).__name__)
        self.dtype = _layer_dtype(dtype)
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.supports_masking = self._computes_mask     # by default masks end here, as in Keras
        self.input_spec = None
        self._trainable = bool(trainable)

    # ---- Weights -------------------------------------------------------------------------------------------

    def build(self, input_shape):
        """Makes the weights for inputs of this shape (a tuple with the batch axis; a list of tuples for a list of inputs)."""
        self.built = True

    def add_weight(self, shape=None, initializer=None, dtype=None, trainable=True, autocast=True, regularizer=None,
                   constraint=None, aggregation="none", name=None):
        """Makes a Variable that belongs to this layer.

        Args:
            shape: tuple of ints; None: a scalar.
            initializer: object, name or function; None: "glorot_uniform", or "zeros" for integers.
            dtype: None: the layer's.
            trainable: whether optimizers change it.
            regularizer, constraint: objects or names.
            name: the weight's name.

        Returns:
            The Variable.

        Raises:
            ValueError: a shape with unknown or negative sizes.
        """
        self._check_initialized()
        if isinstance(shape, str):
            raise ValueError(f"`name` must be passed as a keyword argument. Received: add_weight({shape!r}, ...).")
        shape = _weight_shape(shape, name, self.name)
        dtype = dtype or self.dtype
        initializer = initializers.get(initializer or ("glorot_uniform" if dtype in FLOATS else "zeros"))
        variable = Variable(initializer, shape=shape, dtype=dtype, trainable=bool(trainable), name=name)
        variable.path = f"{self.name}/{variable.name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._track(variable)
        if not self._trainable:
            variable.trainable = False
        return variable

    add_variable = add_weight

    # ---- Metrics -------------------------------------------------------------------------------------------

    @property
    def metrics(self):
        """The metrics that are attributes of the layer and of those inside it."""
        return unique(metric for layer in self._flatten_layers() for metric in contents(vars(layer), Metric))

    @property
    def metrics_variables(self):
        """The state of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    # ---- Losses --------------------------------------------------------------------------------------------

    def add_loss(self, loss):
        """Adds a scalar Tensor (or a list of them) to `losses`, until the next outermost call; for use inside `call`."""
        stamp = _state.current.stamp
        if stamp is not None and stamp != self._losses_stamp:
            self.__dict__["_losses"], self.__dict__["_losses_stamp"] = [], stamp
        for value in flatten(loss):
            if not isinstance(value, (Tensor, Spec)):
                raise ValueError(f'`add_loss()` of layer "{self.name}" takes tensors. Received: {value!r}')
            if isinstance(value, Tensor):
                self._losses.append(value)

    def _add_activity_loss(self, outputs):
        for output in flatten(outputs):
            if isinstance(output, Tensor):
                penalty = self.activity_regularizer(output)
                rows = output.shape[0] if output.shape else 1
                self.add_loss(penalty * (1.0 / max(rows, 1)))

    @property
    def losses(self):
        """The penalties of the last call (`add_loss`, activity regularizers), then those on the trainable weights."""
        layers = [layer for layer in self._flatten_layers() if layer._losses]
        last = max((layer._losses_stamp or 0 for layer in layers), default=0)
        found = [loss for layer in layers if (layer._losses_stamp or 0) in (0, last) for loss in layer._losses]
        return found + [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]

    def _clear_losses(self):
        for layer in self._flatten_layers():
            layer._losses.clear()

    # ---- Config --------------------------------------------------------------------------------------------

    def get_config(self):
        """The arguments that make this layer again, as plain values.

       A subclass with arguments of its own adds them; without that, simple values that were stored under the names
        of the arguments are found.
        """
        config = {"name": self.name, "trainable": self._trainable, "dtype": _dtype_config(self.dtype)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return {**config, **self._own_arguments()} if type(self).get_config is Layer.get_config else config

    def _own_arguments(self):
        """The arguments of a user's `__init__`, without those that `get_config` has anyway: plain ones as they were passed, others
        from the attributes of their names."""
        found, given = {}, self.__dict__.get("_arguments")
        for key in own_parameters(type(self)):
            if given is not None and key in given:
                found[key] = serialize_value(given[key])
            elif hasattr(self, key):
                found[key] = serialize_value(getattr(self, key))
            else:
                raise TypeError(f"{type(self).__name__} needs a `get_config()`: the argument `{key}` of its `__init__` is no plain value, and "
                                f"is not kept as self.{key}. For example: def get_config(self): return {{**super().get_config(), "
                                f"{key!r}: ...}}")
        return found

    @classmethod
    def from_config(cls, config):
        """A new layer from the result of `get_config`."""
        if is_builtin(cls.get_config) and not is_builtin(cls):      # which found the arguments itself, layers and functions among them
            own = inspect.signature(cls.__init__).parameters
            config = {key: deserialize(value) if key in own and holds_objects(value) else value for key, value in config.items()}
        config = accepted(cls, config)
        try:
            return cls(**config)
        except TypeError as error:
            raise TypeError(f"Error when making {cls.__name__} from its config {config}: {error}") from error

    def _clone(self):
        """A new layer like this one, with weights of its own."""
        with config.deserialization(safe_mode=False):       # lambdas in its config are its own
            return type(self).from_config(self.get_config())

    def get_build_config(self):
        """The shapes that `build` was called with, or None: {"input_shape": shape}, or {"shapes_dict": {argument: shape}} of several."""
        shapes = self.__dict__.get("_build_shapes")
        if shapes is None or len(shapes) == 1:
            return shapes and {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": shapes}

    def build_from_config(self, config):
        """Builds the layer again from the result of `get_build_config`."""
        if config and "input_shape" in config:
            shape = config["input_shape"]
            self.build(None if shape is None else map_shapes(tuple, shape))
        elif config and "shapes_dict" in config:
            self.build(**{name: map_shapes(tuple, shape) for name, shape in config["shapes_dict"].items()})

    def __getstate__(self):
        # a copy is no part of the graphs that the layer was called in
        return {**vars(self), "_inbound_nodes": []}

    @property
    def compute_dtype(self):
        """The dtype of the computation."""
        return self.dtype

    @property
    def dtype_policy(self):
        """The dtype as a `fastnn.DTypePolicy`."""
        return config.DTypePolicy(self.dtype)

    @property
    def variable_dtype(self):
        """The dtype of the weights."""
        return self.dtype

    @property
    def path(self):
        """The layer's name; weights have paths below it."""
        return self.name

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


# ---- Helpers ---------------------------------------------------------------------------------------------------

OF_ALL = ("name", "trainable", "dtype", "activity_regularizer")      # arguments that stand in every config


def own_parameters(cls):
    """The names of the arguments of a class's `__init__`, but for those of all layers."""
    _, *parameters = inspect.signature(cls.__init__).parameters.values()
    return [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name not in OF_ALL]


def plain_arguments(cls, args, kwargs):
    """{name: value} of what `__init__` is called with, as far as these are plain values, also in lists and dicts."""
    try:
        bound = inspect.signature(cls.__init__).bind(None, *args, **kwargs)
    except TypeError:       # which the call itself will tell
        return None
    bound.apply_defaults()
    return {name: value for name, value in list(bound.arguments.items())[1:] if is_plain(value)}


def is_plain(value):
    """Whether JSON holds a value as it is."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(part) for key, part in value.items())
    return value is None or type(value) in (str, int, float, bool)


def accepted(cls, config):
    """A config without what every config has and `__init__` of a user's class does not take."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return config
    names = {p.name for p in parameters}
    return {key: value for key, value in config.items() if key in names or key not in OF_ALL}



def holds_objects(value):
    """Whether a value in a config is the config of an object, or a list of such."""
    return isinstance(value, dict) and "class_name" in value or isinstance(value, list) and any(map(holds_objects, value))


def _marks_built(build):
    names = tuple(inspect.signature(build).parameters)[1:]

    @functools.wraps(build)
    def wrapped(self, *args, **kwargs):
        args = [_build_shape(shape, self.name) for shape in args]
        kwargs = {name: _build_shape(shape, self.name) for name, shape in kwargs.items()}
        build(self, *args, **kwargs)
        self.built = True
        self.__dict__["_build_shapes"] = {**dict(zip(names, args)), **kwargs}       # after those that the build of a base class notes

    return wrapped


def _build_shape(shape, layer_name):
    """A shape, or a structure of shapes, as tuples."""
    if isinstance(shape, (int, np.integer)):
        raise ValueError(
            f'Layer "{layer_name}": `build` takes a shape with the batch axis, as (None, {shape}). Received: {shape}'
        )
    return map_shapes(tuple, shape) if isinstance(shape, (list, dict)) else shape


def _input_shape_argument(class_name, kwargs):
    """Takes the arguments that give the first layer of a Sequential its input; returns the shape with batch axis, or None."""
    shape, batch_shape = kwargs.pop("input_shape", None), kwargs.pop("batch_input_shape", None)
    dim, length, batch_size = kwargs.pop("input_dim", None), kwargs.pop("input_length", None), kwargs.pop("batch_size", None)
    if batch_shape is not None:
        return tuple(batch_shape)
    if shape is None and dim is not None:
        shape = (dim,) if length is None else (length, dim)
    if shape is None:
        return None
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in shape:
        if size is not None and (not isinstance(size, (int, np.integer)) or size < 0):
            raise ValueError(f"`input_shape` of {class_name} takes positive integers or None. Received: {shape}")
    return (batch_size, *shape)


def _known_arguments(layer_class, unknown):
    """What to write instead of unknown arguments: the nearest ones, or all."""
    known = {name: None for each in (layer_class, Layer) for name, p in inspect.signature(each.__init__).parameters.items()
             if name not in ("self", "autocast") and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    near = [match for name in unknown for match in difflib.get_close_matches(name, known, n=3, cutoff=0.7)]
    return f"Did you mean {' or '.join(near)}?" if near else f"Known are: {', '.join(known)}."


def _layer_dtype(dtype):
    if isinstance(dtype, dict):
        dtype = dtype["config"]["name"]
    policy = config.dtype_policy() if dtype is None else dtype
    dtype = standardize_dtype(policy.name if isinstance(policy, config.DTypePolicy) else dtype)
    if dtype not in FLOATS:
        raise ValueError(f"Argument `dtype` of a layer must be 'float32' or 'float64'. Received: dtype={dtype!r}")
    return dtype


def _dtype_config(dtype):
    return {"module": "keras", "class_name": "DTypePolicy", "config": {"name": dtype}, "registered_name": None}


def _weight_shape(shape, name, layer_name):
    shape = () if shape is None else (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(not isinstance(size, (int, np.integer)) or size < 0 for size in shape):
        raise ValueError(
            f'Layer "{layer_name}": the shape of weight "{name}" needs known sizes that are not negative. Received: '
            f"shape={shape}. Where a size is None, the input's shape is not known well enough to build the layer."
        )
    return tuple(int(size) for size in shape)


Layer.build = _marks_built(Layer.build)
