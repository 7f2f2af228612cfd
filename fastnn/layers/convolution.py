"""Two-dimensional convolution."""
from .. import ops
from ..regularizers import serialize
from .arguments import data_format_name, padding_name, pair, positive_integer, to_channels_first, to_channels_last
from .input_spec import InputSpec
from .kernel_layer import KernelLayer


class Conv2D(KernelLayer):
    """Convolution of images with `filters` learned kernels.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: an int, or a tuple (down, right).
        padding: "valid" (none) or "same" (zeros, so that the output has ceil(size / stride)).
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        groups: the input's channels are cut into so many groups, each with its own kernels.
        activation: name or function.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint: objects or names.
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Weights:
        kernel (height, width, channels / groups, filters), bias (filters,).

    Raises:
        ValueError: bad values, for `strides` and `dilation_rate` both above 1, and filters or channels that the
        groups do not divide.

    Example:
        >>> fastnn.layers.Conv2D(32, 3, activation="relu", padding="same")(np.ones((2, 28, 28, 1))).shape
        (2, 28, 28, 32)
    """

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
                 groups=1, activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, **kwargs):
        super().__init__(activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
                         bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                         bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
                         kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, **kwargs)
        self.filters = positive_integer(filters, "filters")
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.strides = pair(strides, "strides")
        self.padding = padding_name(padding)
        self.data_format = data_format_name(data_format)
        self.dilation_rate = pair(dilation_rate, "dilation_rate")
        self.groups = positive_integer(groups, "groups")
        self.input_spec = InputSpec(ndim=4)
        self._channel_axis = -1 if self.data_format == "channels_last" else 1
        self._check_arguments()

    def _check_arguments(self):
        if self.filters % self.groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={self.groups}, filters={self.filters}."
            )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
                f"Received: strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    def build(self, input_shape):
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(f"The channel axis of the input must be known. Received: input shape {tuple(input_shape)}.")
        if channels % self.groups:
            raise ValueError(
                f"The number of input channels must be evenly divisible by the number of groups. Received: groups={self.groups}, "
                f"but the input has {channels} channels (full input shape is {tuple(input_shape)})."
            )
        self._add_kernel_and_bias((*self.kernel_size, channels // self.groups, self.filters), self.filters)
        self.input_spec = InputSpec(ndim=4, axes={self._channel_axis: channels})

    def call(self, inputs):
        last = self._channel_axis == -1
        y = ops.conv2d(
            inputs if last else to_channels_last(inputs), self.kernel, self.bias, strides=self.strides,
            padding=self.padding, dilation_rate=self.dilation_rate, groups=self.groups, **self._epilogue,
        )  # fmt: skip
        return self._finish(y if last else to_channels_first(y))

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activity_regularizer": serialize(self.activity_regularizer),
        }


Convolution2D = Conv2D
