"""Layer, the base of all layers: named, holds weights, is built from the shape of its first input, and is called."""
import difflib
import functools
import inspect
import itertools
import threading

import numpy as np

from .. import config, constraints, initializers, ops, regularizers
from ..graph import Node, bare, has_symbols, name_sources, replace
from ..tensor import FLOATS, Spec, Tensor, Variable, as_array, standardize_dtype
from ..utils.naming import unique_name
from ..utils.serialization import serialize_value
from ..utils.warn_utils import warn
from .holder import Holder
from .input_spec import check_inputs
from .structure import flatten, is_structure, map_shapes, map_structure

# Arguments of Keras' layers that stand in configs; None means that they are not used.
OTHER_KERAS = ("lora_rank", "lora_alpha", "quantization_config")
_stamps = itertools.count(1)


class _CallState(threading.local):
    """Of the thread: the training flag of the layer being called, and the number of the outermost call (or None)."""

    def __init__(self):
        self.current = _Call()


class _Call:
    __slots__ = ("training", "stamp")

    def __init__(self):
        self.training = self.stamp = None


_state = _CallState()


class InGraph:
    """The KerasTensors of a layer's first symbolic call: what it took or what came of it.  A layer may have an attribute of that name."""

    def __init__(self, part):
        self.part = part

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, layer, owner=None):
        if layer is None:
            return self
        if not layer._inbound_nodes:
            raise AttributeError(f'layer "{layer.name}" has no `{self.name}`: it was never called on a symbolic tensor (an Input, or '
                                 "what layers make of it)")
        node = layer._inbound_nodes[0]
        if self.part == "outputs":
            return node.outputs
        return node.args[0] if len(node.inputs) == 1 or len(node.args) == 1 else list(node.inputs)


