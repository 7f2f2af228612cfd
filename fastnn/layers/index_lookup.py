"""IndexLookup: what StringLookup and IntegerLookup share: tokens, the number of each, and how they are learned, saved and restored."""
import os

import numpy as np

from .. import ops
from ..ops import SparseTensor
from ..tensor import Operand, Spec, Tensor
from ..utils.vocabulary import FILE, Counts, Vocabulary, read_lines, read_vocabulary, write_lines
from .adapting import OfVocabulary, batches_of
from .categories import check_sparse, encode, encoded_shape, output_mode

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(OfVocabulary):
    """Base of layers that turn tokens into their numbers in a vocabulary, or back.

    In the output, and in `get_vocabulary()`, come first the mask token (with "int" alone, and only if there is one), then the places
    of tokens that are not in the vocabulary, then the vocabulary.  Arguments: see StringLookup.
    """

    vocabulary_dtype = None     # "string" or "int64"
    _idf = None                 # Tensor (depth,): what counts are multiplied by

    def __init__(self, max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse, pad_to_max_tokens,
                 oov_method="floormod", salt=None, name=None, vocabulary_size=None, has_input_vocabulary=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.max_tokens, self.num_oov_indices, self.mask_token, self.oov_token = max_tokens, num_oov_indices, mask_token, oov_token
        self.invert, self.output_mode, self.sparse = bool(invert), _mode(type(self), output_mode), bool(sparse)
        self.pad_to_max_tokens, self.oov_method, self.salt = bool(pad_to_max_tokens), oov_method, hash_key(type(self), salt)
        self._check_arguments(idf_weights, vocabulary)
        self.autocast = False
        self._counts, self._vocabulary = Counts(), Vocabulary(start=self._token_start())
        # what goes into the config; a vocabulary from a file goes into a file
        in_file = vocabulary is None or isinstance(vocabulary, (str, os.PathLike))
        self._given = Given(None if in_file else self._as_tokens(vocabulary), idf_weights)
        self._is_given = vocabulary is not None if has_input_vocabulary is None else has_input_vocabulary
        self._frozen_size = vocabulary_size
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_arguments(self, idf_weights, vocabulary):
        name = type(self).__name__
        if self.max_tokens is not None and (not isinstance(self.max_tokens, (int, np.integer)) or self.max_tokens <= 1):
            raise ValueError(f"Argument `max_tokens` of {name} must be an integer above 1 or None. Received: {self.max_tokens!r}")
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(f"`pad_to_max_tokens=True` of {name} needs `max_tokens`")
        if not isinstance(self.num_oov_indices, (int, np.integer)) or self.num_oov_indices < 0:
            raise ValueError(f"Argument `num_oov_indices` of {name} must be an integer of at least 0. Received: {self.num_oov_indices!r}")
        if self.oov_method not in ("floormod", "farmhash"):
            raise ValueError(f"Argument `oov_method` of {name} must be 'floormod' or 'farmhash'. Received: {self.oov_method!r}")
        if self.salt and self.vocabulary_dtype != "string" and self.oov_method != "farmhash":
            raise ValueError(f"Argument `salt` of {name} is for oov_method='farmhash'. Received: salt={self.salt}")
        if self.invert and self.output_mode != "int":
            raise ValueError(f"Argument `output_mode` of {name} must be 'int' with invert=True. Received: {self.output_mode!r}")
        check_sparse(type(self), self.sparse, self.output_mode)
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(f"Argument `idf_weights` of {name} is for output_mode='tf_idf'. Received: output_mode={self.output_mode!r}")
        if self.output_mode == "tf_idf" and vocabulary is not None and idf_weights is None:
            raise ValueError(f"{name} with output_mode='tf_idf' needs `idf_weights` beside the vocabulary, a number for each token")

    # ---- The vocabulary ------------------------------------------------------------------------------------

    def _oov_start(self):
        return int(self.mask_token is not None and self.output_mode == "int")

    def _token_start(self):
        return self._oov_start() + self.num_oov_indices

    def _specials(self):
        return [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens=True):
        """The tokens in the order of their numbers; include_special_tokens: whether those for masks and unknown ones are among them."""
        return [*(self._specials() if include_special_tokens else []), *self._vocabulary.tokens]

    def vocabulary_size(self):
        """The number of tokens, those for masks and unknown ones too."""
        return len(self._vocabulary) + self._token_start()

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Sets the vocabulary in place of `adapt`.

        Args:
            vocabulary: list or array of tokens, with or without those for masks and unknown ones at the beginning; or the path of a
                file with a token in each line.
            idf_weights: with output_mode="tf_idf": a number for each token of `vocabulary`.

        Raises:
            ValueError: an empty vocabulary, tokens that come twice or stand for others, too many of them; a file that a model from
                elsewhere names.
        """
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            raise ValueError(f"`idf_weights` must be passed with output_mode='tf_idf', and not otherwise. Received: idf_weights={idf_weights} "
                             f"and output_mode={self.output_mode!r}")
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = self._from_lines(read_vocabulary(os.fspath(vocabulary)))
        tokens = self._as_tokens(vocabulary)
        if not tokens:
            raise ValueError(f'the vocabulary of layer "{self.name}" must not be empty')
        start, specials = self._token_start(), self._specials()
        has_specials = len(specials) > 0 and tokens[:start] == specials
        self._set_tokens(tokens[start:] if has_specials else tokens)
        if idf_weights is not None:
            self._set_idf(np.asarray(idf_weights, "float64"), len(tokens), 0 if has_specials else start)

    def _as_tokens(self, vocabulary):
        """A list of tokens, of Python's types."""
        tokens = np.asarray(vocabulary).reshape(-1).tolist() if isinstance(vocabulary, (np.ndarray, Tensor)) else list(vocabulary)
        kinds = (str, bytes) if self.vocabulary_dtype == "string" else (int, np.integer)
        wrong = next((token for token in tokens if not isinstance(token, kinds) or isinstance(token, bool)), None)
        if any(token is wrong for token in tokens) and not isinstance(wrong, kinds):
            raise ValueError(f'the vocabulary of layer "{self.name}" (of type {type(self).__name__}) must hold tokens of type {kinds[0].__name__}. '
                             f"Received: {wrong!r}")
        return [self._plain(token) for token in tokens]

    def _set_tokens(self, tokens):
        """Takes tokens for the vocabulary, those that stand for others left out."""
        vocabulary = Vocabulary(tokens, self._token_start())
        if len(vocabulary.numbers) < len(tokens):
            twice = sorted({token for token in tokens if tokens.count(token) > 1}, key=str) if len(tokens) < 10000 else "some"
            raise ValueError(f'the vocabulary of layer "{self.name}" has tokens that come twice: {twice}')
        for what, token in (("mask", self.mask_token), ("oov", self.oov_token if self.invert else None)):
            if token is not None and token in vocabulary.numbers:
                raise ValueError(f'the vocabulary of layer "{self.name}" has {what}_token={token!r} in it, at place {tokens.index(token)}: leave '
                                 f"such tokens out, or begin the vocabulary with all of them, {self._specials()}")
        size = len(tokens) + self._token_start()
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(f'the vocabulary of layer "{self.name}" has {size} tokens, with those for masks and unknown ones; max_tokens is '
                             f"{self.max_tokens}")
        if self.built and self._frozen_size not in (None, size) and self.output_mode != "int" and not self.pad_to_max_tokens:
            raise RuntimeError(f'Layer "{self.name}" was called with a vocabulary of {self._frozen_size} tokens, on which the width of its output '
                               f"depends: it cannot have {size} of them now. pad_to_max_tokens=True makes the width independent of it")
        self._vocabulary, self._frozen_size = vocabulary, size

    def _set_idf(self, weights, expected, missing):
        """Takes the weights of tokens: places before them get their mean, those behind them 0."""
        if weights.shape != (expected,):
            raise ValueError(f"`idf_weights` must be a vector with a number for each of the {expected} tokens. Received: shape {weights.shape}")
        found = np.zeros(self.depth)
        found[:missing] = weights.mean()
        found[missing:missing + expected] = weights
        self._idf = Tensor(found.astype(self.dtype))

    # ---- Learning ------------------------------------------------------------------------------------------

    def adapt(self, data, steps=None):
        """Makes a vocabulary of the tokens in data: the most frequent ones first, of equally frequent ones the last in their order.

        Args:
            data: list or array of tokens, each of its rows a document (which "tf_idf" counts); or batches of them: a generator, a data
                set (of (x, y): x counts).
            steps: how many batches are read; None: all.

        Raises:
            ValueError: no data; a layer that was given its vocabulary.
        """
        self.reset_state()
        for batch in batches_of(self, data, steps, (np.ndarray, Tensor, list, tuple), 2):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Counts the tokens of a batch more; a vector is one document."""
        self._check_adaptable()
        array = self._keys(data)
        rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(1, -1)
        self._count(rows.tolist())

    def _count(self, documents):
        self._counts.add(documents, self.output_mode == "tf_idf")

    def _check_adaptable(self):
        if self._is_given:
            raise ValueError(f'Layer "{self.name}" was given its vocabulary, which `adapt` cannot change: leave `vocabulary` out to have it found')

    def finalize_state(self):
        """Makes the vocabulary of what was counted."""
        if self._is_given:
            return
        if not self._counts.tokens:
            raise ValueError(f'`adapt` of layer "{self.name}" found no tokens in the data')
        limit = self.max_tokens and self.max_tokens - self._token_start()
        tokens = self._counts.most_frequent((self.mask_token, self.oov_token), limit)
        self._set_tokens(tokens)
        if self.output_mode == "tf_idf":
            weights = self._counts.inverse_document_frequency(tokens)
            self._set_idf(weights, len(tokens), self._token_start())
        self.reset_state()

    def reset_state(self):
        """Forgets what was counted."""
        self._counts = Counts()

    # ---- Call ----------------------------------------------------------------------------------------------

    @property
    def depth(self):
        """The width of outputs that are no numbers of tokens."""
        return self.max_tokens if self.pad_to_max_tokens else self._frozen_size

    def _prepare(self, inputs, also=()):
        if not self.built:
            self._build_for(None)
        return self._to_tensor(inputs)      # a list is one array of tokens

    def call(self, inputs):
        if self.output_mode != "int" and not self.pad_to_max_tokens and self._frozen_size is None:
            raise RuntimeError(f'Layer "{self.name}" has no vocabulary yet, on which the width of its output depends: call `adapt(data)`, or pass '
                               "`vocabulary`")
        if self.invert:
            return self._tokens(inputs)
        return self.encode_numbers(self._numbers(inputs))

    def encode_numbers(self, numbers):
        """Numbers of tokens (negative ones are dropped) in the output mode."""
        if self.output_mode == "int":
            return numbers
        tf_idf = self.output_mode == "tf_idf"
        found = encode(numbers, "count" if tf_idf else self.output_mode, self.depth, self.dtype, self.sparse)
        if not tf_idf:
            return found
        if self._idf is None:
            raise ValueError(f'Layer "{self.name}" has no `idf_weights` yet: call `adapt(data)`, or pass them with the vocabulary')
        if self.sparse:
            return SparseTensor(found.shape, found.indptr, found.indices, found.values * ops.take(self._idf, found.indices))
        return found * self._idf

    def compute_output_shape(self, input_shape):
        return encoded_shape(input_shape, self.output_mode, self.depth)

    def compute_output_spec(self, inputs):
        dtype = self.dtype if self.output_mode != "int" else self.vocabulary_dtype if self.invert else "int64"
        return Spec(self.compute_output_shape(inputs.shape), dtype)

    def _refuse_unknown(self, tokens):
        raise ValueError(f'Layer "{self.name}" has num_oov_indices=0, so that all inputs must be in its vocabulary. Received: {tokens[:10]}'
                         f"{' and others' if len(tokens) > 10 else ''}. num_oov_indices=1 gives them a number")

    # ---- Config and files ----------------------------------------------------------------------------------

    def get_config(self):
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in ("invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode",
                                                      "sparse", "pad_to_max_tokens", "oov_method", "salt")},
            "idf_weights": listed(self._given.idf_weights), "vocabulary": self._given.vocabulary and list(self._given.vocabulary),
            "vocabulary_size": self._frozen_size,
        }

    def save_own_variables(self, store):
        if self.output_mode == "tf_idf" and self._idf is not None:
            store["idf_weights"] = self._idf.numpy()

    def load_own_variables(self, store):
        if self.output_mode == "tf_idf" and "idf_weights" in store:
            self._idf = Tensor(np.asarray(store["idf_weights"], self.dtype))

    def save_assets(self, dir_path):
        if self._given.vocabulary is None and len(self._vocabulary):
            write_lines(dir_path, self.get_vocabulary(), self.name)

    def load_assets(self, dir_path):
        path = os.path.join(dir_path, FILE)
        if self._given.vocabulary is not None or not os.path.isfile(path):
            return
        tokens = self._as_tokens(self._from_lines(read_lines(path)))
        idf = self._idf
        start = self._token_start()
        self._set_tokens(tokens[start:] if tokens[:start] == self._specials() else tokens)
        self._idf = idf

    def _from_lines(self, lines):
        return lines


class Given:
    """What the user passed to a layer and its config keeps; an object, so that nobody looks for layers among its tokens."""

    def __init__(self, vocabulary, idf_weights):
        self.vocabulary, self.idf_weights = vocabulary, idf_weights


def listed(value):
    """Tokens or numbers as a list for a config; None stays."""
    if value is None:
        return None
    return np.asarray(value).tolist() if isinstance(value, (Operand, np.ndarray)) else list(value)


def hash_key(layer_class, salt):
    """The key of a hash, two integers, from the argument `salt`; None: there is none."""
    if salt is None:
        return None
    if isinstance(salt, (int, np.integer)) and not isinstance(salt, bool):
        return [int(salt), int(salt)]
    if isinstance(salt, (tuple, list)) and len(salt) == 2 and all(isinstance(one, (int, np.integer)) for one in salt):
        return [int(one) for one in salt]
    raise ValueError(f"Argument `salt` of {layer_class.__name__} must be an integer or two of them. Received: {salt!r}")


def _mode(layer_class, value):
    return output_mode(layer_class, value, MODES)
