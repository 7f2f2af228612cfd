"""StringLookup: strings as their numbers in a vocabulary, and back."""
import numpy as np

from ..tensor import Spec, Tensor, look, text_tensor
from ..utils.hashing import hash_strings
from .index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """Strings as their numbers in a vocabulary, or with `invert` back.

    Args:
        max_tokens: the largest size of the vocabulary, with the tokens for masks and unknown strings; None: any.
        num_oov_indices: how many numbers there are for unknown strings, which a hash spreads over them; 0: they are an error.
        mask_token: what stands for no string: it gets the number 0 in "int", in other modes it is dropped; None: there is none.
        oov_token: what stands for unknown strings in `get_vocabulary` and, with `invert`, in the output.
        vocabulary: list or array of strings, or the path of a file with one in each line; None: `adapt` finds it.
        idf_weights: for "tf_idf": a number for each of them.
        invert: whether numbers come in and strings go out.
        output_mode: "int": the numbers; "one_hot": a row of zeros with a one for each of them (in the place of the last axis if its size
            is 1); "multi_hot": a row for each sample, with ones for the strings in it; "count": with how often each is in it; "tf_idf":
            that, times idf_weights.
        pad_to_max_tokens: whether these rows are as wide as max_tokens and not as the vocabulary.
        sparse: whether the output is a SparseTensor, which Dense takes; not with "int".
        encoding: taken for the sake of Keras.
        salt: an integer, or two: the key of the hash of unknown strings, which is SipHash then; None: FarmHash, without a key.
        name: see `Layer`.

    Input:
        Strings (in lists or arrays) of any shape; with `invert` integers.

    Output:
        int64 of the same shape; in other modes floats (..., size of the vocabulary); with `invert` a tensor of text.

    Raises:
        ValueError: arguments that contradict each other; see `set_vocabulary`, `adapt`.  RuntimeError: when called before there is a
            vocabulary, where the width of the output depends on it.

    Example:
        >>> layer = fastnn.layers.StringLookup(vocabulary=["a", "b"])
        >>> layer([["a", "b", "z"]]).tolist()
        [[1, 2, 0]]
        >>> fastnn.layers.StringLookup(vocabulary=["a", "b"], invert=True)([[1, 2, 0]]).tolist()
        [['a', 'b', '[UNK]']]
    """

    vocabulary_dtype = "string"
    reads_integers = True       # with `invert`

    def __init__(self, max_tokens=None, num_oov_indices=1, mask_token=None, oov_token="[UNK]", vocabulary=None, idf_weights=None, invert=False,
                 output_mode="int", pad_to_max_tokens=False, sparse=False, encoding="utf-8", name=None, salt=None, **kwargs):
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
                         pad_to_max_tokens, salt=salt, name=name, **kwargs)
        self.encoding = encoding
        self.reads_strings = not self.invert

    def _to_tensor(self, x):
        return super()._to_tensor(x) if self.invert or isinstance(x, Spec) else text_tensor(x)

    def _plain(self, token):
        return token if isinstance(token, str) else token.decode("utf-8")

    def _keys(self, data):
        return text_tensor(data).data

    def _numbers(self, inputs):
        """The numbers of strings; -1 for those that are dropped."""
        strings = look(inputs, "StringLookup").reshape(-1).tolist()
        return Tensor(self.numbers_of(strings).reshape(inputs.shape))

    def numbers_of(self, strings):
        """The numbers of a list of strings as an array; -1 for those that are dropped."""
        oov, unknown = self._oov_start(), -2
        numbers = self._vocabulary.numbers_of(strings, oov if self.num_oov_indices == 1 else unknown)
        if self.mask_token is not None:
            masked = np.array([string == self.mask_token for string in strings], bool)
            numbers[masked] = oov - 1       # 0 in "int"
        if self.num_oov_indices != 1:
            left = np.flatnonzero(numbers == unknown)
            others = [strings[i] for i in left]
            if others and not self.num_oov_indices:
                self._refuse_unknown(others)
            hashes = hash_strings([one.encode() for one in others], self.salt)
            numbers[left] = (hashes % np.uint64(max(self.num_oov_indices, 1))).astype("int64") + oov
        return numbers

    def _tokens(self, inputs):
        """The strings of numbers."""
        numbers = look(inputs, "StringLookup")
        strings = self._vocabulary.tokens_of(numbers, self.oov_token)
        found = np.empty(numbers.shape, object)
        found.reshape(-1)[:] = strings
        if self.mask_token is not None:
            found[numbers == 0] = self.mask_token
        return Tensor(found, found.shape, "string")

    def get_config(self):
        return {**super().get_config(), "encoding": self.encoding}
