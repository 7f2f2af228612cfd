"""Attention and AdditiveAttention: sums of values, weighted by how well their keys fit a query."""
from .. import ops, random
from ..tensor import Spec
from .layer import Layer


def causal_mask(queries, keys):
    """Booleans (1, queries, keys): whether a key stands no further behind than the query."""
    return ops.greater_equal(ops.reshape(ops.arange(queries), shape=(1, queries, 1)), ops.reshape(ops.arange(keys), shape=(1, 1, keys)))


class Attention(Layer):
    """softmax(query key^T) value: each query gets the mean of the values, weighted by how well their keys fit it
    (Luong et al., 2015, https://arxiv.org/abs/1508.04025).

    Args:
        use_scale: whether the scores are multiplied by a trained number.
        score_mode: "dot", or "concat": the sum of tanh(query + key), times a trained number.
        dropout: rate at which weights are dropped in training.
        seed: int, for dropout; None: drawn from the global generator.
        Others: see `Layer`.

    Input:
        A list: query (batch, steps, size), value (batch, steps of keys, size of values) and, where it is not the value,
        key (batch, steps of keys, size). When called: `mask`, a list of the masks of query and value; `return_attention_scores`,
        whether the weights are wanted, too; `use_causal_mask`, whether a query sees only keys that do not stand behind it.

    Output:
        (batch, steps, size of values), zero where the query's mask is false; with return_attention_scores also the weights
        (batch, steps, steps of keys).

    Weights:
        scale () with use_scale, concat_score_weight () with score_mode "concat".

    Raises:
        ValueError: another score_mode, inputs or masks that are no such lists.

    Example:
        >>> fastnn.layers.Attention()([np.ones((2, 3, 4)), np.ones((2, 5, 4))]).shape
        (2, 3, 4)
    """

    float_inputs = True

    def __init__(self, use_scale=False, score_mode="dot", dropout=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"Argument `score_mode` must be 'dot' or 'concat'. Received: score_mode={score_mode!r}")
        self.use_scale, self.score_mode, self.dropout, self.seed = use_scale, score_mode, dropout, seed
        if dropout > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.scale = self.concat_score_weight = None

    def build(self, input_shape):
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((), name="scale", initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), name="concat_score_weight", initializer="ones")

    def _check(self, inputs, mask=None):
        if not isinstance(inputs, list) or not 2 <= len(inputs) <= 3:
            raise ValueError(f"{type(self).__name__} must be called on a list: [query, value] or [query, value, key]. Received: {inputs}")
        if mask is not None and (not isinstance(mask, list) or not 2 <= len(mask) <= 3):
            raise ValueError(f"{type(self).__name__} takes a list of masks, [query_mask, value_mask]. Received: mask={mask}")

    def call(self, inputs, mask=None, training=False, return_attention_scores=False, use_causal_mask=False):
        self._check(inputs, mask)
        query, value, key = inputs[0], inputs[1], inputs[-1]
        if any(isinstance(x, Spec) for x in inputs):
            y, weights = Spec((*query.shape[:-1], value.shape[-1]), self.dtype), Spec((*query.shape[:-1], key.shape[-2]), self.dtype)
            return (y, weights) if return_attention_scores else y
        query_mask, value_mask = (mask[0], mask[1]) if mask else (None, None)
        dropped = training and self.dropout > 0
        if self._one_op(query) and value_mask is None and not dropped and not return_attention_scores:
            y, weights = self._attend(query, value, key, use_causal_mask), None
        else:
            y, weights = self._weigh(query, value, key, value_mask, use_causal_mask, dropped)
        if query_mask is not None:
            y = ops.where(ops.expand_dims(ops.cast(query_mask, dtype="bool"), -1), y, 0.0)
        return (y, weights) if return_attention_scores else y

    def _one_op(self, query):
        """Whether the scores are products, which one op makes and uses."""
        return self.score_mode == "dot" and len(query.shape) == 3

    def _attend(self, query, value, key, causal):
        query = query if self.scale is None else query * self.scale
        y = ops.dot_product_attention(*[ops.expand_dims(x, 2) for x in (query, key, value)], scale=1.0, is_causal=causal)
        return ops.squeeze(y, 2)

    def _weigh(self, query, value, key, value_mask, causal, dropped):
        """The output, and the weights in memory."""
        scores = self._scores(query, key)
        seen = None if value_mask is None else ops.expand_dims(ops.cast(value_mask, dtype="bool"), -2)
        if causal:
            before = causal_mask(*scores.shape[-2:])
            seen = before if seen is None else ops.logical_and(seen, before)
        if seen is not None:
            scores = ops.where(seen, scores, scores - 1e9)
        weights = ops.softmax(scores, axis=-1)
        if dropped:
            weights = ops.dropout(weights, self.seed_generator.state, rate=self.dropout)
        return ops.matmul(weights, value), weights

    def _scores(self, query, key):
        if self.score_mode == "dot":
            scores = ops.matmul(query, key, transpose_b=True)
            return scores if self.scale is None else scores * self.scale
        both = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        return self.concat_score_weight * ops.sum(ops.tanh(both if self.scale is None else self.scale * both), axis=-1)

    def compute_mask(self, inputs, previous_mask=None):
        """The query's."""
        self._check(inputs, previous_mask)
        return None if previous_mask is None or previous_mask[0] is None else previous_mask[0]

    def get_config(self):
        return {**super().get_config(), "use_scale": self.use_scale, "score_mode": self.score_mode, "dropout": self.dropout, "seed": self.seed}


class AdditiveAttention(Attention):
    """As `Attention`, with the sum of scale * tanh(query + key) as scores (Bahdanau et al., 2015, https://arxiv.org/abs/1409.0473).

    Args:
        use_scale: whether the terms of the sum are multiplied by trained numbers.
        dropout, seed: see `Attention`.
        Others: see `Layer`.

    Input, output, errors: as for `Attention`.

    Weights:
        scale (size,) with use_scale.

    Example:
        >>> fastnn.layers.AdditiveAttention()([np.ones((2, 3, 4)), np.ones((2, 5, 4))]).shape
        (2, 3, 4)
    """

    def __init__(self, use_scale=True, dropout=0.0, **kwargs):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape):
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((input_shape[0][-1],), name="scale", initializer="glorot_uniform")

    def _one_op(self, query):
        return False

    def _scores(self, query, key):
        terms = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(terms if self.scale is None else self.scale * terms, axis=-1)

    def get_config(self):
        config = super().get_config()
        del config["score_mode"]
        return config
