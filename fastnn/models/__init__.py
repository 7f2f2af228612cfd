"""Models."""
from .cloning import clone_model
from .function import Function, Operation
from .functional import Functional
from .model import Model
from .sequential import Sequential
