"""Models."""
from .cloning import clone_model
from .functional import Functional
from .model import Model
from .sequential import Sequential
