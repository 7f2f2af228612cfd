"""Data made ready for models, by the names of older Keras: sequence."""
from . import sequence
