"""MultiHeadAttention and GroupedQueryAttention, which Keras exports as GroupQueryAttention."""
from .. import ops, regularizers
from .arguments import positive_integer
from .attention_heads import Heads


def _projection_equation(free, bound, made):
    """An equation for EinsumDense that keeps `free` axes, sums over `bound` and makes `made`: it, and the letters that are made."""
    letters = [chr(97 + i) for i in range(free + bound + made)]
    kept, summed, new = ("".join(part) for part in (letters[:free], letters[free:free + bound], letters[free + bound:]))
    return f"{kept}{summed},{summed}{new}->{kept}{new}", new


class MultiHeadAttention(Heads):
    """Several attentions side by side, each between projections of its own, and a projection of what they give
    (Vaswani et al., 2017, https://arxiv.org/abs/1706.03762).

    Args:
        num_heads: how many attentions.
        key_dim: size of the projected queries and keys.
        value_dim: size of the projected values; None: key_dim.
        dropout: rate at which weights of values are dropped in training.
        use_bias: whether projections have biases.
        output_shape: what takes the place of the query's last axis, an int or a tuple; None: it stays as it is.
        attention_axes: the axes that attention runs over; None: all but batch, heads and last.
        sliding_window: a query sees keys that are less than so many steps away; None: all.
        flash_attention: accepted; where True, neither dropout nor scores are possible, as in Keras.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint: of the projections, objects or names.
        use_gate: whether the output of the heads is multiplied by sigmoids of a projection of the query.
        seed: int, for dropout; None: drawn from the global generator.
        Others: see `Layer`.

    Input:
        `query` (batch, steps, size), `value` (batch, steps of keys, size of values) and, where it is not the value, `key`
        (batch, steps of keys, size of keys); with attention_axes more axes. Further arguments of the call: `attention_mask`, booleans
        (batch, steps, steps of keys) or with an axis for the heads; `query_mask`, `value_mask`, `key_mask`, booleans (batch, steps), which
        else come with the tensors; `return_attention_scores`; `use_causal_mask`, whether a query sees only keys that do not stand
        behind it.

    Output:
        (batch, steps, size); with return_attention_scores also the weights (batch, heads, steps, steps of keys).

    Weights:
        query/kernel (size, num_heads, key_dim), query/bias (num_heads, key_dim), those of key, of the gate and of value, and
        attention_output/kernel (num_heads, value_dim, size), attention_output/bias (size,).

    Raises:
        ValueError: values that are not as said above; shapes that do not fit.

    Example:
        >>> layer = fastnn.layers.MultiHeadAttention(num_heads=2, key_dim=4)
        >>> layer(np.ones((2, 5, 8)), np.ones((2, 7, 8))).shape
        (2, 5, 8)
    """

    def __init__(self, num_heads, key_dim, value_dim=None, dropout=0.0, use_bias=True, output_shape=None, attention_axes=None,
                 sliding_window=None, flash_attention=None, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, use_gate=False, seed=None, **kwargs):
        options = dict(kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                       bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        super().__init__(dropout, use_bias, use_gate, sliding_window, flash_attention, seed, options, **kwargs)
        self.num_heads, self.key_dim = positive_integer(num_heads, "num_heads"), positive_integer(key_dim, "key_dim")
        self.value_dim = self.key_dim if value_dim is None else positive_integer(value_dim, "value_dim")
        self._projected = regularizers.get(activity_regularizer)
        self._output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape) if output_shape else None
        if attention_axes is not None and not isinstance(attention_axes, (int, list, tuple)):
            raise ValueError(f"`attention_axes` must be an int, list or tuple. Received: attention_axes={attention_axes!r}")
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes

    def _projections_regularizer(self):
        return self._projected

    def _heads(self):
        return self.num_heads

    def build(self, query_shape, value_shape, key_shape=None):
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(value_shape, key_shape)
        rank = len(value_shape)
        self._query_dense = self._heads_of("query", query_shape, self.key_dim)
        self._key_dense = self._heads_of("key", key_shape, self.key_dim)
        if self.use_gate:
            self._gate_dense = self._heads_of("gate", query_shape, self.value_dim, activation="sigmoid")
        self._value_dense = self._heads_of("value", value_shape, self.value_dim)
        axes = range(1, rank - 1) if self.attention_axes is None else [a if a >= 0 else rank + a for a in self.attention_axes]
        self.attention_axes = tuple(axes)
        self._finish_build()
        made = self._output_shape or (query_shape[-1],)
        equation, letters = _projection_equation(len(query_shape) - 1, 2, len(made))
        self._output_dense = self._projection("attention_output", equation, (None,) * (len(query_shape) - 2) + made, letters,
                                              (*query_shape[:-1], self.num_heads, self.value_dim))

    def _heads_of(self, name, shape, size, **options):
        equation, letters = _projection_equation(len(shape) - 1, 1, 2)
        return self._projection(name, equation, (None,) * (len(shape) - 2) + (self.num_heads, size), letters, shape, **options)

    def _check_shapes(self, value_shape, key_shape):
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(f"value and key must have the same axes but for the last. Received: value of shape {tuple(value_shape)} and key of "
                             f"shape {tuple(key_shape)}")

    def compute_output_shape(self, query_shape, value_shape, key_shape=None):
        self._check_shapes(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *self._output_shape) if self._output_shape else tuple(query_shape)

    saved_properties = ("query_dense", "key_dense", "value_dense", "output_dense")
    query_dense = property(lambda self: self._query_dense, doc="The projection of queries.")
    key_dense = property(lambda self: self._key_dense, doc="The projection of keys.")
    value_dense = property(lambda self: self._value_dense, doc="The projection of values.")
    output_dense = property(lambda self: self._output_dense, doc="The projection of what the heads give.")

    def get_config(self):
        keys = ("num_heads", "key_dim", "value_dim", "attention_axes")
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}, "output_shape": self._output_shape}


