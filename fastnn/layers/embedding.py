"""Embedding: rows of a table by their number; ReversibleEmbedding, which also goes back from rows to scores of numbers."""
import numpy as np

from .. import constraints, initializers, ops, regularizers
from ..device import BadIndex
from ..tensor import Operand
from .arguments import positive_integer
from .holder import NotBuilt
from .layer import Layer


class Embedding(Layer):
    """Turns whole numbers, such as those of words, into vectors: row i of a trained table stands for the number i.

    Args:
        input_dim: how many numbers there are; the input holds 0 ... input_dim - 1.
        output_dim: size of a vector.
        embeddings_initializer: where the table begins.
        embeddings_regularizer: penalty on the table.
        embeddings_constraint: what the table is put through after each update.
        mask_zero: whether 0 is padding, which layers behind this one leave out; `compute_mask` then says where there is none.
        weights: the table's values, an array (input_dim, output_dim) or a list of one.
        input_length: as in Keras 2: the length of the input, for the first layer of a Sequential, which is then built at once.
        lora_rank, lora_alpha, quantization_config: accepted only as None.
        Others: see `Layer`.

    Input:
        Whole numbers of any shape and dtype; of floats the fraction is dropped.

    Output:
        The input's shape, and an axis of output_dim.

    Weights:
        embeddings (input_dim, output_dim).

    Raises:
        ValueError: sizes that are no positive integers, `weights` of another shape; when called with numbers outside of
            0 ... input_dim - 1.

    Example:
        >>> fastnn.layers.Embedding(1000, 8)(np.array([[1, 7, 999]])).shape
        (1, 3, 8)
    """

    embeddings = NotBuilt()

    def __init__(self, input_dim, output_dim, embeddings_initializer="uniform", embeddings_regularizer=None,
                 embeddings_constraint=None, mask_zero=False, weights=None, lora_rank=None, lora_alpha=None,
                 quantization_config=None, **kwargs):
        length = kwargs.pop("input_length", None)
        if length is not None and not {"input_shape", "batch_input_shape"} & kwargs.keys():
            kwargs["input_shape"] = tuple(length) if isinstance(length, (tuple, list)) else (length,)
        super().__init__(lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config, **kwargs)
        self.input_dim, self.output_dim = positive_integer(input_dim, "input_dim"), positive_integer(output_dim, "output_dim")
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = bool(mask_zero)
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape=None):
        if not self.built:
            self.embeddings = self.add_weight(
                (self.input_dim, self.output_dim), name="embeddings", initializer=self.embeddings_initializer,
                regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint)

    def call(self, inputs):
        try:
            return ops.gather(self.embeddings, inputs, axis=0, wraps=False)
        except BadIndex as error:
            raise ValueError(self._bad_index(inputs, error)) from None

    def _bad_index(self, inputs, error):
        place = tuple(int(i) for i in np.unravel_index(error.position, inputs.shape)) if inputs.shape else ()
        value = "what is no number" if error.value == np.iinfo("int64").min else error.value
        return (f'Layer "{self.name}" (Embedding) has a table of input_dim={self.input_dim} rows, for indices 0 ... {self.input_dim - 1}. '
                f"Received: {value} at position {place} of an input of shape {tuple(inputs.shape)}. Make input_dim larger than the "
                "largest index, or number the words anew.")

    def compute_mask(self, inputs, previous_mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }


class ReversibleEmbedding(Embedding):
    """An Embedding that also goes back: called with `reverse=True` it multiplies vectors by the table, which gives each number
    a score, as the last layer of a language model does (Press & Wolf, 2016, https://arxiv.org/abs/1608.05859).

    Args:
        input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero: see `Embedding`.
        tie_weights: whether both ways have one table; else the way back has its own.
        reverse_dtype: dtype of the product on the way back; None: the layer's.
        logit_soft_cap: the scores s become `cap * tanh(s / cap)`; None: they stay.
        Others: see `Layer`.

    Input:
        As for `Embedding`; on the way back vectors (..., output_dim).

    Output:
        As for `Embedding`; on the way back scores (..., input_dim).

    Weights:
        embeddings (input_dim, output_dim); without tie_weights reverse_embeddings (output_dim, input_dim).

    Raises:
        ValueError: as `Embedding`.

    Example:
        >>> layer = fastnn.layers.ReversibleEmbedding(100, 8)
        >>> layer(layer(np.array([[1, 7]])), reverse=True).shape
        (1, 2, 100)
    """

    reverse_embeddings = NotBuilt()

    def __init__(self, input_dim, output_dim, tie_weights=True, embeddings_initializer="uniform", embeddings_regularizer=None,
                 embeddings_constraint=None, mask_zero=False, reverse_dtype=None, logit_soft_cap=None, **kwargs):
        self.tie_weights, self.reverse_dtype, self.logit_soft_cap = tie_weights, reverse_dtype, logit_soft_cap
        super().__init__(input_dim, output_dim, embeddings_initializer=embeddings_initializer,
                         embeddings_regularizer=embeddings_regularizer, embeddings_constraint=embeddings_constraint,
                         mask_zero=mask_zero, **kwargs)

    def build(self, input_shape=None):
        super().build(input_shape)
        if not self.tie_weights and "reverse_embeddings" not in self.__dict__:
            self.reverse_embeddings = self.add_weight((self.output_dim, self.input_dim), name="reverse_embeddings",
                                                      initializer=self.embeddings_initializer)

    def call(self, inputs, reverse=False):
        if not reverse:
            return super().call(inputs)
        kernel = self.embeddings if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.dtype
        inputs, kernel = [x if x.dtype == dtype else ops.cast(x, dtype=dtype) for x in (inputs, kernel)]
        scores = ops.matmul(inputs, kernel, transpose_b=bool(self.tie_weights))
        return scores if self.logit_soft_cap is None else ops.tanh(scores / self.logit_soft_cap) * self.logit_soft_cap

    def compute_mask(self, inputs, previous_mask=None):
        """As of `Embedding`; none on the way back, whose input are vectors."""
        forward = isinstance(inputs, Operand) and not inputs.dtype.startswith("float")
        return super().compute_mask(inputs, previous_mask) if forward else None

    def get_config(self):
        return {**super().get_config(), "tie_weights": self.tie_weights, "reverse_dtype": self.reverse_dtype,
                "logit_soft_cap": self.logit_soft_cap}
