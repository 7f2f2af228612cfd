"""What layers with an `adapt` share: the batches that it reads, and how those with a vocabulary are made again."""
import itertools

import numpy as np

from ..ops import is_sparse
from ..tensor import Tensor, look
from ..utils.dataset_utils import PyDataset
from ..utils.vocabulary import refuse_files
from .layer import Layer


class OfVocabulary(Layer):
    """Base of layers that hold a vocabulary: they are built of no shape, and their configs name no files."""

    @classmethod
    def from_config(cls, config):
        """A new layer from the result of `get_config`.

        Raises:
            ValueError: the config names a file for its vocabulary.
        """
        refuse_files(cls, config)
        return super().from_config(config)

    def get_build_config(self):
        return {}

    def build_from_config(self, config):
        self.build(None)


def batches_of(layer, data, steps=None, whole=(np.ndarray, Tensor), rank=0):
    """The batches of what `adapt` was given; x of (x, y).

    Args:
        layer: whose; for messages.
        data: an array, or batches.
        steps: how many batches are read; None: all.
        whole: what is taken for one batch; anything else is asked for batches.
        rank: what is taken for one batch gets further axes up to this number.

    Raises:
        ValueError: no data; TypeError: what holds none.
    """
    if is_sparse(data):
        raise ValueError(f'`adapt` of layer "{layer.name}" takes dense data. Received: a sparse matrix of shape {data.shape}: call .toarray()')
    if isinstance(data, whole) or hasattr(data, "__array__"):
        array = look(data, "adapt") if isinstance(data, Tensor) else np.asarray(data)
        if not array.size:
            raise ValueError(f'`adapt` of layer "{layer.name}" received no data: an array of shape {array.shape}')
        return [array.reshape(*array.shape, *[1] * (rank - array.ndim))]
    if isinstance(data, PyDataset):
        data = map(data.__getitem__, range(len(data)))
    if isinstance(data, (str, bytes)) or not hasattr(data, "__iter__"):
        raise TypeError(f'`adapt` of layer "{layer.name}" takes an array, or batches (a list, a generator, a data set). Received: {data!r}')
    return read(layer, itertools.islice(data, steps))


def read(layer, batches):
    """The x of each batch as an array."""
    batch = None
    for batch in batches:
        batch = batch[0] if isinstance(batch, tuple) else batch
        yield look(batch, "adapt") if isinstance(batch, Tensor) else np.asarray(batch)
    if batch is None:
        raise ValueError(f'`adapt` of layer "{layer.name}" received no data: there are no batches')
