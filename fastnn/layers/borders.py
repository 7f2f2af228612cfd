"""Borders of sequences, images and volumes: zeros around them, and rims cut off."""
from .. import ops
from .arguments import data_format_name, integers, pair
from .input_spec import InputSpec
from .layer import Layer


def both_ends(value, rank, name):
    """(before, behind) for each axis, from one integer or from one entry, an integer or a pair, for each axis."""
    if rank == 1:
        return (pair(value, name, least=0),)
    if not isinstance(value, (list, tuple)):
        return tuple((n, n) for n in integers(value, rank, name, least=0))
    if len(value) != rank:
        raise ValueError(f"`{name}` should be an int, or have {rank} elements. Received: {name}={value!r}.")
    return tuple(pair(side, f"{which} entry of {name}", least=0) for side, which in zip(value, ("1st", "2nd", "3rd")))


class _ZeroPadding(Layer):
    rank = None

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_name(data_format)
        self._sides = both_ends(padding, self.rank, "padding")
        self.padding = self._sides if self.rank > 1 else self._sides[0]
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs):
        none = (0, 0)
        if self.data_format == "channels_first":
            return ops.pad(inputs, (none, none, *self._sides))
        return ops.pad(inputs, (none, *self._sides, none))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding1D(_ZeroPadding):
    """Steps of zeros before and behind sequences.

    Args:
        padding: int, on both sides, or a tuple (before, behind).
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, steps, channels), or channels first.

    Raises:
        ValueError: other values.

    Example:
        >>> fastnn.layers.ZeroPadding1D((0, 2))(np.ones((1, 1, 1))).numpy().ravel().tolist()
        [1.0, 0.0, 0.0]
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Rows and columns of zeros around images.

    Args:
        padding: int; tuple (rows, columns), on both sides each; or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Raises:
        ValueError: other values.

    Example:
        >>> fastnn.layers.ZeroPadding2D((1, 2))(np.ones((1, 3, 3, 1))).shape
        (1, 5, 7, 1)
    """

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Cells of zeros around volumes.

    Args:
        padding: int; a tuple of three, on both sides each; or ((before, behind), ...) for depth, height and width.
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, depth, height, width, channels), or channels first.

    Raises:
        ValueError: other values.

    Example:
        >>> fastnn.layers.ZeroPadding3D((0, 1, (0, 2)))(np.ones((1, 3, 3, 3, 1))).shape
        (1, 3, 5, 5, 1)
    """

    rank = 3


class _Cropping(Layer):
    rank = None
    data_format = "channels_last"

    def __init__(self, cropping, **kwargs):
        super().__init__(**kwargs)
        self._sides = both_ends(cropping, self.rank, "cropping")
        self.cropping = self._sides if self.rank > 1 else self._sides[0]
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs):
        starts, sizes = [0] * len(inputs.shape), list(inputs.shape)
        for axis, (before, behind) in enumerate(self._sides, 2 if self.data_format == "channels_first" else 1):
            if sizes[axis] is not None:
                sizes[axis] -= before + behind
                if sizes[axis] <= 0:
                    raise ValueError("Values in `cropping` must leave something of the input. "
                                     f"Received: input shape {tuple(inputs.shape)}, cropping={self.cropping}")
            starts[axis] = before
        return ops.strided_slice(inputs, starts=tuple(starts), steps=(1,) * len(starts), sizes=tuple(sizes))

    def get_config(self):
        return {**super().get_config(), "cropping": self.cropping}


class _CroppingWithFormat(_Cropping):
    def __init__(self, cropping, data_format=None, **kwargs):
        super().__init__(cropping, **kwargs)
        self.data_format = data_format_name(data_format)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class Cropping1D(_Cropping):
    """Cuts off steps before and behind: (batch, steps, channels).

    Args:
        cropping: int, on both sides, or a tuple (before, behind).
        Others: see `Layer`.

    Raises:
        ValueError: other values, and when called on a sequence of which nothing is left.

    Example:
        >>> fastnn.layers.Cropping1D((0, 2))(np.ones((1, 5, 3))).shape
        (1, 3, 3)
    """

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, **kwargs)


class Cropping2D(_CroppingWithFormat):
    """Cuts off rows and columns of images.

    Args:
        cropping: int; tuple (rows, columns), on both sides each; or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Raises:
        ValueError: other values, and when called on images of which nothing is left.

    Example:
        >>> fastnn.layers.Cropping2D(((0, 2), (1, 1)))(np.ones((1, 6, 6, 3))).shape
        (1, 4, 4, 3)
    """

    rank = 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_CroppingWithFormat):
    """Cuts off the rim of volumes.

    Args:
        cropping: int; a tuple of three, on both sides each; or ((before, behind), ...) for depth, height and width.
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, depth, height, width, channels), or channels first.

    Raises:
        ValueError: other values, and when called on volumes of which nothing is left.

    Example:
        >>> fastnn.layers.Cropping3D(1)(np.ones((1, 4, 6, 6, 3))).shape
        (1, 2, 4, 4, 3)
    """

    rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)
