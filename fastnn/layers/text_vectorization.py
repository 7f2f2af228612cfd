"""TextVectorization: texts as the numbers of their words."""
import numpy as np

from ..tensor import Spec, Tensor, look, text_tensor
from ..utils.serialization import deserialize, serialize
from ..utils.words import STANDARDS, ngrams, split_at_spaces, standardized
from .adapting import OfVocabulary, batches_of
from .categories import output_mode
from .index_lookup import MODES, listed
from .string_lookup import StringLookup


class TextVectorization(OfVocabulary):
    """Texts as the numbers of their words: standardized, split into words, joined to n-grams, looked up in a vocabulary.

    Args:
        max_tokens: the largest size of the vocabulary, with the tokens for padding and unknown words; None: any.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function from an array of strings to one.  As in
            Keras only ASCII letters become lower case, and only ASCII punctuation goes.
        split: "whitespace", "character", None (the last axis of the input holds the words), or a function from an array of strings to
            lists of words.
        ngrams: runs of up to so many words are tokens, too; of a tuple: runs of these lengths are the tokens; None: words are.
        output_mode: "int": the numbers of the words, 0 where a text is at its end, 1 for words that are not in the vocabulary; "one_hot",
            "multi_hot", "count", "tf_idf": see `StringLookup`; there the unknown words have number 0, and no padding is needed.
        output_sequence_length: for "int": texts are padded or cut to it; None: padded to the longest of the batch.
        pad_to_max_tokens: whether rows of the other modes are as wide as max_tokens and not as the vocabulary.
        vocabulary: list or array of words, or the path of a file with one in each line; None: `adapt` finds it.
        idf_weights: for "tf_idf": a number for each of them.
        sparse: whether rows come as a SparseTensor, which Dense takes; not with "int".
        ragged: only False: rows of unequal lengths are no tensor here.
        encoding: taken for the sake of Keras.
        name, trainable, dtype: see `Layer`.

    Input:
        Texts, (batch,) or (batch, 1), in lists or arrays; one text gives one row without a batch axis.

    Output:
        int64 (batch, length); in other modes floats (batch, size of the vocabulary).

    Raises:
        ValueError: arguments that contradict each other; several texts in a row where they are to be split; see `StringLookup`.

    Example:
        >>> layer = fastnn.layers.TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["The cat sat.", "The dog!"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'the', 'sat', 'dog', 'cat']
        >>> layer(["the cat ate the dog", "cat"]).tolist()
        [[2, 5, 1, 2], [5, 0, 0, 0]]
    """

    reads_strings = True

    def __init__(self, max_tokens=None, standardize="lower_and_strip_punctuation", split="whitespace", ngrams=None, output_mode="int",
                 output_sequence_length=None, pad_to_max_tokens=False, vocabulary=None, idf_weights=None, sparse=False, ragged=False,
                 encoding="utf-8", name=None, **kwargs):
        more = {key: kwargs.pop(key) for key in ("has_input_vocabulary", "vocabulary_size") if key in kwargs}
        super().__init__(name=name, **kwargs)
        self.output_mode = _mode(type(self), output_mode)
        check_arguments(standardize, split, ngrams, self.output_mode, output_sequence_length, ragged)
        self.standardize, self.split, self.ngrams, self.output_sequence_length = standardize, split, ngrams, output_sequence_length
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, pad_to_max_tokens=pad_to_max_tokens, mask_token="",
            output_mode=self.output_mode, sparse=sparse, encoding=encoding, dtype=self.dtype, **more)
        self.autocast = False

    # ---- The vocabulary ------------------------------------------------------------------------------------

    def get_vocabulary(self, include_special_tokens=True):
        """The words in the order of their numbers; include_special_tokens: whether those for padding and unknown words are among them."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self):
        """The number of words, those for padding and unknown words too."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Sets the vocabulary in place of `adapt`: see `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def adapt(self, data, batch_size=None, steps=None):
        """Makes a vocabulary of the words in texts: the most frequent ones first, of equally frequent ones the last in their order.

        Args:
            data: list or array of texts; or batches of them: a generator, a data set (of (x, y): x counts).
            batch_size: taken for the sake of Keras.
            steps: how many batches are read; None: all.

        Raises:
            ValueError: no data, or no words in it; a layer that was given its vocabulary.
        """
        self.reset_state()
        for batch in batches_of(self, data, steps, (np.ndarray, Tensor, list, tuple), 2):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Counts the words of a batch more."""
        self._lookup_layer._check_adaptable()
        self._lookup_layer._count(self._documents(text_tensor(data).data)[0])

    def finalize_state(self):
        """Makes the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self):
        """Forgets what was counted."""
        self._lookup_layer.reset_state()

    # ---- Call ----------------------------------------------------------------------------------------------

    def _prepare(self, inputs, also=()):
        if not self.built:
            self._build_for(None)
            self._lookup_layer.built = True
        return inputs if isinstance(inputs, Spec) else text_tensor(inputs)

    def _documents(self, texts):
        """(list of lists of words, shape of the axes before the words) of an array of strings."""
        shape = texts.shape
        if callable(self.standardize):
            texts = text_tensor(self.standardize(texts.astype(str))).data
        elif self.standardize is not None:
            texts = np.array(standardized(texts.reshape(-1).tolist(), self.standardize), object).reshape(shape)
        if self.split is None:
            rows = texts.reshape(-1, shape[-1] if len(shape) > 1 else 1).tolist()
            return self._joined(rows), shape[:-1] if len(shape) > 1 else shape
        if len(shape) > 1 and shape[-1] != 1:
            raise ValueError(f"texts that are to be split must come as (batch,) or (batch, 1). Received: an input of shape {shape}; split=None is "
                             "for words that are split already")
        lead = shape[:-1] if len(shape) > 1 else shape
        texts = texts.reshape(-1)
        if callable(self.split):
            rows = [[str(word) for word in words] for words in self.split(texts.astype(str))]
            if len(rows) != len(texts):
                raise ValueError(f"the function `split` must give a list of words for each text, it gave {len(rows)} of them for {len(texts)} texts")
        else:
            rows = list(map(list if self.split == "character" else split_at_spaces, texts.tolist()))
        return self._joined(rows), lead

    def _joined(self, rows):
        """The n-grams of rows of words."""
        if self.ngrams is None:
            return rows
        widths = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [ngrams(words, widths) for words in rows]

    def call(self, inputs):
        rows, lead = self._documents(look(inputs, "TextVectorization"))
        limit = self.output_sequence_length
        if limit is not None:
            rows = [words[:limit] for words in rows]
        lengths = np.fromiter(map(len, rows), "int64", len(rows))
        width = int(max(lengths, default=0)) if limit is None else limit
        numbers = np.full((len(rows), width), 0 if self.output_mode == "int" else -1, "int64")
        numbers[np.arange(width) < lengths[:, None]] = self._lookup_layer.numbers_of([word for words in rows for word in words])
        if self.split is None and len(inputs.shape) < 2 and self.output_mode == "int" and limit is None:
            return Tensor(numbers.reshape(lead))        # words alone
        return self._lookup_layer.encode_numbers(Tensor(numbers.reshape(*lead, width)))

    def compute_output_shape(self, input_shape):
        if self.split is None:
            if len(input_shape) < 2:
                alone = self.output_mode == "int" and self.output_sequence_length is None
                return tuple(input_shape) if alone else self._lookup_layer.compute_output_shape((*input_shape, self.output_sequence_length))
            return self._lookup_layer.compute_output_shape((*input_shape[:-1], self.output_sequence_length or input_shape[-1]))
        lead = input_shape[:-1] if len(input_shape) > 1 and input_shape[-1] == 1 else input_shape
        return self._lookup_layer.compute_output_shape((*lead, self.output_sequence_length))

    def compute_output_spec(self, inputs):
        return Spec(self.compute_output_shape(inputs.shape), "int64" if self.output_mode == "int" else self.dtype)

    # ---- Config and files ----------------------------------------------------------------------------------

    def get_config(self):
        lookup = self._lookup_layer
        return {
            **super().get_config(), "max_tokens": lookup.max_tokens, "standardize": serialize(self.standardize), "split": serialize(self.split),
            "ngrams": self.ngrams, "output_mode": self.output_mode, "output_sequence_length": self.output_sequence_length,
            "pad_to_max_tokens": lookup.pad_to_max_tokens, "sparse": lookup.sparse, "ragged": False,
            "vocabulary": lookup._given.vocabulary and list(lookup._given.vocabulary),
            "idf_weights": listed(lookup._given.idf_weights), "encoding": lookup.encoding,
            "vocabulary_size": self.vocabulary_size() if lookup._frozen_size is None else lookup._frozen_size,
        }

    @classmethod
    def from_config(cls, config):
        config = {**config, **{key: deserialize(config[key]) for key in ("standardize", "split") if isinstance(config.get(key), dict)}}
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return super().from_config(config)

    def save_own_variables(self, store):
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store):
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path):
        """Writes the vocabulary into a folder."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path):
        """Reads the vocabulary from a folder."""
        self._lookup_layer.load_assets(dir_path)


def _mode(layer_class, value):
    return output_mode(layer_class, value, MODES)


def check_arguments(standardize, split, ngrams, mode, length, ragged):
    """Raises ValueError for values that TextVectorization does not know."""
    if standardize is not None and not callable(standardize) and standardize not in STANDARDS:
        raise ValueError(f"Argument `standardize` of TextVectorization must be one of {', '.join(map(repr, STANDARDS))}, None or a function. "
                         f"Received: {standardize!r}")
    if split not in (None, "whitespace", "character") and not callable(split):
        raise ValueError(f"Argument `split` of TextVectorization must be 'whitespace', 'character', None or a function. Received: {split!r}")
    widths = (ngrams,) if isinstance(ngrams, int) else ngrams
    if widths is not None and not (isinstance(widths, tuple) and all(isinstance(n, int) and n > 0 for n in widths)):
        raise ValueError(f"Argument `ngrams` of TextVectorization must be a positive integer, a tuple of them or None. Received: {ngrams!r}")
    if length is not None and (mode != "int" or isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 1):
        raise ValueError("Argument `output_sequence_length` of TextVectorization must be a positive integer, for output_mode='int', or None. "
                         f"Received: {length!r} with output_mode={mode!r}")
    if ragged:
        raise ValueError("TextVectorization has no ragged=True: rows of unequal lengths are no tensor here. Leave it out: rows are padded with 0, "
                         "which Embedding(mask_zero=True) leaves out again")
