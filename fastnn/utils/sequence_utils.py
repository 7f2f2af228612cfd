"""pad_sequences: rows of unequal lengths as one array."""
import numpy as np


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """Rows of unequal lengths as one array: short ones are filled up, long ones cut.

    Args:
        sequences: list of lists (or arrays) of numbers; or of arrays with further axes, equal ones.
        maxlen: length of all rows; None: that of the longest.
        dtype: of the array.
        padding: "pre" or "post": where `value` fills up.
        truncating: "pre" or "post": where long rows are cut.
        value: number, or anything that broadcasts to one step.

    Returns:
        Array (rows, maxlen, ...).

    Raises:
        ValueError: other words, rows without a length, rows whose steps have unequal shapes, a text for an array of numbers.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
        [[0, 1], [2, 3], [5, 6]]
    """
    for argument, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ValueError(f"[pad_sequences] {argument} must be 'pre' or 'post', received {word!r}")
    rows = [_row(row, i, dtype) for i, row in enumerate(sequences)]
    if isinstance(value, str) and np.dtype(dtype).kind not in "UO":
        raise ValueError(f"[pad_sequences] value is the text {value!r}, dtype {dtype}: pass dtype=object for rows of texts")
    longest = max(map(len, rows), default=0)
    maxlen = longest if maxlen is None else maxlen
    if isinstance(maxlen, bool) or not isinstance(maxlen, (int, np.integer)) or maxlen < 0:
        raise ValueError(f"[pad_sequences] maxlen must be an integer >= 0 or None, received {maxlen!r}")
    step = next((row.shape[1:] for row in rows if len(row)), ())
    padded = np.full((len(rows), maxlen, *step), value, dtype)
    for i, row in enumerate(rows):
        if len(row) and row.shape[1:] != step:
            raise ValueError(f"[pad_sequences] steps of row {i} have the shape {row.shape[1:]}, those of other rows {step}")
        part = row[max(len(row) - maxlen, 0):] if truncating == "pre" else row[:maxlen]
        if len(part) and padding == "pre":
            padded[i, maxlen - len(part):] = part
        elif len(part):
            padded[i, :len(part)] = part
    return padded


def _row(row, number, dtype):
    if not hasattr(row, "__len__"):
        raise ValueError(f"[pad_sequences] sequences must be a list of lists; row {number} is {row!r}")
    try:
        return np.asarray(row, dtype)
    except (ValueError, TypeError) as error:
        raise ValueError(f"[pad_sequences] row {number} cannot become an array of {dtype}: {error}") from None
