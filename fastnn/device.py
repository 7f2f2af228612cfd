"""Where arrays live and kernels run.

Today that is the CPU; a GPU joins here, and nowhere else, by giving the same functions for its own arrays.
"""
import sys
import types

from ._core.launch import (BadIndex, Block, Misfit, Plan, Stopped, block_address, empty, kernels, launch, launch_later, locate,
                           nanoseconds, next_serial, recorder, recording, release_memory, unrecorded)
from ._core.limits import measure_limits, traffic
from ._core.signature import parse, product

__all__ = ["BadIndex", "Block", "Misfit", "Plan", "Stopped", "block_address", "empty", "kernels", "launch", "launch_later", "locate",
           "measure_limits", "nanoseconds", "next_serial", "parse", "product", "recorder", "recording", "release_memory", "traffic",
           "unrecorded"]


class DeviceScope:
    """`with fastnn.device("cpu"): ...` has what is inside computed on a device: there is one, the CPU.

    Args:
        device_name: "cpu" or "cpu:0".

    Raises:
        ValueError: another device.
    """

    def __init__(self, device_name):
        if not isinstance(device_name, str):
            raise ValueError(f"a device must be a name such as 'cpu:0', received {device_name!r}")
        kind, _, number = device_name.lower().strip("/").removeprefix("device:").partition(":")
        if kind != "cpu" or number not in ("", "0"):
            raise ValueError(f"there is no device {device_name!r}: fastnn computes on the CPU, which is 'cpu:0'")
        self.name = "cpu:0"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        """Nothing to undo."""


class CallableModule(types.ModuleType):
    """This module: `fastnn.device` is also what Keras calls `keras.device`."""

    def __call__(self, device_name):
        return DeviceScope(device_name)


sys.modules[__name__].__class__ = CallableModule
