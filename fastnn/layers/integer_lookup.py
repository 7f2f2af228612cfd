"""IntegerLookup: integers as their numbers in a vocabulary, and back."""
import numpy as np

from .. import ops
from ..tensor import Tensor, as_array, look
from ..utils.hashing import decimals, hash_strings
from .index_lookup import IndexLookup


class IntegerLookup(IndexLookup):
    """Integers, as postal codes or products, as their numbers in a vocabulary, or with `invert` back.

    Args:
        max_tokens, num_oov_indices, idf_weights, invert, output_mode, pad_to_max_tokens, sparse, name: see `StringLookup`.
        mask_token: the integer that stands for nothing; None: there is none.
        oov_token: what stands for unknown integers in `get_vocabulary` and, with `invert`, in the output.
        vocabulary: list or array of integers, or the path of a file with one in each line; None: `adapt` finds it.
        vocabulary_dtype: "int64".
        oov_method: how unknown integers are spread over num_oov_indices > 1 numbers: "floormod": by the rest of their division;
            "farmhash": by a hash.
        salt: for "farmhash": as of `StringLookup`.

    Input:
        Integers of any shape.

    Output:
        int64 of the same shape; in other modes floats (..., size of the vocabulary).

    Raises:
        As `StringLookup`.

    Example:
        >>> layer = fastnn.layers.IntegerLookup(vocabulary=[12, 36, 1138])
        >>> layer([[12, 1138, 42]]).tolist()
        [[1, 3, 0]]
    """

    vocabulary_dtype = "int64"
    reads_integers = True

    def __init__(self, max_tokens=None, num_oov_indices=1, mask_token=None, oov_token=-1, vocabulary=None, vocabulary_dtype="int64",
                 idf_weights=None, invert=False, output_mode="int", sparse=False, pad_to_max_tokens=False, oov_method="floormod", salt=None,
                 name=None, **kwargs):
        if vocabulary_dtype != "int64":
            raise ValueError(f"Argument `vocabulary_dtype` of IntegerLookup must be 'int64'. Received: {vocabulary_dtype!r}")
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
                         pad_to_max_tokens, oov_method, salt, name, **kwargs)

    def _plain(self, token):
        return int(token)

    def _from_lines(self, lines):
        try:
            return [int(line) for line in lines]
        except ValueError:
            raise ValueError(f'the vocabulary of layer "{self.name}" must hold an integer in each line of its file') from None

    def _keys(self, data):
        array = as_array(data)
        if array.dtype.kind not in "iub":
            raise ValueError(f'Layer "{self.name}" (of type IntegerLookup) takes integers. Received: an array of dtype {array.dtype}')
        return array.astype("int64")

    def _set_tokens(self, tokens):
        super()._set_tokens(tokens)
        self._table = [Tensor(part) for part in self._vocabulary.sorted()]

    def _numbers(self, inputs):
        """The numbers of integers, by ops, so that plans hold them; -1 for those that are dropped."""
        x = ops.cast(inputs, "int64")
        oov = self._oov_start()
        hit, numbers = self._found(x)
        masked = None if self.mask_token is None else ops.equal(x, self.mask_token)
        if self.num_oov_indices == 0:
            known = hit if masked is None else ops.logical_or(hit, masked)
            self._check_known(inputs, look(known, "IntegerLookup with num_oov_indices=0"))
        elif self.num_oov_indices == 1:
            numbers = ops.where(hit, numbers, oov)
        else:
            numbers = ops.where(hit, numbers, self._spread(x) + oov)
        numbers = ops.cast(numbers, "int64")
        return numbers if masked is None else ops.cast(ops.where(masked, oov - 1, numbers), "int64")

    def _found(self, x):
        """(which integers are in the vocabulary, their numbers)"""
        if not len(self._vocabulary):
            return ops.zeros(x.shape, "bool"), ops.zeros(x.shape, "int64")
        keys, numbers = self._table
        place = ops.minimum(ops.searchsorted(keys, ops.reshape(x, (-1,))), len(self._vocabulary) - 1)
        place = ops.reshape(place, x.shape)
        return ops.equal(ops.take(keys, place), x), ops.take(numbers, place)

    def _spread(self, x):
        """Unknown integers spread over the numbers that there are for them."""
        if self.oov_method == "floormod":
            return ops.mod(x, self.num_oov_indices)
        hashes = hash_strings(decimals(look(x, "IntegerLookup with oov_method='farmhash'")), self.salt)
        return Tensor((hashes % np.uint64(self.num_oov_indices)).astype("int64").reshape(x.shape))

    def _check_known(self, inputs, known):
        if not known.all():
            self._refuse_unknown(look(inputs, "IntegerLookup")[~known].tolist())

    def _tokens(self, inputs):
        """The integers of numbers."""
        numbers = look(inputs, "IntegerLookup with invert=True")
        found = np.array(self._vocabulary.tokens_of(numbers, self.oov_token), "int64").reshape(numbers.shape)
        if self.mask_token is not None:
            found[numbers == 0] = self.mask_token
        return Tensor(found)

    def get_config(self):
        return {**super().get_config(), "vocabulary_dtype": self.vocabulary_dtype}
