"""Calling: what happens when a layer is called, on values or on symbolic tensors; its arguments, shapes and masks."""
import inspect
import itertools
import os
import threading

import numpy as np

from .. import ops
from ..graph import Node, bare, has_symbols, name_sources, replace
from ..tensor import Spec, Tensor, UnknownSize, as_array, scope, text_tensor
from ..utils.serialization import is_builtin
from ..utils.warn_utils import warn
from .holder import Holder
from .input_spec import check_inputs
from .structure import flatten, is_structure, map_shapes, map_structure

_stamps = itertools.count(1)
_building = threading.RLock()       # of the thread that builds a layer
watching_calls = threading.RLock()  # of the thread that has put something in the place of `Layer.__call__` or of `op.watcher`


def _free_the_lock():
    global _building
    _building = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_the_lock)      # a thread that held it is not there


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


class Calling(Holder):
    """The part of `Layer` that is called.  Subclasses compute in `call`, and make their weights in `build`."""

    input, output = InGraph("args"), InGraph("outputs")

    # Whether integer inputs are cast to the layer's dtype; where False they reach `call` as they came.
    float_inputs = False
    # Whether the op of the layer makes floats of integers itself, so that data had better come as they are.
    reads_integers = False
    # Whether text may reach `call`, as tensors of dtype "string".
    reads_strings = False
    # Whether SparseTensors may reach `call`; matrices of scipy.sparse become such.
    sparse_inputs = False
    _call_has_training = _call_has_mask = _computes_mask = _declares_shape = _declares_spec = False
    _call_names = _positions = ("inputs",)
    _runs_own_code = False      # whether a layer of fastnn's runs a function of the user's

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        parameters = dict(list(inspect.signature(cls.call).parameters.items())[1:])
        cls._positions = tuple(name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD)
        cls._call_names = tuple(name for name in cls._positions if name not in ("training", "mask"))
        cls._call_has_training = "training" in parameters
        cls._call_has_mask = "mask" in parameters
        cls._computes_mask = cls.compute_mask is not Calling.compute_mask
        cls._declares_shape = cls.compute_output_shape is not Calling.compute_output_shape
        cls._declares_spec = cls.compute_output_spec is not Calling.compute_output_spec

    # ---- Call ----------------------------------------------------------------------------------------------

    def __call__(self, *args, training=None, mask=None, **kwargs):
        """Runs the layer on a Tensor (or array, or list or dict of them), or infers shapes from `Input`s.

        The layer is built by its first call.  Where `training` is not given, the enclosing layer's holds.  Masks come with
        the tensors, or are passed as `mask` (`<argument>_mask` where the layer takes several tensors).
        """
        x, seen = args[0] if args else None, self.__dict__.get("_seen")
        if (seen is not None and mask is None and len(args) == 1 and (not kwargs or "absorbed" in kwargs)
                and (x.__class__ is Tensor and (x.shape, x.dtype) == seen and x.mask is None or x.__class__ is list and as_seen(x, seen))):
            outputs = self._run(args, kwargs, training)     # as before: there is nothing to look at
            return self._hand_on_mask(x, outputs, None) if self._computes_mask else outputs
        return self._call_with_care(args, kwargs, training, mask)

    def _call_with_care(self, args, kwargs, training, mask):
        """A call whose arguments have to be looked at: other shapes than before, symbolic or several tensors, masks."""
        self._check_initialized()
        if len(args) > 1 and not {"training", "mask"}.isdisjoint(self._positions[:len(args)]):
            kwargs = {**dict(zip(self._positions[1:], args[1:])), **kwargs}     # flags were passed by position
            args, training, mask = args[:1], kwargs.pop("training", training), kwargs.pop("mask", mask)
        if has_symbols((args, kwargs, mask)):
            return self._write_down(args, kwargs, training, mask)
        args, kwargs = self._prepare_all(args, kwargs)
        mask = self._add_masks(args, kwargs, mask)
        symbolic = any([isinstance(x, Spec) for x in flatten([args, kwargs])])
        if symbolic and (self._declares_shape or self._declares_spec):
            return self._declared_spec(args, kwargs)
        outer, scope.symbolic = scope.symbolic, scope.symbolic or symbolic
        try:
            outputs = self._run(args, kwargs, training)
        finally:
            scope.symbolic = outer
        return self._hand_on_mask(args[0], outputs, mask)

    def _run(self, args, kwargs, training):
        """`call` and the penalty on its output, with the training flag for all layers inside."""
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
        except (ValueError, TypeError, AttributeError) as error:
            if self._is_abstract(args, kwargs):
                return self._infer_from_values(args, kwargs, error)
            raise error if isinstance(error, AttributeError) else _name_layer(error, self, args[0])
        finally:
            state.training, state.stamp = outer_training, outer_stamp
        return outputs

    def call(self, inputs):
        """The layer's computation on Tensors; subclasses override it."""
        raise TypeError(f'Layer "{self.name}" (of type {type(self).__name__}) has no `call` method: override `call(self, inputs)`.')

    # ---- What a call gets ----------------------------------------------------------------------------------

    def _prepare_all(self, args, kwargs):
        """The arguments of a call with tensors where arrays were; the first one as `_prepare` has it.  Builds the layer."""
        kwargs = {key: self._to_mask(value) if key.endswith("mask") and self._is_ours() else self._to_argument(value)
                  for key, value in kwargs.items()}
        if not args:
            name = self._call_names[0] if self._call_names else None
            if name not in kwargs:
                raise TypeError(f'Layer "{self.name}" was called without an input: pass the tensor `{name or "inputs"}`')
            args = (kwargs.pop(name),)
        others = [self._to_argument(value) for value in args[1:]]
        also = {} if self.built else _shapes_by_argument(self._call_names[1:], others, kwargs)
        return (self._prepare(args[0], also), *others), kwargs

    def _to_argument(self, x):
        """A further argument of a call: arrays become tensors, numbers and the like stay."""
        if isinstance(x, (Tensor, Spec, np.ndarray)):
            return self._to_tensor(x)
        return map_structure(self._to_argument, x) if is_structure(x) else x

    def _prepare(self, inputs, also=()):
        """Converts what came into Tensors of the right dtype, checks it, and builds the layer if need be.

        also: shapes of further tensor arguments, by the names that `build` may have for them.
        """
        if inputs is None and len(self._call_names) < 2:
            raise TypeError(f'Layer "{self.name}" takes tensors or arrays. Received: None')
        inputs = map_structure(self._to_tensor, inputs)
        if self.input_spec is not None:
            check_inputs(self.input_spec, flatten(inputs), self.name)
        if not self.built:
            self._build_for(map_structure(lambda x: None if x is None else tuple(x.shape), inputs), also)
        if inputs.__class__ is Tensor:
            self.__dict__["_seen"] = inputs.shape, inputs.dtype
        elif inputs.__class__ is list and all([x.__class__ is Tensor for x in inputs]):
            self.__dict__["_seen"] = [(x.shape, x.dtype) for x in inputs]
        return inputs

    def _build_for(self, shape, also=()):
        wanted = inspect.signature(self.build).parameters       # build(query_shape, value_shape, ...): one for each tensor
        also = {key: also[key] for key in also if key in wanted}
        with _building:         # of several threads one
            if not self.built:
                self._build_once(shape, also)

    def _build_once(self, shape, also):
        outer, scope.symbolic = scope.symbolic, False
        try:
            self.build(shape, **also)
        except (ValueError, TypeError) as error:
            raise _name_layer(error, self, shape)
        finally:
            scope.symbolic = outer
        self.built = True

    def _to_tensor(self, x):
        if isinstance(x, (Tensor, Spec)) and x.dtype == "string":
            return self._take_text(x)
        if isinstance(x, Tensor):
            return masked_as(x, ops.cast(x, dtype=self.dtype)) if self._casts(x.dtype) else x
        if isinstance(x, Spec):
            return masked_as(x, Spec(x.shape, self.dtype)) if self._casts(x.dtype) else x
        if x is None:
            return x
        if isinstance(x, Calling):
            raise TypeError(f'Inputs to a layer should be tensors. Layer "{self.name}" received the layer "{x.name}": call that on its input first.')
        if ops.is_sparse(x):
            return self._to_sparse(x)
        try:
            array = as_array(x)
        except (TypeError, ValueError) as error:
            if self.reads_strings:
                return text_tensor(x)
            raise TypeError(f'Layer "{self.name}" takes numbers. Received: {type(x).__name__}: {error}') from None
        return Tensor(as_array(array, self.dtype) if self._casts(array.dtype.name) else array)

    def _take_text(self, x):
        if not self.reads_strings:
            raise TypeError(f'Layer "{self.name}" (of type {type(self).__name__}) takes numbers. Received: text, of shape {x.shape}. '
                            "TextVectorization and StringLookup make numbers of it: put one of them first.")
        return x

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

    def _declared_spec(self, args, kwargs):
        """The Specs of the outputs as a subclass says them: `compute_output_spec` or `compute_output_shape`."""
        if self._declares_spec:
            return self.compute_output_spec(*args, **kwargs)
        shapes = [map_structure(lambda x: None if x is None else tuple(x.shape), x) for x in args if x is None or tensors_in(x)]
        wanted = inspect.signature(self.compute_output_shape).parameters
        named = {key: shape for key, shape in _shapes_by_argument((), (), kwargs).items() if key in wanted}
        found = map_shapes(lambda shape: Spec(shape, self.dtype), self.compute_output_shape(*shapes, **named))
        return self._hand_on_mask(args[0], found, kwargs.get("mask"))

    def _is_ours(self):
        return is_builtin(type(self))

    def _is_abstract(self, args, kwargs):
        """Whether this is a call of a user's layer on Specs, which a `call` that needs values cannot answer."""
        return (not self._is_ours() or self._runs_own_code) and any([isinstance(x, Spec) for x in flatten([args, kwargs])])

    def _infer_from_values(self, args, kwargs, error):
        """The Specs of the outputs of a `call` that needs values: it runs on zeros, for two sizes in the place of each None.

        Weights and the states of random numbers are put back.  If that fails, too, the first error is raised.
        """
        symbolic, scope.symbolic = scope.symbolic, True
        kept = [(v, v.numpy()) for v in (*self.variables, *self.metrics_variables)]
        losses = list(self._losses)
        found = []
        try:
            for size in (2, 3):
                def zeros(spec):
                    return masked_as(spec, ops.zeros([size if n is None else n for n in spec.shape], spec.dtype))
                outputs = self.call(*replace(args, Spec, zeros), **replace(kwargs, Spec, zeros))
                found.append(map_structure(lambda y: ops.convert_to_tensor(y), outputs))
        except (ValueError, TypeError, AttributeError) as second:
            raise _name_layer(second if isinstance(error, UnknownSize) else error, self, args[0]) from None
        finally:
            scope.symbolic = False
            for v, value in kept:       # those of random numbers, above all
                v.assign(value)
            scope.symbolic = symbolic
            self.__dict__["_losses"] = losses
        twins = iter(flatten(found[1]))
        return map_structure(lambda y: Spec([m if m == n else None for m, n in zip(y.shape, next(twins).shape)], y.dtype), found[0])

    def compute_output_shape(self, input_shape, *others):
        """The shape of the output for an input of this shape (a tuple with None for the batch, or a list of such).

        Layers whose `call` cannot run without values override it.
        """
        specs = [None if shape is None else map_shapes(lambda one: Spec(one, self.dtype), shape) for shape in (input_shape, *others)]
        return map_structure(lambda x: tuple(x.shape), Calling.compute_output_spec(self, *specs))

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
        mask = self._mask_of(args[0]) if mask is None else self._to_mask(mask)
        if self._call_has_mask and mask is not None:
            kwargs["mask"] = mask
        for name, x in [*zip(self._call_names, args), *kwargs.items()]:
            if isinstance(x, (Tensor, Spec)) and x.mask is not None and f"{name}_mask" in self._call_names:
                kwargs.setdefault(f"{name}_mask", x.mask)
        return mask

    def _to_mask(self, mask):
        """Masks that were passed, as bool tensors; own layers get them as they are."""
        return mask if mask is None else map_structure(to_mask if self._is_ours() else self._to_argument, mask)

    def _mask_of(self, inputs):
        """The masks that the inputs carry, in their structure; None if there are none."""
        if inputs is None or isinstance(inputs, (Tensor, Spec)):
            return None if inputs is None else inputs.mask
        masks = map_structure(lambda x: getattr(x, "mask", None), inputs)
        return masks if any([m is not None for m in flatten(masks)]) else None

    def _hand_on_mask(self, inputs, outputs, given):
        """The outputs with the masks that go with them."""
        previous = self._mask_of(inputs) if given is None else given
        if not self.supports_masking:
            if previous is not None and not self._call_has_mask:
                warn(f'layer "{self.name}" (of type {type(self).__name__}) does not hand on the mask that came with its input: '
                     "what follows takes all steps for real ones")
            return outputs if previous is None else each_with_mask(outputs, inputs, None)
        results = [y for y in flatten(outputs) if isinstance(y, (Tensor, Spec))]
        came = {id(x) for x in flatten(inputs)}
        if not self._computes_mask and (previous is None or not _fits(previous, outputs)):
            return each_with_mask(outputs, inputs, None)        # behind a Flatten, for one, the mask has lost its axis
        if self._computes_mask and results and all([y.mask is not None and id(y) not in came for y in results]):
            return outputs      # `call` has set them
        masks = self.compute_mask(inputs, previous)
        if masks is None and not any([id(y) in came and y.mask is not None for y in results]):
            return outputs
        return each_with_mask(outputs, inputs, masks)