class GroupedQueryAttention(Heads):
    """MultiHeadAttention in which several heads of queries share one of keys and values
    (Ainslie et al., 2023, https://arxiv.org/abs/2305.13245).

    Args:
        head_dim: size of a head.
        num_query_heads: heads of queries.
        num_key_value_heads: heads of keys and values, of which the former is a multiple.
        Others: see `MultiHeadAttention`.

    Input, output: as for `MultiHeadAttention`, tensors of three axes.

    Weights:
        As of `MultiHeadAttention`; those of key and value have num_key_value_heads heads.

    Raises:
        ValueError: heads that do not divide, and as `MultiHeadAttention`.

    Example:
        >>> layer = fastnn.layers.GroupQueryAttention(head_dim=4, num_query_heads=6, num_key_value_heads=2)
        >>> layer(np.ones((2, 5, 8)), np.ones((2, 7, 8))).shape
        (2, 5, 8)
    """

    def __init__(self, head_dim, num_query_heads, num_key_value_heads, dropout=0.0, use_bias=True, sliding_window=None,
                 flash_attention=None, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None, use_gate=False,
                 seed=None, **kwargs):
        options = dict(kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                       bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        super().__init__(dropout, use_bias, use_gate, sliding_window, flash_attention, seed, options,
                         activity_regularizer=activity_regularizer, **kwargs)
        self.head_dim, self.num_query_heads = positive_integer(head_dim, "head_dim"), positive_integer(num_query_heads, "num_query_heads")
        self.num_key_value_heads = positive_integer(num_key_value_heads, "num_key_value_heads")
        if num_query_heads % num_key_value_heads:
            raise ValueError(f"`num_query_heads` must be a multiple of `num_key_value_heads`. Received: {num_query_heads} and {num_key_value_heads}")
        self.num_repeats = num_query_heads // num_key_value_heads

    def _projections_regularizer(self):
        return self.activity_regularizer

    def _heads(self):
        return self.num_query_heads

    def _repeated(self, heads):
        return ops.repeat(heads, self.num_repeats, axis=2)

    def build(self, query_shape, value_shape, key_shape=None):
        key_shape = value_shape if key_shape is None else key_shape
        queries, keys = (None, self.num_query_heads, self.head_dim), (None, self.num_key_value_heads, self.head_dim)
        self._query_dense = self._projection("query", "bqm,muh->bquh", queries, "uh", query_shape)
        self._key_dense = self._projection("key", "bkm,mvh->bkvh", keys, "vh", key_shape)
        if self.use_gate:
            self._gate_dense = self._projection("gate", "bqm,muh->bquh", queries, "uh", query_shape, activation="sigmoid")
        self._value_dense = self._projection("value", "bkm,mvh->bkvh", keys, "vh", value_shape)
        self._finish_build()
        self._output_dense = self._projection("attention_output", "bquh,uhm->bqm", (None, query_shape[-1]), "m",
                                              (None, None, self.num_query_heads, self.head_dim))

    def compute_output_shape(self, query_shape, value_shape, key_shape=None):
        return tuple(query_shape)

    def get_config(self):
        keys = ("head_dim", "num_query_heads", "num_key_value_heads")
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}}


GroupQueryAttention = GroupedQueryAttention
