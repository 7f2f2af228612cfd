"""Where arrays live and kernels run.

Today that is the CPU; a GPU joins here, and nowhere else, by giving the same two functions for its own arrays.
"""
from ._core.launch import BadIndex, empty, launch

__all__ = ["BadIndex", "empty", "launch"]