class Layer(Holder):
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

    input, output = InGraph("args"), InGraph("outputs")

    # Whether integer inputs are cast to the layer's dtype; where False they reach `call` as they came.
    float_inputs = False
    # Whether the op of the layer makes floats of integers itself, so that data had better come as they are.
    reads_integers = False
    # Whether SparseTensors may reach `call`; matrices of scipy.sparse become such.
    sparse_inputs = False
    _call_has_training = _call_has_mask = _computes_mask = _declares_shape = _declares_spec = False
    _call_names = ("inputs",)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        parameters = inspect.signature(cls.call).parameters
        cls._call_names = tuple(name for name, p in parameters.items() if name not in ("self", "training", "mask")
                                and p.kind is p.POSITIONAL_OR_KEYWORD)
        cls._call_has_training = "training" in parameters
        cls._call_has_mask = "mask" in parameters
        cls._computes_mask = cls.compute_mask is not Layer.compute_mask
        cls._declares_shape = cls.compute_output_shape is not Layer.compute_output_shape
        cls._declares_spec = cls.compute_output_spec is not Layer.compute_output_spec
        if "build" in cls.__dict__:
            cls.build = _marks_built(cls.build)

    def __new__(cls, *args, **kwargs):
        layer = super().__new__(cls)
        layer.__dict__.update(_losses=[], _losses_stamp=None, _seen=None, _inbound_nodes=[])
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
        self.supports_masking = type(self).compute_mask is Layer.compute_mask
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

    # ---- Call ----------------------------------------------------------------------------------------------

    def __call__(self, *args, training=None, mask=None, **kwargs):
        """Runs the layer on a Tensor (or array, or list or dict of them), or infers shapes from `Input`s.

        The layer is built by its first call.  Where `training` is not given, the enclosing layer's holds.  Masks come with
        the tensors, or are passed as `mask` (`<argument>_mask` where the layer takes several tensors).
        """
        inputs = args[0] if args else None
        seen = self.__dict__.get("_seen")
        known = (seen is not None and inputs.__class__ is Tensor and inputs.shape == seen[0] and inputs.dtype == seen[1]
                 and inputs.mask is None and mask is None and len(args) == 1 and (not kwargs or "absorbed" in kwargs))
        if not known:
            self._check_initialized()
            if has_symbols((args, kwargs, mask)):
                return self._write_down(args, kwargs, training, mask)
            args, kwargs = self._prepare_all(args, kwargs)
            inputs, mask = args[0], self._add_masks(args, kwargs, mask)
            if self._shape_is_declared(inputs):
                return self._declared_spec(args, kwargs)
        state = _state.current
        outer_training, outer_stamp = state.training, state.stamp
        if training is None:
            training = outer_training
        if self._call_has_training and training is not None:
            kwargs["training"] = training
        if outer_stamp is None:
            state.stamp = next(_stamps)
        state.training = training
        try:
            outputs = self.call(*args, **kwargs)
            if self.activity_regularizer is not None:
                self._add_activity_loss(outputs)
        except (ValueError, TypeError) as error:
            if self._is_abstract(args, kwargs):
                return self._infer_from_values(args, kwargs, error)
            raise _name_layer(error, self, inputs)
        finally:
            state.training, state.stamp = outer_training, outer_stamp
        if not known or self._computes_mask:
            self._hand_on_mask(inputs, outputs, mask)
        return outputs

    def call(self, inputs):
        """The layer's computation on Tensors; subclasses override it."""
        raise TypeError(f'Layer "{self.name}" (of type {type(self).__name__}) has no `call` method: override `call(self, inputs)`.')

    # ---- What a call gets ----------------------------------------------------------------------------------

    def _prepare_all(self, args, kwargs):
        """The arguments of a call with tensors where arrays were; the first one as `_prepare` has it.  Builds the layer."""
        kwargs = {key: map_structure(to_mask, value) if key.endswith("mask") and value is not None else self._to_argument(value)
                  for key, value in kwargs.items()}
        if not args:
            name = self._call_names[0] if self._call_names else None
            if name not in kwargs:
                raise TypeError(f'Layer "{self.name}" was called without an input: pass the tensor `{name or "inputs"}`')
            args = (kwargs.pop(name),)
        others = [self._to_argument(value) for value in args[1:]]
        if not self.built:
            self.__dict__["_also"] = _shapes_by_argument(self._call_names[1:], others, kwargs)
        inputs = self._prepare(args[0])
        return (inputs, *others), kwargs

    def _to_argument(self, x):
        """A further argument of a call: arrays become tensors, numbers and the like stay."""
        if isinstance(x, (Tensor, Spec, np.ndarray)):
            return self._to_tensor(x)
        return map_structure(self._to_argument, x) if is_structure(x) else x

    def _prepare(self, inputs):
        """Converts what came into Tensors of the right dtype, checks it, and builds the layer if need be."""
        self._check_initialized()
        if inputs is None:
            raise TypeError(f'Layer "{self.name}" takes tensors or arrays. Received: None')
        inputs = map_structure(self._to_tensor, inputs)
        if self.input_spec is not None:
            check_inputs(self.input_spec, flatten(inputs), self.name)
        if not self.built:
            self._build_for(map_structure(lambda x: None if x is None else tuple(x.shape), inputs))
        if inputs.__class__ is Tensor:
            self.__dict__["_seen"] = inputs.shape, inputs.dtype
        return inputs

    def _build_for(self, shape):
        wanted = inspect.signature(self.build).parameters       # build(query_shape, value_shape, ...): one for each tensor
        also = {key: value for key, value in self.__dict__.pop("_also", {}).items() if key in wanted}
        try:
            self.build(shape, **also)
        except (ValueError, TypeError) as error:
            raise _name_layer(error, self, shape)
        self.built = True

    def _to_tensor(self, x):
        if isinstance(x, Tensor):
            return masked_as(x, ops.cast(x, dtype=self.dtype)) if self._casts(x.dtype) else x
        if isinstance(x, Spec):
            return masked_as(x, Spec(x.shape, self.dtype)) if self._casts(x.dtype) else x
        if x is None:
            return x
        if isinstance(x, Layer):
            raise TypeError(f'Inputs to a layer should be tensors. Layer "{self.name}" received the layer "{x.name}": call that on its input first.')
        if ops.is_sparse(x):
            return self._to_sparse(x)
        try:
            array = as_array(x)
        except (TypeError, ValueError) as error:
            raise TypeError(f'Layer "{self.name}" takes numbers. Received: {type(x).__name__}: {error}') from None
        return Tensor(as_array(array, self.dtype) if self._casts(array.dtype.name) else array)

    def _to_sparse(self, x):
        if not self.sparse_inputs:
            raise ValueError(f'Layer "{self.name}" (of type {type(self).__name__}) takes dense inputs. Received: a sparse matrix of shape '
                             f"{x.shape}. Call its .toarray() first, or begin the model with Dense, which takes it as it is.")
        x = ops.as_sparse(x)
        return x.astype(self.dtype) if self._casts(x.dtype) else x

    def _casts(self, dtype):
        if dtype == self.dtype or not self.autocast:
            return False
        return self.float_inputs or dtype.startswith("float")

    def _check_initialized(self):
        if self.name is None:
            raise RuntimeError(f"In layer {type(self).__name__}, you forgot to call `super().__init__()` as the first statement in `__init__`.")

    # ---- Symbolic calls ------------------------------------------------------------------------------------

    def _write_down(self, args, kwargs, training, mask):
        """The result of a call on KerasTensors: those of a new Node."""
        options = {key: value for key, value in (("training", training), ("mask", mask)) if value is not None}
        try:
            outputs = self(*bare(args), **bare({**kwargs, **options}))
        except (ValueError, TypeError) as error:
            raise name_sources(error, (args, kwargs))
        node = Node(self, args, {**kwargs, **options}, outputs)
        self._inbound_nodes.append(node)
        return node.outputs

    def _shape_is_declared(self, inputs):
        return (self._declares_shape or self._declares_spec) and any([isinstance(x, Spec) for x in flatten(inputs)])

    def _declared_spec(self, args, kwargs):
        """The Specs of the outputs as a subclass says them: `compute_output_spec` or `compute_output_shape`."""
        if self._declares_spec:
            return self.compute_output_spec(*args, **kwargs)
        shapes = [map_structure(lambda x: tuple(x.shape), x) for x in args]
        found = map_shapes(lambda shape: Spec(shape, self.dtype), self.compute_output_shape(*shapes))
        self._hand_on_mask(args[0], found, kwargs.get("mask"))
        return found

    def _is_abstract(self, args, kwargs):
        """Whether this is a call of a user's layer on Specs, which a `call` that needs values cannot answer."""
        return not type(self).__module__.startswith("fastnn.") and any([isinstance(x, Spec) for x in flatten([args, kwargs])])

    def _infer_from_values(self, args, kwargs, error):
        """The Specs of the outputs of a `call` that needs values: it runs on zeros, for two sizes in the place of each None.

        Weights and the states of random numbers are put back.  If that fails, too, the first error is raised.
        """
        kept = [(v, v.numpy()) for v in self.variables]
        losses = list(self._losses)
        found = []
        try:
            for size in (2, 3):
                def zeros(spec):
                    return masked_as(spec, ops.zeros([size if n is None else n for n in spec.shape], spec.dtype))
                outputs = self.call(*replace(args, Spec, zeros), **replace(kwargs, Spec, zeros))
                found.append(map_structure(lambda y: ops.convert_to_tensor(y), outputs))
        except (ValueError, TypeError):
            raise _name_layer(error, self, args[0]) from None
        finally:
            for v, value in kept:
                v.assign(value)
            self.__dict__["_losses"] = losses
        twins = iter(flatten(found[1]))
        return map_structure(lambda y: Spec([m if m == n else None for m, n in zip(y.shape, next(twins).shape)], y.dtype), found[0])

    def compute_output_shape(self, input_shape, *others):
        """The shape of the output for an input of this shape (a tuple with None for the batch, or a list of such).

        Layers whose `call` cannot run without values override it.
        """
        specs = [None if shape is None else map_shapes(lambda one: Spec(one, self.dtype), shape) for shape in (input_shape, *others)]
        return map_structure(lambda x: tuple(x.shape), Layer.compute_output_spec(self, *specs))

    def compute_output_spec(self, *args, **kwargs):
        """Runs `call` on Specs: the Spec of the output.  Builds the layer if need be."""
        args, kwargs = self._prepare_all(bare(args), bare(kwargs))
        try:
            return self.call(*args, **kwargs)
        except (ValueError, TypeError) as error:
            if self._is_abstract(args, kwargs):
                return self._infer_from_values(args, kwargs, error)
            raise _name_layer(error, self, args[0])

    # ---- Masks ---------------------------------------------------------------------------------------------

    def compute_mask(self, inputs, previous_mask):
        """The mask that goes with the output; a list of masks for a list of outputs."""
        return previous_mask

    def _add_masks(self, args, kwargs, mask):
        """Puts the masks that tensors carry among the arguments of `call`, where it takes any; gives that of the first back."""
        mask = self._mask_of(args[0]) if mask is None else map_structure(to_mask, mask)
        if self._call_has_mask and mask is not None:
            kwargs["mask"] = mask
        for name, x in [*zip(self._call_names, args), *kwargs.items()]:
            if isinstance(x, (Tensor, Spec)) and x.mask is not None and f"{name}_mask" in self._call_names:
                kwargs.setdefault(f"{name}_mask", x.mask)
        return mask

    def _mask_of(self, inputs):
        """The masks that the inputs carry, in their structure; None if there are none."""
        if isinstance(inputs, (Tensor, Spec)):
            return inputs.mask
        masks = map_structure(lambda x: getattr(x, "mask", None), inputs)
        return masks if any([m is not None for m in flatten(masks)]) else None

    def _hand_on_mask(self, inputs, outputs, given):
        """Gives the outputs the mask that goes with them."""
        previous = self._mask_of(inputs) if given is None else given
        if not self.supports_masking:
            if previous is not None and not self._call_has_mask:
                warn(f'layer "{self.name}" (of type {type(self).__name__}) does not hand on the mask that came with its input: '
                     "what follows takes all steps for real ones")
            return
        if not self._computes_mask and (previous is None or not _fits(previous, outputs)):
            return              # behind a Flatten, for one, the mask has lost its axis
        results = [y for y in flatten(outputs) if isinstance(y, (Tensor, Spec))]
        if self._computes_mask and results and all([y.mask is not None for y in results]):
            return              # `call` has set them
        masks = self.compute_mask(inputs, previous)
        if masks is None:
            return
        for y, mask in zip(results, flatten(masks) if isinstance(masks, (list, tuple)) else [masks]):
            y.mask = mask

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
        if type(self).get_config is Layer.get_config:
            config.update(self._plain_arguments())
        return config

    def _plain_arguments(self):
        found = {}
        for key, parameter in inspect.signature(type(self).__init__).parameters.items():
            if key == "self" or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) or key in ("name", "trainable", "dtype", "activity_regularizer"):
                continue
            if not hasattr(self, key):
                raise TypeError(
                    f"Layer {type(self).__name__} has the argument `{key}` in `__init__` and therefore must override `get_config()`."
                )
            found[key] = serialize_value(getattr(self, key))
        return found

    @classmethod
    def from_config(cls, config):
        """A new layer from the result of `get_config`."""
        try:
            return cls(**config)
        except TypeError as error:
            raise TypeError(f"Error when making {cls.__name__} from its config {config}: {error}") from error

    def _clone(self):
        """A new layer like this one, with weights of its own."""
        return type(self).from_config(self.get_config())

    def get_build_config(self):
        """The shapes that `build` was called with, or None."""
        shape = self.__dict__.get("_build_shape")
        return None if shape is None else {"input_shape": shape}

    def build_from_config(self, config):
        """Builds the layer again from the result of `get_build_config`."""
        if config and "input_shape" in config:
            self.build(map_shapes(tuple, config["input_shape"]))

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


