"""What a model takes: shapes, dtypes and names of its inputs, and data made up for them; what its outputs are called."""
import itertools

import numpy as np

from ..graph import KerasTensor
from ..layers import InputSpec
from ..tape import flatten, unflatten
from ..tensor import FLOATS, NAMES, Operand, Spec, Tensor, standardize_dtype
from .trace import NotExportable, Trace

CALLS, FIXED = 4, 2                         # of open sizes, where a line through two is checked at two more; of fixed ones
LONG = {1: 600, 2: 300}                     # sizes of a further call where sizes inside are open, by how many of them (64 of more):
BATCHES = (2, 3, 5, 4, 2)                   # it shows `x[:, :100]`.  Not 1, for which ops leave out what makes sizes equal
OF_CALLS = ("_seen", "_losses", "_losses_stamp")        # what layers keep of their last call
STEPS = 15                                  # of a ladder that are used
LADDERS = ((11, 1), (64, 32), (224, 32))    # the least size and the steps: odd ones, then such that halve often, then large ones


def traced(model, input_signature, batch_size):
    """The Trace of a model, and the names of its inputs."""
    signature = signature_of(model, input_signature)
    specs = flatten(signature)
    shapes = [fixed_batch(model, spec, batch_size) for spec in specs]
    inner, first = any(None in shape[1:] for shape in shapes), None
    counts = (CALLS + 1, CALLS) if inner else (CALLS,) if any(None in shape for shape in shapes) else (FIXED,)
    for ladder, shared in itertools.product(LADDERS if inner else LADDERS[:1], (False, True) if inner and len(shapes) > 1 else (False,)):
        for count in counts:
            try:
                arguments = [unflatten(signature, iter(data(specs, shapes, k, ladder, shared))) for k in range(count)]
                return unseen(model, arguments), [spec.name for spec in specs]
            except (ValueError, TypeError, IndexError, MemoryError) as error:       # without the long call it may do
                first = first or error
    raise NotExportable(f"it cannot be called on made-up data of the shapes {[tuple(spec.shape) for spec in specs]}: {first}. "
                        "Give others with `input_signature`") from first


def unseen(model, arguments):
    """The Trace of a model, whose layers forget the calls: their shapes and losses; one that is not built is so now."""
    if not model.built:
        model(arguments[0], training=False)
    before = [(vars(layer), {name: vars(layer)[name] for name in OF_CALLS if name in vars(layer)}) for layer in model._flatten_layers()]
    try:
        return Trace(model, arguments)
    finally:
        for attributes, kept in before:
            attributes.update(kept)


def data(specs, shapes, k, ladder, shared):
    """Tensors for one of the calls; shared: whether open sizes of the same axis are the same in all inputs."""
    rng, tensors, symbols = np.random.default_rng(k), [], {}
    for number, (spec, shape) in enumerate(zip(specs, shapes)):
        sizes = []
        for axis, n in enumerate(shape):
            if n is None and axis == 0:
                n = BATCHES[k]
            elif n is None:
                which = symbols.setdefault(axis if shared else (number, axis), len(symbols))
                n = open_size(which, k, ladder, shape[1:].count(None))
            sizes.append(n)
        tensors.append(made_up(tuple(sizes), spec.dtype, rng))
    return tensors


def open_size(which, k, ladder, axes):
    """An open size of one of the calls: such that none follows another, or the batch.

    Args:
        which: its number among the open sizes.
        k: the number of the call.
        ladder: one of LADDERS.
        axes: how many open ones its input has.
    """
    least, step = ladder
    far = max(LONG.get(axes, 64) - least, 0) // step if k == CALLS else 0
    return least + step * int(far + np.random.default_rng(which).permutation(STEPS)[k])


def made_up(shape, dtype, rng):
    """A tensor of random values: those of integers are 0 and 1, which are places in every table."""
    values = rng.normal(size=shape) if dtype in FLOATS else rng.integers(0, 2, shape)
    return Tensor(np.asarray(values, dtype, order="C"))


