"""What all convolutions share: a window, strides, a border, dilation, and the place of the channels."""
from ..regularizers import serialize
from .arguments import data_format_name, integers, padding_name, to_channels_first, to_channels_last
from .input_spec import InputSpec
from .kernel_layer import KernelLayer


class ConvolutionBase(KernelLayer):
    """A convolution over `rank` axes: 1 (sequences), 2 (images) or 3 (volumes).

    Subclasses make their weights in `_add_weights`, convolve in `_convolve`, which is always given channels last and what
    follows in the same op, and name the arguments that they have of their own in `config_keys`.

    Args:
        kernel_size, strides, dilation_rate: an int, or one for each axis.
        padding: one of `paddings`.
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        **kwargs: of KernelLayer.
    """

    rank = None
    paddings = ("valid", "same")
    config_keys = ()

    def __init__(self, *, kernel_size, strides, padding, data_format, dilation_rate, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = integers(kernel_size, self.rank, "kernel_size")
        self.strides = integers(strides, self.rank, "strides")
        self.padding = padding_name(padding, self.paddings)
        self.data_format = data_format_name(data_format)
        self.dilation_rate = integers(dilation_rate, self.rank, "dilation_rate")
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._channel_axis = -1 if self.data_format == "channels_last" else 1

    def _check_strides_and_dilation(self):
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
                f"Received: strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    def build(self, input_shape):
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(f"The channel axis of the input must be known. Received: input shape {tuple(input_shape)}.")
        self._add_weights(channels, tuple(input_shape))
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})

    def call(self, inputs, absorbed=None):
        last = self._channel_axis == -1
        epilogue = {**self._epilogue, **absorbed} if absorbed else self._epilogue
        y = self._convolve(inputs if last else to_channels_last(inputs), epilogue, strides=self.strides, padding=self.padding,
                           dilation_rate=self.dilation_rate)  # fmt: skip
        return self._finish(y if last else to_channels_first(y))

    def get_config(self):
        keys = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", *self.config_keys)
        return {
            **super().get_config(),
            **{key: getattr(self, key) for key in keys},
            "activity_regularizer": serialize(self.activity_regularizer),
        }