def _marks_built(build):
    @functools.wraps(build)
    def wrapped(self, input_shape=None, *args, **kwargs):
        input_shape = self.__dict__["_build_shape"] = _build_shape(input_shape, self.name)
        build(self, input_shape, *args, **kwargs)
        self.built = True

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


def masked_as(x, y):
    """`y` with the mask of `x`."""
    y.mask = x.mask
    return y


def to_mask(mask):
    """A mask that was passed: a bool tensor, or None."""
    return mask if mask is None or isinstance(mask, (Tensor, Spec)) and mask.dtype == "bool" else ops.cast(mask, "bool")


def _fits(masks, outputs):
    """Whether masks have the first axes of the outputs."""
    def fits(mask, y):
        sizes = tuple(mask.shape), tuple(getattr(y, "shape", ()))
        return len(sizes[0]) <= len(sizes[1]) and all(m == n or None in (m, n) for m, n in zip(*sizes))

    masks, outputs = flatten(masks), flatten(outputs)
    return len(masks) == len(outputs) and all(m is None or fits(m, y) for m, y in zip(masks, outputs))


def _shapes_by_argument(names, args, kwargs):
    """The shapes of further tensor arguments as `build` wants them: `<argument>_shape`."""
    given = {**dict(zip(names, args)), **kwargs}
    return {f"{name}_shape": tuple(x.shape) for name, x in given.items() if isinstance(x, (Tensor, Spec)) and not name.endswith("mask")}


def _name_layer(error, layer, inputs):
    """Says in the message of an error in which layer it came up, once: the innermost."""
    if not getattr(error, "_layer_named", False) and f'"{layer.name}"' not in str(error):
        shapes = map_structure(lambda x: tuple(x.shape) if hasattr(x, "shape") else x, inputs)
        error.args = (f'{error} (in layer "{layer.name}" of type {type(layer).__name__}, input shape {shapes})',)
    error._layer_named = True
    return error


Layer.build = _marks_built(Layer.build)
