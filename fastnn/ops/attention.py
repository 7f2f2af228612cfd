"""Scaled dot-product attention."""
import math

from ..op import integers, normal, op
from ..tensor import FLOATS, Spec
from ._shapes import common_operands, operand
from .creation import arange
from .einsum import einsum
from .elementwise import add, cast, greater_equal, logical_and, where
from .loss import softmax
from .shape import expand_dims, reshape


def _check(query, key, value, mask):
    """Shapes that fit each other: their (batch, steps of queries, steps of keys, heads, heads of keys, size, size of values)."""
    shapes = query.shape, key.shape, value.shape
    if any(len(shape) != 4 for shape in shapes):
        raise ValueError("[dot_product_attention] query, key and value must have 4 axes: (batch, steps, heads, size). Received: shapes "
                         f"{', '.join(map(str, shapes))}")
    (b, t, n, h), (b2, s, g, h2), (b3, s2, g2, c) = shapes
    if len({b, b2, b3} - {None}) > 1 or len({s, s2} - {None}) > 1 or g != g2 or h != h2 or not g or n % g:
        raise ValueError("[dot_product_attention] expected a query (batch, steps, heads, size), a key (batch, steps of keys, heads of keys, "
                         "size) and a value (batch, steps of keys, heads of keys, size of values), heads a multiple of heads of keys. "
                         f"Received: query {query.shape}, key {key.shape}, value {value.shape}")
    if mask is not None and (len(mask.shape) != 4 or any(
            m not in (1, full, None) and full is not None for m, full in zip(mask.shape, (b, n, t, s)))):
        raise ValueError(f"[dot_product_attention] the mask must be broadcastable to (batch, heads, steps, steps of keys), here "
                         f"{(b, n, t, s)}. Received: shape {mask.shape}")
    return b, t, s, n, g, h, c


def _sizes(query, key, value, mask, scale, causal):
    """What the kernels take at their end."""
    (b, t, n, h), (_, s, g, c) = query.shape, value.shape
    steps, step = [], 1
    for size in reversed(mask.shape if mask is not None else ()):
        steps.insert(0, 0 if size == 1 else step)
        step *= size
    return b, t, s, n, g, h, c, scale, int(causal), *(steps or (0, 0, 0, 0))


_CASES = [((normal(2, 5, 3, 4), normal(2, 7, 3, 4), normal(2, 7, 3, 6)), {"scale": 0.5}),
          ((normal(2, 6, 2, 4), normal(2, 6, 2, 4), normal(2, 6, 2, 4)), {"scale": 0.7, "causal": True}),
          ((normal(2, 3, 4, 8), normal(2, 4, 2, 8), normal(2, 4, 2, 8)), {"scale": -0.3}),
          ((normal(1, 150, 2, 20), normal(1, 300, 1, 20), normal(1, 300, 1, 40)), {"scale": 0.2}),
          ((normal(3, 200, 2, 32), normal(3, 400, 2, 32), normal(3, 400, 2, 32)), {"scale": 0.2, "causal": True}),
          ((normal(2, 1, 3, 16), normal(2, 40, 3, 16), normal(2, 40, 3, 16)), {"scale": 0.25}),
          ((normal(2, 9, 4, 16), normal(2, 17, 4, 16), normal(2, 17, 4, 16), integers(2, 1, 9, 17, high=2, dtype="bool")), {"scale": 0.25}),
          ((normal(2, 9, 4, 5), normal(2, 70, 4, 5), normal(2, 70, 4, 5), integers(1, 4, 1, 70, high=2, dtype="bool")), {"scale": 1.0})]


@op
class attention:
    """softmax(scale * query key^T) value for each head, over the keys that the mask lets through; and the logarithms of the sums.

    See `dot_product_attention`.  A query that sees no key gets the mean of all values, and the logarithm -inf.
    """
    outputs = "y lse"
    cases = _CASES

    def spec(query, key, value, mask=None, *, scale, causal=False):
        b, t, _, n, _, _, c = _check(query, key, value, mask)
        if query.dtype not in FLOATS or not query.dtype == key.dtype == value.dtype or mask is not None and mask.dtype != "bool":
            raise ValueError("[attention] query, key and value must be of the same float type, the mask of bool. Received: "
                             f"{query.dtype}, {key.dtype}, {value.dtype}{'' if mask is None else f', {mask.dtype}'}")
        return Spec((b, t, n, c), query.dtype), Spec((b, n, t), query.dtype)

    def cpu(query, key, value, mask, y, lse, *, scale, causal):
        return "attention", (query, key, value, mask, y, lse, *_sizes(query, key, value, mask, scale, causal))

    def flops(query, key, value): return 2 * query.size * key.shape[1] + 2 * query.size // max(1, query.shape[3]) * key.shape[1] * value.shape[3]

    def vjp(dy, dlse, query, key, value, mask, y, lse, scale, causal):
        return (*attention_grad(dy, dlse, query, key, value, mask, y, lse, scale=scale, causal=causal), None)


