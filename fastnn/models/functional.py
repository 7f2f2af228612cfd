"""Functional: a model that is written down by calling layers and ops on symbolic tensors."""
import difflib

from .. import ops
from ..graph import KerasTensor
from ..layers import InputSpec, Layer
from ..layers.calling import with_mask
from ..layers.input_spec import way_out
from ..saving.legacy_config import modern_config
from ..tensor import FLOATS, Spec, Tensor, as_array, text_tensor
from . import network_config
from .arrays import leaves, like
from .model import Model
from .network import Network


class Functional(Model):
    """What `Model(inputs, outputs)` makes.

    Args:
        inputs: a KerasTensor (what `Input` gives), or a list, tuple or dict of them.
        outputs: KerasTensors that come of these, in such a structure.
        name: the model's name.
        trainable: whether the weights are trained.

    Raises:
        ValueError: outputs that do not hang on the inputs alone, two layers of one name; TypeError: something else than KerasTensors.

    Example:
        >>> images, tags = layers.Input((8, 8, 3)), layers.Input((5,))
        >>> features = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(images))
        >>> model = Model([images, tags], layers.Dense(2)(layers.Concatenate()([features, tags])))
        >>> model.output_shape
        (None, 2)
    """

    saved_first = ("layers",)

    def __init__(self, inputs, outputs, name=None, trainable=True, **kwargs):
        Model.__init__(self, trainable=True, name=name, **kwargs)
        self._set_graph(inputs, outputs)
        if not trainable:
            self.trainable = False

    def _set_graph(self, inputs, outputs):
        """Makes the model that which lies between these tensors."""
        for argument, value in (("inputs", inputs), ("outputs", outputs)):
            check_symbols(self.name, argument, value)
        given, wanted = leaves(inputs), leaves(outputs)
        for i, tensor in enumerate(given):
            if any(tensor is other for other in given[:i]):
                raise ValueError(f'model "{self.name}": the input "{tensor.name}" is given twice in `inputs`')
        self._network = Network(self.name, given, wanted)
        self._in, self._out = like(inputs, [None] * len(given)), like(outputs, [None] * len(wanted))
        self.__dict__["_tensors"] = inputs, outputs
        self._graph_layers = [op for op in self._network.operations if isinstance(op, Layer)]
        self._input_specs = [Spec(t.shape, t.dtype, layer.name) for t, layer in zip(given, self._network.input_layers)]
        self.__dict__["_build_shapes"] = {"input_shape": None}      # as Keras writes it
        self.built = True

    # ---- What it is made of --------------------------------------------------------------------------------

    @property
    def layers(self):
        """The layers between inputs and outputs, inputs too, as deep ones come first; then those that are attributes."""
        known = {id(layer): layer for layer in (*self._graph_layers, *self._layers)}
        return list(known.values())

    @property
    def operations(self):
        """As `layers`, with the functions of `fastnn.ops` among them."""
        return list(self._network.operations)

    @property
    def _structure(self):
        """The symbolic inputs and outputs; of a copy they are made when they are asked for."""
        if "_tensors" not in self.__dict__:
            inputs = self._network.new_inputs()
            outputs = self._network.call_again(inputs)
            self.__dict__["_tensors"] = like(self._in, inputs), like(self._out, outputs)
        return self.__dict__["_tensors"]

    @property
    def input(self):
        """The symbolic inputs, in the structure they were given in."""
        return self._structure[0]

    @property
    def output(self):
        """The symbolic outputs, in the structure they were given in."""
        return self._structure[1]

    @property
    def inputs(self):
        """List of the symbolic inputs (those of a dict by sorted keys)."""
        return leaves(self.input)

    @property
    def outputs(self):
        """List of the symbolic outputs (those of a dict by sorted keys)."""
        return leaves(self.output)

    @property
    def input_shape(self):
        """The shape of the input, None for the batch; of several in their structure."""
        return like(self._in, [spec.shape for spec in self._input_specs])

    @property
    def output_shape(self):
        """The shape of the output, None for the batch; of several in their structure."""
        return like(self._out, [self._network.specs[number].shape for number in self._network.outputs])

    @property
    def input_names(self):
        """The names of the inputs."""
        return [spec.name for spec in self._input_specs]

    @property
    def output_names(self):
        """What the outputs are called in logs and dicts: the keys of a dict, else the layers that they come from."""
        if isinstance(self._out, dict):
            return sorted(self._out)
        sources = self._network.sources()
        return [sources[number][0].name for number in self._network.outputs]

    @property
    def _outputs_spec(self):
        return like(self._out, [self._network.specs[number] for number in self._network.outputs])

    @property
    def input_spec(self):
        """InputSpecs of the inputs, in their structure."""
        return like(self._in, [InputSpec(shape=(None, *s.shape[1:]), allow_last_axis_squeeze=True, name=s.name) for s in self._input_specs])

    @input_spec.setter
    def input_spec(self, value):
        if value is not None:
            raise AttributeError(f'model "{self.name}": `input_spec` is that of its inputs')

    def get_layer(self, name=None, index=None):
        """A layer (or a function of `fastnn.ops`, by name) of the model."""
        found = [op for op in self._network.operations if name is not None and op.name == name]
        return found[0] if found else super().get_layer(name, index)

    # ---- Call ----------------------------------------------------------------------------------------------

    def _prepare(self, inputs, also=()):
        """The inputs as a list in the order of the model's, checked, in the dtypes of the `Input`s."""
        found = []
        for x, spec, layer in zip(self._in_order(inputs), self._input_specs, self._network.input_layers):
            if x is None and layer.optional:
                found.append(None)
                continue
            if not isinstance(x, (Tensor, Spec)):
                array = hasattr(x, "__array__") and not ops.is_sparse(x)
                x = text_tensor(x) if spec.dtype == "string" else Tensor(as_array(x, spec.dtype)) if array else self._to_tensor(x)
            found.append(self._fit(x, spec))
        if inputs is found[0] and inputs.__class__ is Tensor:
            self.__dict__["_seen"] = inputs.shape, inputs.dtype     # the next one like it needs no look
        return like(self._in, found)

    def _in_order(self, inputs):
        """The leaves of what was passed, in the order of the model's inputs."""
        names = self.input_names
        if isinstance(inputs, dict) and not ops.is_sparse(inputs):
            return self._by_name(inputs, sorted(self._in) if isinstance(self._in, dict) else names)
        if isinstance(inputs, (list, tuple)) and (len(names) > 1 or len(inputs) == 1 and hasattr(inputs[0], "shape")):
            if len(inputs) != len(names):
                raise ValueError(f'model "{self.name}" has {len(names)} inputs ({self._listing()}), received {len(inputs)}')
            return inputs
        if len(names) > 1:
            raise ValueError(f'model "{self.name}" has {len(names)} inputs ({self._listing()}), received one '
                             f"{type(inputs).__name__}: pass a list of them, or a dict by name")
        return [inputs]

    def _by_name(self, inputs, names):
        missing, unknown = [name for name in names if name not in inputs], sorted(set(inputs) - set(names), key=str)
        if missing or unknown:
            near = [f"{one!r}: did you mean {match[0]!r}?" for one in unknown
                    if (match := difflib.get_close_matches(str(one), missing or names, n=1, cutoff=0.5))]
            raise ValueError(f'model "{self.name}" takes the inputs {names} by name, received a dict with {sorted(inputs, key=str)}'
                             + (f"; missing: {missing}" if missing else "") + (f"; unknown: {unknown}" if unknown else "")
                             + (f". {' '.join(near)}" if near else ""))
        return [inputs[name] for name in names]

    def _listing(self):
        return ", ".join(f'"{spec.name}" {spec.shape}' for spec in self._input_specs)

    def _fit(self, x, spec):
        """An input in the rank and the dtype of its `Input`.

        Raises:
            ValueError: another shape.
        """
        if not hasattr(x, "shape"):
            raise ValueError(f'model "{self.name}": the input "{spec.name}" must be a tensor of shape {spec.shape}, received {x!r}')
        if len(x.shape) != len(spec.shape) or any([m is not None and n is not None and m != n for m, n in zip(spec.shape[1:], x.shape[1:])]):
            x = self._squeezed(x, spec)
        if (x.dtype == "string") != (spec.dtype == "string"):
            raise TypeError(f'model "{self.name}": the input "{spec.name}" has dtype {spec.dtype}, received {x.dtype}')
        if x.__class__ is Tensor and x.dtype != spec.dtype:
            mask, x = x.mask, ops.cast(x, dtype=spec.dtype)
            x.mask = mask
        return x

    def _squeezed(self, x, spec):
        """(N,) for (N, 1), or the other way; anything else is an error."""
        expected = InputSpec(shape=(None, *spec.shape[1:]), allow_last_axis_squeeze=True)
        problem = expected.mismatch(x)
        if problem:
            raise ValueError(f'Input "{spec.name}" of model "{self.name}" is incompatible with the model: {problem}. Full shape received: '
                             f"{tuple(x.shape)}{way_out(expected, tuple(x.shape))}")
        if len(x.shape) == len(spec.shape):
            return x
        return ops.squeeze(x, axis=-1) if len(x.shape) > len(spec.shape) else ops.expand_dims(x, axis=-1)

    def call(self, inputs, training=None, mask=None):
        """Runs the layers; `training` reaches them through the state of the call."""
        found = leaves(inputs)
        if mask is not None:
            found = [with_mask(x, one) for x, one in zip(found, leaves(mask))]
        return like(self._out, self._network.run(found))

    def compute_output_shape(self, input_shape):
        """The shape of the output for an input of this shape; of several in their structure."""
        shapes = [input_shape] if len(self._input_specs) == 1 and not isinstance(input_shape, dict) else \
            [input_shape[key] for key in sorted(input_shape)] if isinstance(input_shape, dict) else list(input_shape)
        if len(shapes) == 1 and shapes[0] and isinstance(shapes[0][0], (tuple, list)):
            shapes = list(shapes[0])
        outputs = self._network.run([Spec(shape, spec.dtype) for shape, spec in zip(shapes, self._input_specs)])
        return like(self._out, [tuple(y.shape) for y in outputs])

    def _input_dtype(self, name, where=None):
        """The dtype in which data of this dtype enter: that of the `Input`; whole numbers stay where all takers read them."""
        keys = sorted(self._in) if isinstance(self._in, dict) else self.input_names
        if isinstance(where, str):
            number = keys.index(where) if where in keys else None
        else:
            number = where if where is not None else 0
        if number is None or number >= len(self._input_specs):
            return super()._input_dtype(name)
        spec = self._input_specs[number]
        takers = [row.operation for row in self._network.rows if number in row.inputs()]
        if name not in FLOATS and spec.dtype in FLOATS and takers and all(getattr(op, "reads_integers", False) for op in takers):
            return name
        return spec.dtype

    # ---- Config --------------------------------------------------------------------------------------------

    def get_config(self):
        """Name, layers and their connections, as plain values, in the form of Keras."""
        return network_config.config_of(self, Layer.get_config(self))

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new model from the result of `get_config`."""
        if "input_layers" not in config:
            return super().from_config(config)
        config = modern_config({"class_name": "Functional", "config": config})["config"]
        inputs, outputs = network_config.tensors_of(config, custom_objects)
        trainable = config.get("trainable") is not False
        return cls(inputs=inputs, outputs=outputs, name=config.get("name"), **({} if trainable else {"trainable": False}))

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("_tensors", None)
        return state


def check_symbols(name, argument, value):
    """Raises unless a value is a KerasTensor, or a list, tuple or dict of at least one of them."""
    parts = leaves(value)
    for part in parts:
        if part.__class__ is not KerasTensor:
            advice = ""
            if isinstance(part, Layer):
                advice = f': call the layer "{part.name}" on a tensor'
            elif isinstance(part, (Tensor, list, tuple)) or hasattr(part, "__array__"):
                advice = ": begin with Input(shape=...)" if argument == "inputs" else ": call layers and ops on the Inputs"
            raise TypeError(f'model "{name}": `{argument}` must be symbolic tensors (from Input, or what layers and ops make of it), in a '
                            f"list or dict where there are several; received {part!r} (of type {type(part).__name__}){advice}")
    if not parts:
        raise ValueError(f'model "{name}": `{argument}` is empty')


def with_graph(cls):
    """A user's class of models, for those of its objects that call `super().__init__(inputs, outputs)`; it is kept on the class."""
    if "_with_graph" not in vars(cls):
        cls._with_graph = type(cls.__name__, (cls, Functional), {"__module__": cls.__module__, "__qualname__": cls.__qualname__,
                                                                 "__doc__": cls.__doc__, "_written_as": cls})
    return cls._with_graph