def fixed_batch(model, spec, batch_size):
    """The shape of an input, with the batch size that was asked for."""
    shape = tuple(spec.shape)
    if batch_size is None or not shape:
        return shape
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise NotExportable(f"`batch_size` must be an integer >= 1, or None for an open one. Received: {batch_size!r}")
    if shape[0] not in (None, batch_size):
        raise NotExportable(f"`batch_size` is {batch_size}, but the input {spec.name!r} has the shape {shape}")
    return (int(batch_size), *shape[1:])


# ---- Shapes, dtypes, names --------------------------------------------------------------------------------------

def signature_of(model, given):
    """Specs with names, in the structure in which the model takes them."""
    own = own_signature(model)
    if given is None:
        if own is None:
            raise NotExportable("it is not built, so the shapes of its inputs are not known. Call it on data first, build it "
                                "(`build(input_shape)`), or pass `input_signature`")
        return named(own, model)
    if isinstance(given, (list, tuple)) and len(given) == 1:
        given = given[0]        # as in Keras, a list of the arguments of a call
    if isinstance(given, dict) and own is not None:
        given = ordered(given, own)
    specs = [as_spec(x) for x in flatten(given)]
    known = flatten(own) if own is not None else []
    if known and len(known) != len(specs):
        raise NotExportable(f"`input_signature` describes {len(specs)} inputs, the model has {len(known)}")
    for spec, wanted in zip(specs, known):
        spec.name = wanted.name or spec.name
    return named(unflatten(given if own is None else own, iter(specs)), model)


def ordered(given, own):
    """What a dict describes in the order of a model's own inputs, by their keys or names."""
    keys = list(own) if isinstance(own, dict) else [spec.name for spec in flatten(own)]
    if len(keys) == 1:
        return given
    if set(keys) != set(given):
        raise NotExportable(f"`input_signature` describes the inputs {sorted(given)}, the model has {sorted(keys)}")
    return [given[key] for key in keys]


def own_signature(model):
    """The Specs of the inputs that a model was built with, None where it does not know them."""
    try:
        tensors = model.input
    except (AttributeError, ValueError):
        tensors = None
    if tensors is not None and all(isinstance(x, KerasTensor) for x in flatten(tensors)):
        return unflatten(tensors, iter([Spec(x.shape, x.dtype, input_name(x)) for x in flatten(tensors)]))
    seen = vars(model).get("_seen")
    if seen is None:
        shape = (model.get_build_config() or {}).get("input_shape") if hasattr(model, "get_build_config") else None
        plain = isinstance(shape, tuple) and shape and not isinstance(shape[0], tuple)
        return Spec((None, *shape[1:]), model.dtype) if plain else None
    one = isinstance(seen, tuple)
    specs = [Spec((None, *shape[1:]), dtype) for shape, dtype in ([seen] if one else seen)]
    return specs[0] if one else specs


def input_name(tensor):
    layer = tensor.node.operation if tensor.node is not None else None
    return getattr(layer, "name", None) or tensor.name


def named(signature, model):
    """The Specs with names for those that have none."""
    specs = flatten(signature)
    for k, spec in enumerate(specs):
        spec.name = spec.name or ("input" if len(specs) == 1 else f"input_{k + 1}")
    return signature


def as_spec(x):
    """A Spec of what describes an input."""
    if isinstance(x, InputSpec):
        if x.shape is None:
            raise NotExportable(f"`input_signature` must say the whole shape of each input. Received: {x}")
        return Spec(x.shape, standardize_dtype(x.dtype), getattr(x, "name", None))
    if isinstance(x, Operand):
        return Spec(x.shape, x.dtype, getattr(x, "name", None))
    if isinstance(x, np.ndarray) and x.dtype in NAMES:
        return Spec(x.shape, NAMES[x.dtype])
    raise NotExportable("`input_signature` takes InputSpecs, KerasTensors and arrays, in the structure of the model's inputs. "
                        f"Received: {x!r}")


def output_names(model, structure, count):
    """What the outputs are called: the layers that they come from, or the keys of a dict."""
    names = getattr(model, "output_names", None)
    if names is None and isinstance(structure, dict):
        names = sorted(structure)
    if not names or len(names) != count:
        names = ["output"] if count == 1 else [f"output_{k + 1}" for k in range(count)]
    return list(names)
