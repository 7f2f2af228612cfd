"""Lambda: a function as a layer."""
import inspect

from .. import ops
from .. import config as settings
from ..tensor import Spec
from ..utils import serialization
from .layer import Layer
from .structure import flatten, map_shapes, map_structure


class Lambda(Layer):
    """Applies a function of tensors; it has no weights.

    Args:
        function: `f(inputs)`, written with the functions of `fastnn.ops` and Python's operators; it may also take `mask` and
            `training`.
        output_shape: shape of a sample of the output, or a function of the input's shape; needed only where the function
            cannot be run on symbolic tensors.
        mask: the mask of the output, or a function `f(inputs, mask)` that makes it; None: none.
        arguments: dict of further arguments of the function.
        Others: see `Layer`.

    A config holds a function by its name, and one without a name (`lambda x: ...`) as its compiled code, which is not run again
    unless that is allowed: see `from_config`.

    Example:
        >>> fastnn.layers.Lambda(lambda x: x ** 2)(np.full((1, 2), 3.0)).tolist()
        [[9.0, 9.0]]
    """

    _runs_own_code = True
    mixes_samples = True        # nobody knows what the function does
    users_values = ("arguments",)       # may be changed in place: recorded steps compare them

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda takes a function. Received: function={function!r}")
        self.function, self.arguments = function, dict(arguments or {})
        self.mask, self._output_shape = mask, output_shape
        self.supports_masking = mask is not None
        try:
            names = inspect.signature(function).parameters
        except (TypeError, ValueError):         # a function of C
            names = ()
        self._options = tuple(name for name in ("mask", "training") if name in names)
        self.built = True

    def call(self, inputs, mask=None, training=None):
        if self._output_shape is not None and any([isinstance(x, Spec) for x in flatten(inputs)]):
            return self._declared(inputs)
        given = {"mask": mask, "training": training}
        found = self.function(inputs, **self.arguments, **{name: given[name] for name in self._options})
        if found is None:
            raise ValueError(f'the function of the Lambda layer "{self.name}" returned None: it needs a `return`')
        return map_structure(lambda y: y if isinstance(y, Spec) else ops.convert_to_tensor(y), found)

    def _declared(self, inputs):
        """The Specs of the output, by `output_shape`."""
        if callable(self._output_shape):
            shape = self._output_shape(map_structure(lambda x: tuple(x.shape), inputs))
        else:
            batch = flatten(inputs)[0].shape[0]
            shape = map_shapes(lambda one: (batch, *one), self._output_shape)
        return map_shapes(lambda one: Spec(one, self.dtype), shape)

    def compute_mask(self, inputs, mask=None):
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        found = {**super().get_config(), "function": serialization.serialize(self.function)}
        if self._output_shape is not None:
            found["output_shape"] = serialization.serialize(self._output_shape) if callable(self._output_shape) else self._output_shape
        if self.mask is not None:
            found["mask"] = serialization.serialize(self.mask)
        return {**found, "arguments": serialization.serialize(self.arguments)}

    @classmethod
    def from_config(cls, config, custom_objects=None, safe_mode=None):
        """A new layer from the result of `get_config`.

        Args:
            config: the result; custom_objects: functions by name.
            safe_mode: False: code that stands in the config may be made a function of, and be run; None: as
                `fastnn.config.enable_unsafe_deserialization()` has it.

        Raises:
            ValueError: code in the config, which nobody has allowed.
        """
        config = dict(config)
        with settings.deserialization(safe_mode):
            for key in ("function", "output_shape", "mask", "arguments"):
                if key in config:
                    config[key] = serialization.deserialize(config[key], custom_objects=custom_objects)
        if isinstance(config.get("output_shape"), list) and not any(isinstance(n, (list, tuple)) for n in config["output_shape"]):
            config["output_shape"] = tuple(config["output_shape"])
        return cls(**config)

    def _clone(self):
        return Lambda(self.function, self._output_shape, self.mask, self.arguments, name=self.name, trainable=self.trainable,
                      dtype=self.dtype)