# ---- Helpers ---------------------------------------------------------------------------------------------------

def as_seen(inputs, seen):
    """Whether a list of inputs holds tensors of the shapes and dtypes that were there before, without masks."""
    return (seen.__class__ is list and len(seen) == len(inputs)
            and all([x.__class__ is Tensor and (x.shape, x.dtype) == one and x.mask is None for x, one in zip(inputs, seen)]))


def with_mask(x, mask):
    """A tensor of its own with the values of `x` and a mask."""
    if mask is x.mask:
        return x
    y = Spec(x.shape, x.dtype) if isinstance(x, Spec) else ops.reshape(x, shape=x.shape)
    y.mask = mask
    return y


def each_with_mask(outputs, inputs, masks):
    """The outputs with masks, in their order; what came as an input stays as it is for those who hold it."""
    came, left = {id(x) for x in flatten(inputs)}, iter(flatten(masks))

    def one(y):
        if not isinstance(y, (Tensor, Spec)):
            return y
        mask = next(left, None)
        if id(y) in came:
            return with_mask(y, mask)
        if mask is not None:
            y.mask = mask
        return y

    return map_structure(one, outputs)


def tensors_in(x):
    """Whether there are tensors in an argument."""
    return any([isinstance(leaf, (Tensor, Spec)) for leaf in flatten(x)])


def masked_as(x, y):
    """`y` with the mask of `x`."""
    y.mask = x.mask
    return y


def to_mask(mask):
    """A mask that was passed: a bool tensor, or None; a flag, as `use_causal_mask` is, stays one."""
    return mask if mask is None or isinstance(mask, bool) or isinstance(mask, (Tensor, Spec)) and mask.dtype == "bool" else ops.cast(mask, "bool")


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
    return {f"{name}_shape": map_structure(lambda one: None if one is None else tuple(one.shape), x) for name, x in given.items()
            if tensors_in(x) and not name.endswith("mask")}


def _name_layer(error, layer, inputs):
    """Says in the message of an error in which layer it came up, once: the innermost."""
    if not getattr(error, "_layer_named", False) and f'"{layer.name}"' not in str(error):
        shapes = map_structure(lambda x: tuple(x.shape) if hasattr(x, "shape") else x, inputs)
        error.args = (f'{error} (in layer "{layer.name}" of type {type(layer).__name__}, input shape {shapes})',)
    error._layer_named = True
    return error
