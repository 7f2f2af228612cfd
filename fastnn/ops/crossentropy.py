"""Cross-entropies as keras.ops has them: plain functions of targets and predictions (fastnn.losses has those for training)."""
from .. import config
from ..tensor import FLOATS
from ._shapes import common_operands, normalize_axis, operand
from .elementwise import add, cast, clip, divide, log, multiply, negative, subtract
from .indexing import one_hot
from .loss import log_softmax
from .nn import softplus
from .reduce import sum
from .shape import squeeze


def _alike(a, b):
    return len(a) == len(b) and all(m == n or None in (m, n) for m, n in zip(a, b))


def _predictions(name, output):
    output = operand(output)
    output = output if output.dtype in FLOATS else cast(output, dtype=config.floatx())
    if not output.shape:
        raise ValueError(f"[{name}] output is a scalar, expected at least one axis")
    return output


def _log_probabilities(output, from_logits, axis):
    if from_logits:
        return log_softmax(output, axis=axis)
    return log(clip(divide(output, sum(output, axis, True)), config.epsilon(), 1.0 - config.epsilon()))


def _differ(name, target, output):
    return ValueError(f"[{name}] target has the shape {target.shape} and output {output.shape}: expected the same shape")


def binary_crossentropy(target, output, from_logits=False):
    """-target log(output) - (1 - target) log(1 - output), element by element.

    Args:
        target: 0 and 1, or probabilities.
        output: probabilities, or with `from_logits` what a sigmoid makes probabilities of.

    Raises:
        ValueError: different shapes.

    Example:
        >>> binary_crossentropy([1.0, 0.0], convert_to_tensor([0.0, 0.0]), from_logits=True).tolist() == [float(log(2.0))] * 2
        True
    """
    output = operand(output)
    output = output if output.dtype in FLOATS else cast(output, dtype=config.floatx())
    target, output = common_operands(target, output)
    if not _alike(target.shape, output.shape):
        raise _differ("binary_crossentropy", target, output)
    if from_logits:
        return add(multiply(target, softplus(negative(output))), multiply(subtract(1.0, target), softplus(output)))
    output = clip(output, config.epsilon(), 1.0 - config.epsilon())
    return negative(add(multiply(target, log(output)), multiply(subtract(1.0, target), log(subtract(1.0, output)))))


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target log(output)) over the axis of the classes.

    Args:
        target: one-hot rows, or probabilities.
        output: probabilities, or with `from_logits` what a softmax makes probabilities of.
        axis: of the classes.

    Raises:
        ValueError: different shapes.
    """
    target, output = common_operands(target, _predictions("categorical_crossentropy", output))
    if not _alike(target.shape, output.shape):
        raise _differ("categorical_crossentropy", target, output)
    return negative(sum(multiply(target, _log_probabilities(output, from_logits, axis)), axis))


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log(output) at the target's class.

    Args:
        target: integer classes, of the shape of `output` without the axis of the classes, or with a last axis of size 1.
        output: probabilities, or with `from_logits` what a softmax makes probabilities of.
        axis: of the classes.

    Raises:
        ValueError: other shapes.
    """
    target, output = operand(target), _predictions("sparse_categorical_crossentropy", output)
    if len(target.shape) == len(output.shape) and target.shape[-1] == 1:
        target = squeeze(target, -1)
    at = normalize_axis(axis, len(output.shape), "sparse_categorical_crossentropy")
    if not _alike(target.shape, output.shape[:at] + output.shape[at + 1:]):
        raise ValueError(f"[sparse_categorical_crossentropy] target has the shape {target.shape} and output {output.shape}: expected "
                         f"the shape of output without axis {axis}")
    hits = one_hot(cast(target, dtype="int64"), output.shape[at], axis=axis, dtype=output.dtype)
    return negative(sum(multiply(hits, _log_probabilities(output, from_logits, axis)), axis))
