"""The parts of a batch: x, y and the weights of samples."""


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """The data of a step as `train_step` gets them: x, (x, y) or (x, y, sample_weight)."""
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data):
    """(x, y, sample_weight) of the data of a step, None for what is not there."""
    if data.__class__ is not tuple:
        if not isinstance(data, (tuple, list)):
            return data, None, None
        data = tuple(data)
    if not 1 <= len(data) <= 3:
        raise ValueError("the data of a step must be x, (x,), (x, y) or (x, y, sample_weight), "
                         f"received {len(data)} parts")
    return data + (None,) * (3 - len(data))
