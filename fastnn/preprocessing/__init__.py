"""Data made ready for models, by the names of older Keras: sequence, text."""
from ..utils.text_dataset_utils import text_dataset_from_directory
from ..utils.timeseries_dataset_utils import timeseries_dataset_from_array
from . import sequence, text
