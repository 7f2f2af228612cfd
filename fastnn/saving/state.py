"""The state of a model as a tree: each layer, model and optimizer by its path, as Keras 3 names it.

A path is made of the attributes that lead there: `optimizer`, `encoder/dense`.  In lists, tuples and dicts the parts are named by
their classes and counted (`layers/dense`, `layers/dense_1`), never by their own names, which differ between two models of the same
make.  Sequential and functional models begin with `layers`.
"""
import os
import re

from .. import optimizers
from ..layers import Layer
from ..layers.holder import Holder
from ..optimizers.state import OptimizerState
from ..utils import own_variables
from ..utils.naming import to_snake_case
from ..utils.serialization import is_builtin
from ..utils.warn_utils import warn

SAVED = (Holder, OptimizerState)


def saved_objects(root, skip=()):
    """(path, object) of everything under `root` that may hold variables, itself first; twice what is found under two paths."""
    seen = set()

    def visit(obj, path):
        if id(obj) in open_ones or any(obj is one for one in skip):
            return
        yield path, obj
        if id(obj) in seen:
            return
        seen.add(id(obj))
        open_ones.add(id(obj))
        for name, child in children(obj):
            yield from inside(child, f"{path}/{name}" if path else name)
        open_ones.discard(id(obj))

    def inside(value, path):
        if isinstance(value, SAVED):
            yield from visit(value, path)
        elif isinstance(value, (list, tuple, dict)) and id(value) not in open_ones:
            open_ones.add(id(value))
            used = {}
            for part in value.values() if isinstance(value, dict) else value:
                if isinstance(part, (*SAVED, list, tuple, dict)):
                    kind = to_snake_case(type(part).__name__) if isinstance(part, SAVED) else "container"
                    count = used[kind] = used.get(kind, -1) + 1
                    yield from inside(part, f"{path}/{kind}_{count}" if count else f"{path}/{kind}")
            open_ones.discard(id(value))

    open_ones = set()
    yield from visit(root, "")


def children(obj):
    """(name, value) of the attributes to look into, in Keras' order: sorted, private ones last."""
    first = [name for name in type(obj).saved_first]
    own = [name for name in vars(obj) if name not in first and name not in type(obj).not_saved]
    properties = [name for cls in type(obj).__mro__ for name, value in vars(cls).items()
                  if isinstance(value, property) and (not is_builtin(cls) or name in type(obj).saved_properties)]
    names = sorted({*own, *properties} - set(first), key=lambda name: f"~{name}" if name.startswith("_") else name)
    for name in [*first, *names]:
        try:
            yield name, getattr(obj, name)
        except Exception:       # a property of the user's that is not ready to be asked
            continue


# ---- Saving -----------------------------------------------------------------------------------------------------

def save_state(root, writer, assets=None, skip=()):
    """Writes the variables of everything under `root`.

    Args:
        root: a model.
        writer: a `stores.Writer`.
        assets: folder for the files of layers that have `save_assets`; None: they are left out.
        skip: objects that are not saved.
    """
    done = set()
    for path, obj in saved_objects(root, skip):
        if id(obj) in done:
            continue
        done.add(id(obj))
        obj.save_own_variables(writer.entry(path, obj.name))
        if assets is not None and hasattr(obj, "save_assets"):
            folder = os.path.join(assets, *path.split("/"))
            os.makedirs(folder, exist_ok=True)
            obj.save_assets(folder)


# ---- Loading ----------------------------------------------------------------------------------------------------

