"""What is wrong with the arguments of fit, said before any work is lost."""
import math
import operator

import numpy as np

from ..layers.input_spec import check_inputs
from ..ops import SparseTensor
from ..tensor import Spec
from ..utils.warn_utils import warn
from .arrays import leaves, like
from .compile import Outputs
from .data_adapter import ArrayBatches


# ---- Arguments --------------------------------------------------------------------------------------------------

def verbosity(verbose):
    """0, 1 or 2 for what was passed as `verbose`."""
    if verbose == "auto":
        return 1
    if verbose in (0, 1, 2):            # True and False among them
        return int(verbose)
    raise ValueError(f"`verbose` must be 'auto', 0, 1 or 2, received {verbose!r}")


def counts(**arguments):
    """Raises unless each argument is None or an integer >= 1."""
    for name, value in arguments.items():
        if value is not None and (whole(name, value) < 1):
            raise ValueError(f"`{name}` must be an integer >= 1, received {value!r}")


def whole(name, value):
    try:
        return operator.index(value)
    except TypeError:
        raise ValueError(f"`{name}` must be an integer, received {value!r} (of type {type(value).__name__})") from None


def fit_arguments(batch_size, epochs, initial_epoch, steps_per_epoch, validation_steps, validation_batch_size,
                  validation_split, shuffle):
    """Raises ValueError for an argument of `fit` that makes no sense."""
    counts(batch_size=batch_size, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
           validation_batch_size=validation_batch_size)
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        if whole(name, value) < 0:
            raise ValueError(f"`{name}` must be an integer >= 0, received {value}")
    if validation_split is not None and not (isinstance(validation_split, (int, float)) and 0 <= validation_split < 1):
        raise ValueError(f"`validation_split` must be a fraction, at least 0 and below 1, received {validation_split!r}")
    if shuffle not in (True, False, "batch"):
        raise ValueError(f"`shuffle` must be True, False or 'batch', received {shuffle!r}")


# ---- Arrays against the model -----------------------------------------------------------------------------------

def arrays(model, batches, which=""):
    """Compares inputs and targets with the model: shapes, and labels of sparse losses with the number of classes."""
    if model.input_spec is not None:
        specs = [Spec((None, *x.shape[1:]), column.dtype) for x, column in zip(leaves(batches.x), batches.columns)]
        try:
            if hasattr(model, "_network"):
                model._prepare(like(batches.x, specs))
            elif len(specs) == 1:
                check_inputs(model.input_spec, specs, model.name)
        except ValueError as error:
            raise ValueError(f"`validation_data`: {error}" if which else str(error)) from None
    compiled = model._compile_loss
    if compiled is None:
        return
    if batches.y is None:
        raise ValueError(f'model "{model.name}" was compiled with loss={compiled.loss!r}, but there are no {which}targets: '
                         + ("pass validation_data=(x, y)" if which else "pass y"))
    outputs = getattr(model, "_outputs_spec", None)
    if outputs is not None:
        targets(compiled, outputs, batches, which)
    elif plain_name(compiled.loss) == "binarycrossentropy" and isinstance(batches.y, np.ndarray):
        probabilities(batches.y, which)


def targets(compiled, outputs, batches, which=""):
    """Compares targets and weights with the outputs: how many there are, their names, labels of sparse losses."""
    named = Outputs(outputs, compiled.output_names)
    chosen = named.settings(compiled.loss, "loss")
    named.weights(batches.sample_weight)
    for loss, y, spec in zip(chosen, named.arrays(batches.y, "y", [loss is not None for loss in chosen]), leaves(outputs)):
        if loss is None or not isinstance(y, np.ndarray):
            continue
        if is_sparse(loss):
            labels(y, spec.shape[-1] if spec.shape else None, loss, which)
        elif plain_name(loss) == "binarycrossentropy":
            probabilities(y, which)


def is_sparse(loss):
    """Whether a loss takes class numbers as targets."""
    return plain_name(loss) == "sparsecategoricalcrossentropy"


def plain_name(loss):
    """The name of a loss (a name, a function or a Loss) in small letters without underscores."""
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", "")
    return name.lower().replace("_", "")


def probabilities(y, which=""):
    """Warns of targets that are no probabilities: the binary cross-entropy of others has no lower bound."""
    low, high = y.min(), y.max()
    if low < 0 or high > 1:
        warn(f"the {which}targets run from {low} to {high}, but binary_crossentropy takes targets from 0 to 1: make them 0 and 1, "
             "or take 'sparse_categorical_crossentropy' for more than two classes, 'mse' for numbers")


def labels(y, classes, loss, which=""):
    """Raises ValueError for a label that is no class number."""
    ignored = getattr(loss, "ignore_class", None)
    found = y if ignored is None else y[y != ignored]
    if classes is None or not found.size:
        return
    low, high = found.min(), found.max()
    if low < 0 or high >= classes:
        bad = high if high >= classes else low
        if low < 0:
            advice = "number the labels from 0, or let the loss leave some out with ignore_class="
        elif low >= 1 and high - low < classes and low == int(low):
            advice = f"subtract {low:.0f} from them (the smallest is {low:.0f}), or give the last layer {int(high) + 1} units"
        else:
            advice = f"give the last layer {int(high) + 1} units, or number the labels from 0"
        raise ValueError(f"the {which}targets hold the label {bad}, but the model's output has {classes} classes, so that labels "
                         f"run from 0 to {classes - 1}: {advice}")


# ---- NaN --------------------------------------------------------------------------------------------------------

def reported_nan(model, data):
    """Whether this fit has already told where its NaN come from."""
    return getattr(data, "told_of_nan", False)


def report_nan(model, data, loss):
    """Warns of a loss that is NaN or infinite, and of what else is: the data, or weights by name."""
    data.told_of_nan = True
    found = []
    if isinstance(data.batches, ArrayBatches):
        for name in ("x", "y", "sample_weight"):
            for array in leaves(getattr(data.batches, name)):
                array = array.values.data if array.__class__ is SparseTensor else array
                if array.dtype.kind == "f" and not math.isfinite(float(np.sum(array))) and not np.isfinite(array).all():
                    found.append(f"`{name}` holds NaN or infinite values")
    bad = [v.path for v in model.weights if v.dtype.startswith("float") and not np.isfinite(v.data).all()]
    if bad:
        found.append(f"weights with NaN or infinite values: {', '.join(bad)}")
    warn(f"the loss is {'NaN' if math.isnan(loss) else loss}" + (f"; {'; '.join(found)}" if found else "") +
         ". A smaller learning rate, scaled inputs or clipping (clipnorm=) often help")
