"""Sequences made ready for models."""
from ..utils.sequence_utils import pad_sequences