def load_state(root, reader, assets=None, skip=(), skip_mismatch=False):
    """Reads the variables of everything under `root`; all shapes are compared first, so that a failure changes nothing.

    Args:
        root: a model.
        reader: a `stores.Reader`.
        assets: folder with the files of layers that have `load_assets`, or None.
        skip: objects that are left alone.
        skip_mismatch: whether what does not fit is left alone, with a warning.

    Raises:
        ValueError: the objects that do not fit, what they have and what the file holds.
    """
    found, wrong, paths = {}, {}, set()
    for path, obj in saved_objects(root, skip):
        paths.add(path)
        if id(obj) in found:
            continue
        entry = reader.entry(path)
        reason = None if overrides_loading(obj) else own_variables.mismatch(variables_of(obj), entry)
        if isinstance(obj, OptimizerState):
            reason = reason or of_another(obj, entry.name)
        if reason is None:
            found[id(obj)] = obj, entry, path
            wrong.pop(id(obj), None)
        else:
            wrong.setdefault(id(obj), (obj, path, reason, entry))
    wrong = [(obj, path, reason) for obj, path, reason, entry in wrong.values() if not forgiven(obj, path, reason, entry, reader)]
    if wrong:
        tell(root, wrong, skip_mismatch)
    more = [path for path in reader.paths() if path not in paths and path.partition("/")[0] != "optimizer"]
    if more:
        warn(f"the file holds weights of {len(more)} object(s) that model {root.name!r} does not have: {', '.join(more[:10])}")
    for obj, entry, path in found.values():
        load_one(obj, entry, skip_mismatch)
        folder = assets and os.path.join(assets, *path.split("/"))
        if folder and hasattr(obj, "load_assets") and os.path.isdir(folder):
            obj.load_assets(folder)


def load_one(obj, entry, skip_mismatch):
    """Loads one object; its class may have its own way to do so."""
    if not skip_mismatch:
        return obj.load_own_variables(entry)
    try:
        obj.load_own_variables(entry)
    except (ValueError, KeyError) as error:
        warn(f"{describe(obj)} was left as it is: {error}")


def variables_of(obj):
    return obj.variables if isinstance(obj, OptimizerState) else obj._own_variables()


def of_another(optimizer, name):
    """In words, if a state of this name is that of another of fastnn's optimizers, whose variables may be as many and as large."""
    theirs, ours = optimizers._NAMES.get(re.sub(r"_\d+$", "", name or "").replace("_", "").lower()), type(optimizer)
    if theirs is None or not is_builtin(ours) or issubclass(ours, theirs) or issubclass(theirs, ours):
        return None
    return f"belongs to {ours.__name__}, the file holds the state of {theirs.__name__}"


def overrides_loading(obj):
    """Whether a class loads its variables in its own way, so that only it can tell what fits."""
    base = OptimizerState if isinstance(obj, OptimizerState) else Holder
    return type(obj).load_own_variables is not base.load_own_variables


def forgiven(obj, path, reason, entry, reader):
    """Whether an object may keep what it has: an optimizer may start anew, and older versions of Keras did not save lists in lists."""
    if isinstance(obj, OptimizerState):
        if len(entry):
            warn(f"the state of optimizer {obj.name!r} was not loaded: it {reason}")
        return True
    parts = path.split("/")
    nested = next((i for i, part in enumerate(parts) if i and part.partition("_")[0] == "container"), None)
    if nested is None or reader.has("/".join(parts[:nested + 1])):
        return False
    warn(f"{describe(obj)} was left as it is: the file has nothing at {path!r}. Versions of Keras before 3.13 did not save layers in "
         "lists of lists")
    return True


def tell(root, wrong, skip_mismatch):
    """Raises, or warns of, what does not fit: (object, path, reason) of each."""
    lines = [f"- {describe(obj)} (at {path!r} in the file) {reason}" for obj, path, reason in wrong]
    if skip_mismatch:
        warn("these objects were left as they are:\n" + "\n".join(lines))
        return
    unbuilt = [obj for obj, _, _ in wrong if not getattr(obj, "built", True)]
    hint = ("Layers that have no weights yet must be built first: call the model on data, or build them in the `build` of the layer that "
            "holds them." if unbuilt else "The weights are those of another model. `skip_mismatch=True` leaves such layers as they are.")
    raise ValueError(f"{len(wrong)} object(s) of model {root.name!r} do not fit the file; nothing was loaded:\n"
                     + "\n".join(lines[:20]) + ("\n- ..." if len(lines) > 20 else "") + f"\n{hint}")


def describe(obj):
    kind = "layer" if isinstance(obj, Layer) else "optimizer"
    return f"{kind} {obj.name!r} ({type(obj).__name__})"
