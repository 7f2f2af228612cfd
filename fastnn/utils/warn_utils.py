"""Warnings that point at the line of the user's program, however deep inside fastnn they arise."""
import os
import sys
import warnings

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def warn(message, category=UserWarning):
    """Warns as `warnings.warn` does, in the name of the innermost caller outside fastnn.

    Args:
        message: the text.
        category: the class of the warning.
    """
    frame, level = sys._getframe(1), 2
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
