"""Where arrays live and kernels run.

Today that is the CPU; a GPU joins here, and nowhere else, by giving the same functions for its own arrays.
"""
from ._core.launch import BadIndex, empty, launch, launch_later, nanoseconds, recording
from ._core.limits import measure_limits, traffic

__all__ = ["BadIndex", "empty", "launch", "launch_later", "measure_limits", "nanoseconds", "recording", "traffic"]
