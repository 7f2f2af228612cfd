"""timeseries_dataset_from_array: the windows of a time series, cut out batch by batch."""
import numpy as np

from .dataset_utils import Batches


def timeseries_dataset_from_array(data, targets, sequence_length, sequence_stride=1, sampling_rate=1, batch_size=128, shuffle=False,
                                  seed=None, start_index=None, end_index=None, format="tf"):
    """Batches of windows of a time series, and of their targets.

    The windows are cut out when they are asked for: only those of one batch are in memory.

    Args:
        data: array of steps (steps, ...).
        targets: array; `targets[i]` goes with the window that begins at step i.  None: there are none.
        sequence_length: steps in a window.
        sequence_stride: from the beginning of a window to that of the next one.
        sampling_rate: from one step of a window to the next.
        batch_size: windows in a batch, the last one may be smaller; None: windows come one by one.
        shuffle: whether windows come in random order, another one in each epoch.
        seed: of that order.
        start_index, end_index: only the steps start_index ... end_index - 1 are used.
        format: taken for the sake of Keras.

    Returns:
        `Batches`: what `fit`, `evaluate` and `predict` take, and loops: batches (windows, targets) of NumPy arrays, or windows alone.

    Raises:
        ValueError: sizes that do not fit the data, no room for a single window.

    Example:
        >>> series = np.arange(100)
        >>> windows = fastnn.utils.timeseries_dataset_from_array(series[:-10], series[10:], sequence_length=10, batch_size=32)
        >>> x, y = next(iter(windows))
        >>> x.shape, x[0].tolist(), y[:3].tolist(), len(windows)
        ((32, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 11, 12], 3)
    """
    data, targets = np.asarray(data), None if targets is None else np.asarray(targets)
    if data.ndim == 0:
        raise ValueError(f"`data` must be an array of steps, received {data!r}")
    check(len(data), sequence_length, sequence_stride, sampling_rate, start_index, end_index, format)
    start, end = start_index or 0, len(data) if end_index is None else end_index
    count = end - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets) - start)
    if count < 1:
        raise ValueError(f"there is no room for a window of {sequence_length} steps (sampling_rate={sampling_rate}) in the {end - start} steps "
                         f"that are used" + ("" if targets is None else f", with {len(targets)} targets"))
    within = np.arange(sequence_length) * sampling_rate
    starts = np.arange(start, start + count, sequence_stride)

    def make(samples):
        first = starts[samples]
        windows = data[first[:, None] + within]
        return windows if targets is None else (windows, targets[first])

    return Batches(len(starts), make, batch_size, shuffle, seed)


def check(steps, sequence_length, sequence_stride, sampling_rate, start_index, end_index, format):
    """Raises ValueError for sizes that do not fit so many steps."""
    if sequence_length < 1:
        raise ValueError(f"`sequence_length` must be positive, received {sequence_length}")
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < steps:
            raise ValueError(f"`{name}` must be above 0 and below the length of the data, {steps}; received {value}")
    if start_index and not 0 <= start_index < steps:
        raise ValueError(f"`start_index` must be at least 0 and below the length of the data, {steps}; received {start_index}")
    if end_index is not None and not (start_index or 0) < end_index < steps:
        raise ValueError(f"`end_index` must be above start_index={start_index} and below the length of the data, {steps}; received {end_index}")
    if format not in ("tf", "grain"):
        raise ValueError(f"`format` must be 'tf' or 'grain' (both give the same here), received {format!r}")
