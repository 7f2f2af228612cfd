"""Layers, under Keras' names."""
from ..utils import serialization as _serialization
from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .activation_prelu import PReLU
from .convolution import Conv1D, Conv2D, Convolution1D, Convolution2D
from .convolution_depthwise import (DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D,
                                    SeparableConvolution1D, SeparableConvolution2D)
from .convolution_transpose import (Conv1DTranspose, Conv2DTranspose, Convolution1DTranspose,
                                    Convolution2DTranspose)
from .core import Dense, Identity
from .input_layer import Input, InputLayer
from .input_spec import InputSpec
from .layer import Layer
from .noise import AlphaDropout, GaussianDropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from .normalization import BatchNormalization
from .normalization_group import GroupNormalization
from .normalization_rows import LayerNormalization, RMSNormalization, UnitNormalization
from .normalization_spectral import SpectralNormalization
from .pooling import (AveragePooling2D, AvgPool2D, GlobalAveragePooling2D, GlobalAvgPool2D, GlobalMaxPool2D,
                      GlobalMaxPooling2D, MaxPool2D, MaxPooling2D)
from .preprocessing import Rescaling, ZeroPadding2D
from .regularization import ActivityRegularization, Dropout
from .reshaping import Flatten, Permute, RepeatVector, Reshape
from .wrapper import TimeDistributed, Wrapper


def _classes():
    return {name: value for name, value in globals().items() if isinstance(value, type) and issubclass(value, Layer)}


def serialize(layer):
    """The config of a layer: `{"module", "class_name", "config", "registered_name"}`."""
    return _serialization.serialize(layer)


def deserialize(config, custom_objects=None):
    """A new layer from its config.

    Raises:
        ValueError: an unknown class (with the nearest known ones).
    """
    return _serialization.deserialize(config, _classes(), custom_objects, "layer")