@op
class attention_grad:
    """The gradients of `attention` with regard to query, key and value: the scores are computed once more."""
    outputs = "dq dk dv"
    cases = [((normal(*q.shape[:3], v.shape[3]), None, q, k, v, mask[0] if mask else None, normal(*q.shape[:3], v.shape[3]),
               normal(q.shape[0], q.shape[2], q.shape[1])), attributes) for (q, k, v, *mask), attributes in _CASES]

    def spec(dy, dlse=None, query=None, key=None, value=None, mask=None, y=None, lse=None, *, scale, causal=False):
        return query, key, value

    def cpu(dy, dlse, query, key, value, mask, y, lse, dq, dk, dv, *, scale, causal):
        return "attention_grad", (dy, dlse, query, key, value, mask, y, lse, dq, dk, dv, *_sizes(query, key, value, mask, scale, causal))

    def flops(query, key, value): return 6 * query.size * key.shape[1] + 4 * query.size // max(1, query.shape[3]) * key.shape[1] * value.shape[3]


def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None,
                          attn_logits_soft_cap=None):
    """softmax(scale * query key^T + bias) value for each head (Vaswani et al., 2017, https://arxiv.org/abs/1706.03762).

    Args:
        query: tensor (batch, steps, heads, size).
        key: tensor (batch, steps of keys, heads of keys, size); each head of keys serves heads / heads of keys heads of queries.
        value: tensor (batch, steps of keys, heads of keys, size of values).
        bias: what is added to the scores, broadcastable to (batch, heads, steps, steps of keys).
        mask: where a query sees a key, booleans broadcastable to the same.
        scale: number; None: 1 / sqrt(size).
        is_causal: whether a query sees only keys that do not stand behind it.
        flash_attention: accepted, and not used: there is one way of computing it.
        attn_logits_soft_cap: accepted only as None.

    Returns:
        Tensor (batch, steps, heads, size of values).

    Raises:
        ValueError: shapes that do not fit.

    Example:
        >>> q = np.ones((2, 4, 8, 16))
        >>> fastnn.ops.dot_product_attention(q, q, q).shape
        (2, 4, 8, 16)
    """
    if attn_logits_soft_cap is not None:
        raise ValueError("[dot_product_attention] takes attn_logits_soft_cap only as None, as Keras does outside of TPUs")
    query, key, value = common_operands(query, key, value)
    mask = None if mask is None else _four_axes(cast(mask, dtype="bool"))
    sizes = _check(query, key, value, mask)
    scale = 1 / math.sqrt(sizes[5]) if scale is None else float(scale)
    if bias is None:
        return attention(query, key, value, mask, scale=scale, causal=bool(is_causal))[0]
    return _with_bias(query, key, value, cast(operand(bias), dtype=query.dtype), mask, scale, is_causal, sizes)


def _four_axes(x):
    return expand_dims(x, tuple(range(4 - len(x.shape)))) if len(x.shape) < 4 else x


def _with_bias(query, key, value, bias, mask, scale, is_causal, sizes):
    """The same with the scores in memory: they have a bias, which has a gradient."""
    b, t, s, n, g, h, c = sizes
    if isinstance(query, Spec) or isinstance(key, Spec) or isinstance(value, Spec):
        return Spec((b, t, n, c), query.dtype)
    scores = einsum("btgrh,bsgh->bgrts", reshape(query, shape=(b, t, g, n // g, h)) * scale, key)
    scores = add(reshape(scores, shape=(b, n, t, s)), bias)
    if is_causal:
        causal = greater_equal(reshape(arange(t), shape=(1, 1, t, 1)), reshape(arange(s), shape=(1, 1, 1, s)))
        mask = causal if mask is None else logical_and(mask, causal)
    if mask is not None:
        scores = where(mask, scores, -1e30)
    p = reshape(softmax(scores, axis=-1), shape=(b, g, n // g, t, s))
    return reshape(einsum("bgrts,bsgc->btgrc", p, value), shape=(b, t, n, c))
