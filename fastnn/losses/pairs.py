"""Losses of embeddings, which compare each sample with others."""
from .. import config, ops
from ..tensor import FLOATS, convert

NONE = -1e9     # in place of -inf: where a sample has no pairs, softplus makes 0 of it, with a gradient that is 0 too


def circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4):
    """Pulls embeddings of a label together and pushes others apart, the more the farther they are from where they should be.

    Args:
        y_true: integer labels, shape (n,) or (n, 1).
        y_pred: embeddings of length 1, shape (n, d).
        ref_labels, ref_embeddings: labels and embeddings to compare with; by default those of the batch itself.
        remove_diagonal: whether sample i is not compared with reference i: with itself, that is.
        gamma: scale of the similarities.
        margin: how strict the borders are.

    Returns:
        A loss for each sample; 0 for one that has no pair of its label or none of another.

    Source: Sun et al. 2020, "Circle Loss: A Unified Perspective of Pair Similarity Optimization".

    Example:
        >>> circle([0, 0, 1], [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]).shape
        (3,)
    """
    y_pred = convert(y_pred)
    if y_pred.dtype not in FLOATS:
        y_pred = convert(y_pred, config.floatx())
    others = y_pred if ref_embeddings is None else convert(ref_embeddings, y_pred.dtype)
    labels = _column("y_true", y_true, y_pred)
    of_others = labels if ref_labels is None else _column("ref_labels", ref_labels, others)
    distances = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(others)), 0.0)
    same = ops.equal(labels, ops.transpose(of_others))
    different = ops.logical_not(same)
    if remove_diagonal:
        same = ops.logical_and(same, ops.logical_not(ops.eye(labels.shape[0], of_others.shape[0], dtype="bool")))
    # distances beyond the borders weigh in proportion; the weights are no constants for the gradient, as in Keras
    pull = -gamma * ops.maximum(margin + distances, 0.0) * (margin - distances)
    push = gamma * ops.maximum(1 + margin - distances, 0.0) * (1 - margin - distances)
    pulled, pushed = [ops.logsumexp(ops.where(pairs, x, NONE), axis=1) for pairs, x in ((same, pull), (different, push))]
    return ops.softplus(pulled + pushed)


def _column(name, labels, embeddings):
    """Labels as an int32 column, one for each embedding."""
    labels = ops.cast(convert(labels), dtype="int32")
    if len(embeddings.shape) != 2 or labels.shape not in (embeddings.shape[:1], (embeddings.shape[0], 1)):
        raise ValueError(f"loss 'circle': expected one integer label in {name} for each embedding, an array of shape (n,) beside "
                         f"one of shape (n, d), received {labels.shape} and {embeddings.shape}")
    return ops.reshape(labels, shape=(-1, 1))
