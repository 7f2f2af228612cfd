"""Layers, under Keras' names."""
from ..utils import serialization as _serialization
from .activation import Activation, ELU, LeakyReLU, ReLU, Softmax
from .attention import AdditiveAttention, Attention
from .activation_prelu import PReLU
from .borders import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from .category_encoding import CategoryEncoding
from .convolution import Conv1D, Conv2D, Conv3D, Convolution1D, Convolution2D, Convolution3D
from .convolution_depthwise import (DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D,
                                    SeparableConvolution1D, SeparableConvolution2D)
from .convolution_transpose import (Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, Convolution1DTranspose,
                                    Convolution2DTranspose, Convolution3DTranspose)
from .core import Dense, Identity, Masking
from .discretization import Discretization
from .dot_product import Dot, dot
from .einsum_dense import EinsumDense
from .embedding import Embedding, ReversibleEmbedding
from .hashing import HashedCrossing, Hashing
from .input_layer import Input, InputLayer
from .input_spec import InputSpec
from .integer_lookup import IntegerLookup
from .lambda_layer import Lambda
from .layer import Layer
from .merging import (Add, Average, Concatenate, Maximum, Minimum, Multiply, Subtract, add, average, concatenate,
                      maximum, minimum, multiply, subtract)
from .noise import AlphaDropout, GaussianDropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from .multi_head_attention import GroupedQueryAttention, GroupQueryAttention, MultiHeadAttention
from .normalization import BatchNormalization
from .normalization_data import Normalization
from .normalization_group import GroupNormalization
from .normalization_rows import LayerNormalization, RMSNormalization, UnitNormalization
from .normalization_spectral import SpectralNormalization
from .pooling import (AveragePooling1D, AveragePooling2D, AveragePooling3D, AvgPool1D, AvgPool2D, AvgPool3D,
                      GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D, GlobalAvgPool1D,
                      GlobalAvgPool2D, GlobalAvgPool3D, GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D,
                      GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D, MaxPool1D, MaxPool2D, MaxPool3D,
                      MaxPooling1D, MaxPooling2D, MaxPooling3D)
from .pooling_adaptive import (AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D,
                               AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D)
from .preprocessing import Rescaling
from .regularization import ActivityRegularization, Dropout
from .reshaping import Flatten, Permute, RepeatVector, Reshape
from .string_lookup import StringLookup
from .text_vectorization import TextVectorization
from .upsampling import UpSampling1D, UpSampling2D, UpSampling3D
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
