"""Sequential: a stack of layers."""
from ..layers import InputLayer, InputSpec, Layer
from ..graph import origin
from ..ops import reshape
from ..saving.legacy_config import modern_config
from ..tensor import Spec
from ..utils.serialization import deserialize, serialize
from .data_adapter import ArrayBatches
from .fusion import steps
from .model import Model


class Sequential(Model):
    """Layers one after another.

    Args:
        layers: list of layers; the first may be an `Input`, or have `input_shape=`: then all weights are made at once,
            otherwise when the model meets its first data.
        trainable, name: as for `Model`.

    Raises:
        ValueError: something that is no layer, or two layers of one name.

    Example:
        >>> model = Sequential([layers.Input((784,)), layers.Dense(32, activation="relu"), layers.Dense(10)])
        >>> model.add(layers.Activation("softmax"))
        >>> model.output_shape
        (None, 10)
    """

    saved_first, not_saved = ("layers",), ("_stack",)

    def __init__(self, layers=None, trainable=True, name=None):
        super().__init__(trainable=trainable, name=name)
        self._stack = []
        self._specs = []            # the Spec of each layer's output, as far as shapes are known
        self._given_input = False   # whether the user has told the input's shape
        if isinstance(layers, Layer):
            raise ValueError(f"Sequential takes a list of layers, received the layer {layers!r}: write [{layers.name}]")
        for layer in layers or ():
            self.add(layer)

    # ---- The stack -----------------------------------------------------------------------------------------

    def add(self, layer, rebuild=True):
        """Puts a layer on top."""
        layer = origin(layer) or layer
        if not isinstance(layer, Layer):
            raise ValueError(f"only layers can be added to a Sequential, received {layer!r} (of type {type(layer).__name__})"
                             + (": make an object of the class" if isinstance(layer, type) else ""))
        if not self._stack and not isinstance(layer, InputLayer) and input_shape_of(layer) is not None:
            self._put(InputLayer(batch_shape=input_shape_of(layer), dtype=implied_dtype(layer, self.dtype)))
        if any(layer is other or layer.name == other.name for other in self._stack):
            raise ValueError(f'Sequential "{self.name}" has a layer named {layer.name!r} already: the layers of a model need '
                             "unique names, pass another `name`")
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(f'the input of Sequential "{self.name}" comes first: it has {len(self.layers)} layers already'
                             + (f" and the input shape {self._stack[0].batch_shape}" if self._known_input() else ""))
        self._put(layer)

    def _put(self, layer):
        self._collected = None
        if isinstance(layer, InputLayer):
            self._stack.append(layer)
            self._set_input(layer)
            self._given_input = True
        else:
            if self._specs:
                self._specs.append(infer(layer, self._specs[-1]))
            self._stack.append(layer)
        self._note_built()

    def pop(self, rebuild=True):
        """Takes the top layer off, and returns it."""
        if not self.layers:
            raise ValueError(f'Sequential "{self.name}" has no layers to pop')
        layer = self._stack.pop()
        del self._specs[len(self._stack):]
        self._collected = None
        self._note_built()
        return layer

    def _note_built(self):
        self.__dict__["_seen"] = self.__dict__["_steps"] = None
        self.built = len(self._specs) == len(self._stack) > 1

    def _known_input(self):
        return bool(self._stack) and isinstance(self._stack[0], InputLayer)

    def _set_input(self, layer):
        self._specs = [layer.output]
        self.input_spec = InputSpec(shape=(None, *layer.batch_shape[1:]), allow_last_axis_squeeze=True)

    @property
    def layers(self):
        """The layers, without the input."""
        return self._stack[1:] if self._known_input() else list(self._stack)

    # ---- Shapes --------------------------------------------------------------------------------------------

    def build(self, input_shape=None):
        """Makes the weights.

        Args:
            input_shape: shape of the input with the batch axis, None where open.
        """
        if not self.layers:
            raise ValueError(f'Sequential "{self.name}" has no layers: add some with model.add(layer)')
        if self._known_input():
            return
        if not is_shape(input_shape):
            raise ValueError(f'Sequential "{self.name}" is built from one shape with a batch axis, as (None, 784); '
                             f"received {input_shape!r}")
        first = self._stack[0]
        source = InputLayer(batch_shape=(None, *input_shape[1:]), dtype=implied_dtype(first, self.dtype))
        specs = [source.output]
        for layer in self._stack:
            specs.append(infer(layer, specs[-1]))
        self._stack.insert(0, source)
        self._set_input(source)
        self._specs = specs
        self._collected = None
        self._note_built()

    def _build_for_data(self, data):
        if not self.layers:
            raise ValueError(f'Sequential "{self.name}" has no layers: add some with model.add(layer)')
        if not self.built and isinstance(data.batches, ArrayBatches) and data.batches.plain:
            self._build_for((None, *data.batches.x.shape[1:]))

    def compute_output_shape(self, input_shape):
        """The shape of the output for an input of this shape."""
        spec = Spec(tuple(input_shape), self.dtype)
        for layer in self.layers:
            spec = layer(spec)
        return tuple(spec.shape)

    def _need(self, what):
        if not self._specs or len(self._specs) != len(self._stack):
            raise AttributeError(f'Sequential "{self.name}" has no defined {what} yet: give its first layer an input_shape, begin '
                                 "with an Input, or call it on data")

    @property
    def inputs(self):
        """[the Spec of the input]"""
        self._need("inputs")
        return [self._specs[0]]

    @property
    def outputs(self):
        """[the Spec of the output]"""
        self._need("outputs")
        return [self._specs[-1]]

    @property
    def input(self):
        """The Spec of the input."""
        self._need("input")
        return self._specs[0]

    @property
    def output(self):
        """The Spec of the output."""
        self._need("output")
        return self._specs[-1]

    @property
    def output_names(self):
        """[the name of the last layer]"""
        return [self._stack[-1].name] if self._stack else None

    @property
    def input_shape(self):
        """The shape of the input, None for the batch."""
        self._need("input shape")
        return self._specs[0].shape

    @property
    def output_shape(self):
        """The shape of the output, None for the batch."""
        self._need("output shape")
        return self._specs[-1].shape

    @property
    def input_dtype(self):
        """The dtype of the input."""
        self._need("input dtype")
        return self._specs[0].dtype

    @property
    def _outputs_spec(self):
        return self._specs[-1] if self._specs and len(self._specs) == len(self._stack) else None

    # ---- Call ----------------------------------------------------------------------------------------------

    def call(self, inputs, training=None, mask=None):
        """The layers, one after another; `training` reaches them through the state of the call."""
        x = inputs
        if isinstance(inputs, (list, tuple, dict)) and self._specs:
            raise ValueError(f'Sequential "{self.name}" takes one input, received a {type(inputs).__name__} of {len(inputs)}: '
                             "pass the array itself")
        if self._specs and len(inputs.shape) != len(self._specs[0].shape):
            x = reshape(x, shape=(x.shape[0], *self._specs[0].shape[1:]))      # (N,) for (N, 1), or the other way
        if self.__dict__.get("_steps") is None:
            self._steps = steps(self._stack[self._known_input():])
        for step in self._steps:
            x = step(x)
        return x

    def _input_dtype(self, name, where=None):
        if name == "string":
            return super()._input_dtype(name)
        if name.startswith("float"):
            return self.dtype
        if self.layers and self.layers[0].reads_integers:
            return name
        if self._known_input():
            return self._specs[0].dtype
        return self.dtype if self._stack and self._stack[0].float_inputs else name

    # ---- Config --------------------------------------------------------------------------------------------

    def get_build_config(self):
        """The shape of the input, {"input_shape": shape}, or None before it is known."""
        return {"input_shape": self._stack[0].batch_shape} if self._known_input() else None

    def get_config(self):
        """Name and layers, as plain values, in the form of Keras."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": Layer.get_config(self)["dtype"],
                  "layers": [serialize(layer) for layer in self._stack]}
        if self._known_input():
            config["build_input_shape"] = self._stack[0].batch_shape
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new model from the result of `get_config`."""
        config = modern_config({"class_name": "Sequential", "config": config})["config"]
        model = cls(name=config.get("name"))
        for layer in config["layers"]:
            model.add(deserialize(layer, custom_objects=custom_objects))
        shape = config.get("build_input_shape")
        if not model._specs and shape:
            model.build(tuple(shape))
        if config.get("trainable") is False:
            model.trainable = False
        return model


def input_shape_of(layer):
    """The shape (with the batch axis) that a layer says its input has, or None."""
    if isinstance(layer, Sequential):
        return layer.input_shape if layer._specs and len(layer._specs) == len(layer._stack) else None
    return getattr(layer, "_input_shape_arg", None)


def implied_dtype(layer, dtype):
    """The dtype of an input that the user gave no dtype."""
    if isinstance(layer, Layer) and layer.reads_strings:
        return "string"
    return "int32" if getattr(layer, "integer_inputs", False) else dtype


def infer(layer, spec):
    """The Spec of a layer's output; the layer makes its weights."""
    output = layer(spec)
    if not isinstance(output, Spec):
        raise ValueError(f'layer "{layer.name}" of a Sequential must return one tensor, returned {type(output).__name__}')
    return output


def is_shape(shape):
    return isinstance(shape, (tuple, list)) and len(shape) > 0 and all(n is None or isinstance(n, int) for n in shape)
