"""Models."""
from ..saving.model_files import load_model, model_from_json, save_model
from .cloning import clone_model
from .function import Function, Operation
from .functional import Functional
from .model import Model
from .sequential import Sequential
