"""Where arrays live and kernels run.

Today that is the CPU; a GPU joins here, and nowhere else, by giving the same functions for its own arrays.
"""
from ._core.launch import (BadIndex, Block, Misfit, Plan, Stopped, block_address, empty, kernels, launch, launch_later, locate,
                           nanoseconds, next_serial, recorder, recording, release_memory, unrecorded)
from ._core.limits import measure_limits, traffic
from ._core.signature import parse, product

__all__ = ["BadIndex", "Block", "Misfit", "Plan", "Stopped", "block_address", "empty", "kernels", "launch", "launch_later", "locate",
           "measure_limits", "nanoseconds", "next_serial", "parse", "product", "recorder", "recording", "release_memory", "traffic",
           "unrecorded"]
