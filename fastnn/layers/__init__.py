"""Layers, under Keras' names."""
from .input_layer import Input, InputLayer
from .input_spec import InputSpec
from .layer import Layer
