"""What the layers of multi-head attention share: projections, masks, and the way from projected heads to their output."""
import math

from .. import constraints, initializers, ops, regularizers
from ..tensor import Spec
from .attention import causal_mask
from .einsum_dense import EinsumDense
from .kernel_layer import OPTIONS
from .calling import with_mask
from .layer import Layer
from .regularization import Dropout

WORDS = [f"{word}_{option}" for option in OPTIONS for word in ("kernel", "bias")]


class Heads(Layer):
    """Attention between projections of query, key and value; subclasses make these, `_query_dense` and so on, in `build`.

    Args:
        dropout, use_bias, use_gate, sliding_window, flash_attention, seed: see `MultiHeadAttention`.
        options: what the projections get: kernel_initializer and so on.
        **kwargs: of Layer.
    """

    float_inputs = True
    attention_axes = (1,)
    _gate_dense = None

    def __init__(self, dropout, use_bias, use_gate, sliding_window, flash_attention, seed, options, **kwargs):
        super().__init__(**kwargs)
        if sliding_window is not None and (not isinstance(sliding_window, int) or sliding_window <= 0):
            raise ValueError(f"`sliding_window` must be None or a positive integer. Received: sliding_window={sliding_window!r}")
        if flash_attention and dropout > 0:
            raise ValueError("flash_attention=True takes no dropout: set one of them to its default")
        known = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
        for name in WORDS:
            setattr(self, name, known[name.rpartition("_")[2]].get(options[name]))
        self.dropout, self.use_bias, self.use_gate, self.sliding_window, self.seed = dropout, use_bias, use_gate, sliding_window, seed
        self._flash_attention = bool(flash_attention)
        self.supports_masking = True

    def _projection(self, name, equation, output_shape, bias_axes, input_shape, **options):
        """A built EinsumDense with initializers of its own, so that no two projections begin alike."""
        for word in WORDS:
            value = getattr(self, word)
            options[word] = type(value).from_config(value.get_config()) if word.endswith("initializer") and hasattr(value, "get_config") else value
        layer = EinsumDense(equation, output_shape=output_shape, bias_axes=bias_axes if self.use_bias else None, name=name,
                            activity_regularizer=self._projections_regularizer(), dtype=self.dtype, **options)
        layer.build(input_shape)
        for weight in layer.weights:
            weight.path = f"{self.name}/{weight.path}"
        return layer

    def _finish_build(self):
        self._dropout_layer = Dropout(self.dropout, dtype=self.dtype, seed=self.seed)

    # ---- Masks ---------------------------------------------------------------------------------------------

    def _attention_mask(self, query, value, query_mask, value_mask, key_mask, attention_mask, causal):
        """Where a query sees a key: all masks that there are, as one of (batch, steps, steps of keys); None: everywhere."""
        masks = [] if attention_mask is None else [ops.cast(attention_mask, dtype="bool")]
        for mask, axis in ((query_mask, -1), (value_mask, -2), (key_mask, -2)):
            if mask is not None:
                masks.append(ops.expand_dims(ops.cast(mask, dtype="bool"), axis))
        if causal:
            masks.append(causal_mask(query.shape[1], value.shape[1]))
        if self.sliding_window is not None:
            masks.append(self._window_mask(query.shape[1], value.shape[1]))
        found = None
        for mask in masks:
            found = mask if found is None else ops.logical_and(found, mask)
        return found

    def _window_mask(self, queries, keys):
        distance = ops.reshape(ops.arange(queries), shape=(1, queries, 1)) - ops.reshape(ops.arange(keys), shape=(1, 1, keys))
        return ops.less(ops.abs(distance), self.sliding_window)

    # ---- Call ----------------------------------------------------------------------------------------------

    def call(self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
             return_attention_scores=False, training=None, use_causal_mask=False):
        if self._flash_attention and return_attention_scores:
            raise ValueError("flash_attention=True has no attention scores to return: set one of them to its default")
        key = value if key is None else key
        alone = use_causal_mask and self.sliding_window is None and \
            all(mask is None for mask in (query_mask, value_mask, key_mask, attention_mask))
        mask = None if alone else self._attention_mask(query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask)
        query, key, value = [with_mask(x, None) for x in (query, key, value)]       # the products inside heed none
        heads = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        y, scores = self._compute_attention(*heads, mask, training, return_attention_scores, alone)
        if self._gate_dense is not None:
            y = y * self._gate_dense(query)
        y = self._output_dense(y)
        return (y, scores) if return_attention_scores else y

    def _compute_attention(self, query, key, value, attention_mask=None, training=None, return_attention_scores=False, use_causal_mask=False):
        """The output of the heads, and the scores where they are in memory."""
        size = query.shape[-1]
        if self.dropout == 0 and not return_attention_scores and len(query.shape) == 4:
            mask = attention_mask
            if mask is not None and len(mask.shape) < 4:
                mask = ops.expand_dims(mask, tuple(range(-3, -3 - (4 - len(mask.shape)), -1))) if len(mask.shape) == 3 else mask
            return ops.dot_product_attention(query, key, value, mask=mask, scale=1 / math.sqrt(size), is_causal=use_causal_mask), None
        if use_causal_mask:
            attention_mask = causal_mask(query.shape[1], value.shape[1])
        scores_by, combine_by = self._equations(len(query.shape))
        key, value = self._repeated(key), self._repeated(value)
        scores = self._softmax(ops.einsum(scores_by, query * (1 / math.sqrt(size)), key), attention_mask)
        return ops.einsum(combine_by, self._dropout_layer(scores, training=training), value), scores

    def _repeated(self, heads):
        """Heads of keys or values, as many as of queries."""
        return heads

    def _equations(self, rank):
        """How heads (batch, axes, attention axes, heads, size) become scores (batch, axes, heads, attention axes of queries, those of
        keys), and scores and values the output."""
        queries = [chr(97 + i) for i in range(rank)]
        keys = [chr(97 + rank + i) if i in self.attention_axes else letter for i, letter in enumerate(queries)]
        others = [queries[i] for i in range(rank - 1) if i not in self.attention_axes]
        scores = "".join(others + [letters[i] for letters in (queries, keys) for i in self.attention_axes])
        queries, keys = "".join(queries), "".join(keys)
        return f"{queries},{keys}->{scores}", f"{scores},{keys}->{queries}"

    def _softmax(self, scores, mask):
        """Over the attention axes of the keys; zero where the mask is false."""
        count = len(self.attention_axes)
        if mask is not None:
            axis = -count * 2 - 1
            for _ in range(len(scores.shape) - len(mask.shape)):
                mask = ops.expand_dims(mask, axis)
            scores = ops.where(mask, scores, -1e9)
        lead = scores.shape[:-count]
        p = scores if count == 1 else ops.reshape(scores, shape=(*lead, -1))
        p = ops.softmax(p, axis=-1)
        p = p if count == 1 else ops.reshape(p, shape=scores.shape)
        return p if mask is None else ops.where(mask, p, 0.0)

    # ---- Shapes --------------------------------------------------------------------------------------------

    def compute_output_spec(self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
                            return_attention_scores=False, training=None, use_causal_mask=False):
        """The Specs of the output and, if they are wanted, of the scores."""
        key = value if key is None else key
        if not self.built:
            self.build(query.shape, value.shape, key.shape)
        y = Spec(self.compute_output_shape(query.shape, value.shape, key.shape), self.dtype)
        y.mask = query_mask
        if not return_attention_scores:
            return y
        axes = self.attention_axes
        others = [query.shape[i] for i in range(1, len(query.shape) - 1) if i not in axes]
        return y, Spec((query.shape[0], *others, self._heads(), *(x.shape[i] for x in (query, value) for i in axes)), self.dtype)

    def get_config(self):
        known = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
        return {
            **super().get_config(),
            **{key: getattr(self, key) for key in ("dropout", "use_bias", "use_gate", "sliding_window", "seed")},
            **{name: known[name.rpartition("_")[2]].serialize(getattr(self, name)) for name in WORDS},
            "activity_regularizer": regularizers.serialize(self._projections_regularizer()),
        }
