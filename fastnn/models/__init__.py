"""Models: layers that learn from data."""
from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential"]
